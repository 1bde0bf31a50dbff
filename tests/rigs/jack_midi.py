"""A digital amp that is set by MIDI over JACK: a process that hears, and an amp that obeys.

The port lives in a process of its own, so that it can be pulled like a cable, and so that what is
compared here has been all the way through the server.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from dataclasses import dataclass

import numpy as np

from rigs.actuators.midi import Midi, MidiOptions
from rigs.knobs import Knob, KnobTable
from rigs.midi_ports import OUT, ports
from rigs.rig import Options, Recording, SignalPath

PATIENCE = 30.0

LISTEN = """
import os, signal, sys, time, rtmidi
port = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, sys.argv[1])
port.open_virtual_port("Modeller in")
port.set_callback(lambda event, _: print(time.monotonic(), bytes(event[0]).hex(), flush=True))
print("ready", flush=True)
sys.stdin.read()
# A client that just ends is waited for by a synchronous server, for seconds; but one that is told
# something while it closes may wait for itself.
signal.alarm(5)
port.cancel_callback()
port.close_port()
port.delete()
os._exit(0)
"""

KNOBS = KnobTable(
    (
        Knob("Gain"),
        Knob("Tone"),
        Knob("Bright", 0.0, 2.0, 0.0, detents=("off", "on", "deep")),
        Knob("Preset", 0.0, 1.0, 0.0, detents=("clean", "lead")),
    )
)

OPTIONS = {
    "port": "Modeller",
    "channel": 3,
    "settle": 0.0,
    "knobs": {
        "Gain": {"control": 20},
        "Tone": {"control": 21, "bits": 14},
        "Bright": {"control": 80, "values": [0, 64, 127]},
        "Preset": {"program": [4, 9]},
    },
}


def options(**changes):
    return MidiOptions.model_validate({**OPTIONS, **changes})


def midi(tmp_path, **changes):
    """The actuator that steers the modeller."""
    actuator = Midi(options(**changes), tmp_path)
    actuator.check(KNOBS)
    return actuator


def hexes(*messages: str) -> list[bytes]:
    return [bytes.fromhex(message) for message in messages]


class Modeller:
    """A MIDI input named "<name>:Modeller in", and everything that arrived there, with its time."""

    def __init__(self, name: str = "stage") -> None:
        self.heard: list[tuple[float, bytes]] = []
        self._news = threading.Condition()
        self._process = subprocess.Popen(
            [sys.executable, "-c", LISTEN, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            at, message = line.split()
            with self._news:
                self.heard.append((float(at), bytes.fromhex(message)))
                self._news.notify_all()

    @property
    def messages(self) -> list[bytes]:
        return [message for _, message in list(self.heard)]

    def wait(self, number: int) -> list[bytes]:
        """The first ``number`` messages, or what there was of them when patience ended."""
        with self._news:
            self._news.wait_for(lambda: len(self.heard) >= number, PATIENCE)
        return self.messages

    def wait_for(self, setting: dict[str, float]) -> dict[str, float]:
        """Where the knobs stand: as in ``setting``, or wherever they were when patience ended."""
        with self._news:
            self._news.wait_for(lambda: panel(self.messages) == setting, PATIENCE)
        return panel(self.messages)

    def pull(self) -> None:
        """What pulling the cable does; returns when the port is gone from the server."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(PATIENCE)
        self._reader.join()
        self._process.stdout.close()
        end = time.monotonic() + PATIENCE
        while any("Modeller" in name for name in ports(OUT, "jack")["jack"]):
            assert time.monotonic() < end, "the server still shows the port"


def panel(messages: list[bytes]) -> dict[str, float]:
    """The panel of the device that heard ``messages``, read as its manual would say it."""
    controls: dict[int, int] = {}
    setting = {}
    for status, *data in messages:
        if status == 0xC2:
            setting["Preset"] = float((4, 9).index(data[0]))
            controls = {20: 1, 21: 2, 53: 3, 80: 64}  # a preset brings knobs of its own
        elif status == 0xB2:
            controls[data[0]] = data[1]
            if data[0] == 21:
                controls[53] = 0
    if 20 in controls:
        setting["Gain"] = controls[20] * (10 / 127)
    if 21 in controls:
        setting["Tone"] = (controls[21] * 128 + controls[53]) * (10 / 16383)
    if 80 in controls:
        setting["Bright"] = float((0, 64, 127).index(controls[80]))
    return {name: setting[name] for name in KNOBS.names if name in setting}


def amp(dry, setting):
    """What that device does to audio."""
    dry = np.asarray(dry, np.float64)
    wet = (0.2 + setting["Tone"] / 10) * np.tanh((0.5 + setting["Gain"] / 4) * dry)
    return ((1.0, 0.7, 0.4)[int(setting["Bright"])] - 0.1 * setting["Preset"]) * wet


@dataclass
class LiveAmp(SignalPath):
    """Plays through the amp, in its own time, while the amp obeys what it hears."""

    modeller: Modeller

    def play(self, dry, motion, progress):
        self.modeller.wait_for(motion.reached)
        at = time.monotonic() + 0.2
        motion.begin(at)
        threading.Event().wait(at + len(dry) / 48000 - time.monotonic())
        progress(len(dry) / 48000)
        heard = list(self.modeller.heard)
        frames = [round((when - at) * 48000) for when, _ in heard]
        cuts = [0, *(min(max(frame, 0), len(dry)) for frame in frames), len(dry)]
        wet = np.zeros(len(dry), np.float32)
        for number in range(len(heard) + 1):
            piece = slice(cuts[number], cuts[number + 1])
            if piece.start < piece.stop:
                setting = panel([message for _, message in heard[:number]])
                wet[piece] = amp(dry[piece], setting)
        return Recording(wet)


class Silent(SignalPath):
    """A path for rigs that are only read."""

    options_type = Options

    def play(self, dry, motion, progress):
        raise AssertionError("nothing is played here")
