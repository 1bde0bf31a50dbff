"""An amp with a front panel, a person who reads prompts and turns its knobs, and a wire."""

from __future__ import annotations

import re

import numpy as np

from rigs.knobs import Knob, KnobTable
from rigs.rig import Recording, SignalPath

KNOBS = KnobTable(
    (
        Knob("Gain"),
        Knob("Bass", -15.0, 15.0, 0.0, "dB"),
        Knob("Treble"),
        Knob("Volume"),
        Knob("Bright", 0.0, 1.0, 0.0, detents=("off", "on")),
    )
)

ASKED = re.compile(r"(\w+) to (-?[\d.]+|off|on)(?: dB)?(?: \(from [^)]*\))?(?=[,.]( |$))", re.M)


def asked(text: str) -> dict[str, float]:
    """What a prompt says: from the line that begins with "Turn"."""
    line = next(line for line in text.splitlines() if line.startswith("Turn "))
    values = {"off": 0.0, "on": 1.0}
    return {
        name: values[value] if value in values else float(value)
        for name, value, _ in ASKED.findall(line.removeprefix("Turn "))
    }


class Hand:
    """Turns the knobs that it is asked to, and presses the ``keys`` in turn, then only Enter."""

    def __init__(self, *keys: str) -> None:
        self.panel: dict[str, float] = {}
        self.prompts: list[str] = []
        self.turns: list[dict[str, float]] = []
        self._keys = list(keys)

    def __call__(self, text: str) -> str:
        self.prompts.append(text)
        if "Turn " in text:
            self.turns.append(asked(text))
            self.panel |= self.turns[-1]
        return self._keys.pop(0) if self._keys else "\r"


def amp(dry, panel):
    """What the amp does to audio with its knobs at ``panel``."""
    driven = np.tanh((0.2 + panel["Gain"]) * np.asarray(dry, np.float64))
    level = (0.1 + panel["Volume"] / 20) * 10 ** (panel["Bass"] / 40)
    return level * driven + (0.01 * panel["Treble"] + 0.02 * panel["Bright"]) * dry


class HandAmp(SignalPath):
    """The amp, with its knobs where the hand has left them."""

    def __init__(self, hand: Hand) -> None:
        self._hand = hand

    def play(self, dry, motion, progress):
        progress(len(dry) / 48000)
        return Recording(amp(dry, self._hand.panel).astype(np.float32))


class Wire(SignalPath):
    """Carries audio, and has no knobs."""

    def play(self, dry, motion, progress):
        progress(len(dry) / 48000)
        return Recording((0.5 * dry).astype(np.float32))
