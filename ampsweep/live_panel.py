"""The panel of a model that is played live: its knobs under keys and MIDI, and its meters."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping

from rich.cells import cell_len, set_cell_size
from rich.markup import escape

from rigs.errors import UserError
from rigs.knobs import Knob
from training.exports.pedal import ModelFacts
from training.exports.snapshot import position_of
from training.native.live import LiveEngine

KEYS = "up and down choose, left and right turn, d default, b bypass, q ends"
STEPS = 50
"""Presses from one end of a knob to the other."""
WIDTH = 30
LEVELS = (Knob("Input Level", -24.0, 24.0, 0.0, "dB"), Knob("Output Level", -60.0, 24.0, 0.0, "dB"))
RECENT = 4
"""Looks at the meters that a page, which comes when it likes, must not miss."""
LOUDEST = 64.0
"""Of what is shown; a card that gives infinity is not louder."""
BYPASS, LEVEL = 80, 7
"""Control numbers, as the pedal has them."""


def knob_of(number: int) -> int | None:
    """The knob that a MIDI control number turns, counted from 0, as on the pedal; None: none.

    The numbers are those that the MIDI standard leaves undefined.
    """
    for first, last, knob in ((20, 31, 0), (102, 119, 12), (14, 15, 30)):
        if first <= number <= last:
            return knob + number - first
    return None


class Panel:
    """What can be turned, and what is to be seen."""

    def __init__(self, facts: ModelFacts, engine: LiveEngine, rate: int) -> None:
        self._facts, self._engine, self._rate = facts, engine, rate
        self.knobs = (*facts.knobs, *LEVELS)
        self.positions = [knob.default for knob in self.knobs]
        self.chosen = 0
        self.bypassed = False
        self._dropouts = self._callbacks = 0
        self._latency = self._load = self._highest_load = 0.0
        self._peaks = deque([(0.0, 0.0)], RECENT)

    def set(self, setting: Mapping[str, float]) -> None:
        for index, knob in enumerate(self._facts.knobs):
            self.turn(index, setting[knob.name])

    def turn(self, index: int, position: float) -> None:
        """Turn a knob, or one of the two levels after them, to a position, and stop at its ends."""
        knob = self.knobs[index]
        position = min(max(position, knob.minimum), knob.maximum)
        self.positions[index] = position
        if index < len(self._facts.knobs):
            self._engine.set(index, position)
        else:
            before, after = self.positions[-2:]
            self._engine.levels(before, after)

    def calibrate(self, input_dbu: float) -> None:
        """Set the input level for an interface whose 0 dBFS is so many dBu."""
        own = self._facts.input_level_dbu
        if own is None:
            raise UserError(
                "This model does not know its input level, as its rig was not calibrated; leave "
                "--input-dbu away and set the level by ear."
            )
        self.turn(len(self.knobs) - 2, input_dbu - own)

    def press(self, key: str) -> None:
        """What a key does."""
        knob, position = self.knobs[self.chosen], self.positions[self.chosen]
        step = 1.0 if knob.detents else (knob.maximum - knob.minimum) / STEPS
        match key:
            case "\x1b[A" | "\x1bOA" | "k":
                self.chosen = (self.chosen - 1) % len(self.knobs)
            case "\x1b[B" | "\x1bOB" | "j" | "\t":
                self.chosen = (self.chosen + 1) % len(self.knobs)
            case "\x1b[C" | "\x1bOC" | "l" | "+":
                self.turn(self.chosen, position + step)
            case "\x1b[D" | "\x1bOD" | "h" | "-":
                self.turn(self.chosen, position - step)
            case "d":
                self.turn(self.chosen, knob.default)
            case "b":
                self.bypass(not self.bypassed)

    def control(self, number: int, value: int) -> None:
        """What a MIDI control change does; ``value`` is 0 to 127."""
        index = len(self.knobs) - 1 if number == LEVEL else knob_of(number)
        if number == BYPASS:
            self.bypass(value < 64)
        elif index is not None and (number == LEVEL or index < len(self._facts.knobs)):
            knob = self.knobs[index]
            position = knob.minimum + value / 127 * (knob.maximum - knob.minimum)
            self.turn(index, float(round(position)) if knob.detents else position)

    def bypass(self, bypassed: bool) -> None:
        self.bypassed = bypassed
        self._engine.bypass(bypassed)

    def look(self, latency: float, load: float, blocks: int = 0) -> None:
        """Read the meters; the driver says ``latency`` in seconds, and ``load`` from 0 to 1.

        ``blocks``: those that take time and are not in ``latency``.
        """
        meters = self._engine.read()
        self._dropouts += meters.dropouts
        self._callbacks += meters.callbacks
        self._peaks.append((meters.input, meters.output))
        self._latency = latency + (self._engine.delay + blocks * meters.block) / self._rate
        self._load = load
        self._highest_load = max(self._highest_load, load)

    def state(self) -> dict[str, object]:
        """All that a page shows; the levels are the highest of the last looks."""
        input, output = (max(peaks) for peaks in zip(*self._peaks.copy(), strict=True))
        return {
            "positions": list(self.positions),
            "bypassed": self.bypassed,
            "input": min(input, LOUDEST),
            "output": min(output, LOUDEST),
            "latency": self._latency,
            "load": self._load,
            "rate": self._rate,
            "dropouts": self._dropouts,
        }

    def picture(self) -> str:
        """The panel as rich's markup, a line each."""
        heard, sounds = self._peaks[-1]
        lines = [
            f"round trip {1000 * self._latency:.1f} ms at {self._rate} Hz   load "
            f"{100 * self._load:.0f} %   dropouts {self._dropouts}",
            f"in {_level(heard)}   out {_level(sounds)}"
            + ("   [reverse] bypass [/]" if self.bypassed else ""),
        ]
        longest = max(cell_len(knob.name) for knob in self.knobs)
        for index, (knob, position) in enumerate(zip(self.knobs, self.positions, strict=True)):
            part = (position - knob.minimum) / (knob.maximum - knob.minimum)
            bar = "━" * round(part * WIDTH)
            said = f"{position_of(knob, round(position, 3))} {knob.unit}".strip()
            name = set_cell_size(knob.name, longest)
            line = f"{name} {bar:{WIDTH}} {said}"
            lines.append(
                f"[bold]› {escape(line)}[/]" if index == self.chosen else escape(f"  {line}")
            )
        return "\n".join([*lines, f"[dim]{KEYS}[/]"])

    def summary(self) -> str:
        """What is to be said at the end."""
        if not self._callbacks:
            return "No audio came or went."
        return (
            f"{self._callbacks} blocks were played, {self._dropouts} times audio was lost; round "
            f"trip {1000 * self._latency:.1f} ms at {self._rate} Hz, load "
            f"{100 * self._highest_load:.0f} % at most."
        )


def _level(peak: float) -> str:
    """A peak in dBFS, and its bar over 60 dB: red from where it clips."""
    decibels = max(-99.0, 20 * math.log10(peak)) if peak > 0 else -99.0
    bar = "▮" * round(max(0.0, min(1.0, 1 + decibels / 60)) * 20)
    colour = "red" if peak >= 1 else "green"
    return f"[{colour}]{bar:20}[/] {decibels:5.1f} dBFS"
