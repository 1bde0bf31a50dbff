"""A bench: an interface in volts, a cable that goes here or there, an amp, and a voltmeter.

What a person would turn or plug is a file, read again before each take: tests turn it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from scipy import signal

from rigs.audio import SAMPLE_RATE, quantise24
from rigs.knobs import Knob, KnobTable
from rigs.rig import Options, Recording, SignalPath

STATE: dict[str, Any] = {
    "full_output": 4.0,  # peak volts of 0 dBFS at the output
    "rail": 100.0,  # peak volts at which the output stage bends
    "input_gain": 0.0,  # dB: 0 makes 0 dBFS of a peak of 2 V
    "plugged": "device",  # or "cable", from output to input, or "nothing"
    "device_gain": 0.2,  # at Volume 5; its limit is 4 V
    "noise": 1e-4,  # RMS volts at the input
    "hum": 0.0,  # of which a sine at 50 Hz has this peak
    "latency": 0,
}
FULL_INPUT = 2.0
TOML = """
name = "bench"
device = "amp-on-a-bench"
[actuator]
type = "parameters"
[path]
type = "bench"
state = "state.json"
[knobs.Volume]
"""


class BenchOptions(Options):
    state: Path
    send_db: float = 0.0


def cabinet(frames: int = 4800) -> np.ndarray:
    """A made-up cabinet's response: a box resonance, a presence peak, no treble, a reflection."""
    x = np.zeros(frames)
    x[0] = 1.0
    y = signal.sosfilt(signal.butter(4, 90, "highpass", fs=SAMPLE_RATE, output="sos"), x)
    y = signal.sosfilt(signal.butter(4, 4500, "lowpass", fs=SAMPLE_RATE, output="sos"), y)
    y = y + signal.lfilter(*signal.iirpeak(120, 4, fs=SAMPLE_RATE), y)
    y = y + 0.8 * signal.lfilter(*signal.iirpeak(2500, 2, fs=SAMPLE_RATE), y)
    y[30:] += 0.3 * y[:-30]
    return y


class Bench(SignalPath):
    """Aligned, as a live path whose clicks are heard."""

    options_type = BenchOptions
    options: BenchOptions
    knobs = KnobTable((Knob("Volume"),))
    notice = "Mind your ears."

    def __init__(self, options, folder):
        super().__init__(options, folder)
        self.opened = 0
        self.spoil: list[str] = []

    def open(self, ask):
        self.opened += 1

    def close(self):
        self.opened = 0

    def turn(self, **changes):
        """Change what a person would turn or plug."""
        path = self.folder / self.options.state
        path.write_text(json.dumps({**STATE, **self.state, **changes}))

    @property
    def state(self):
        path = self.folder / self.options.state
        return {**STATE, **(json.loads(path.read_text()) if path.exists() else {})}

    def _volume(self, motion):
        return 5.0 if motion.parameters is None else float(motion.parameters.positions[0, 0])

    def _pass(self, out, volume):
        assert self.opened == 1
        state, dry = self.state, out
        out = np.clip(np.asarray(dry, np.float64), -1, 1) * state["full_output"]
        out = np.where(np.abs(out) > state["rail"], np.sign(out) * state["rail"], out)
        heard = np.zeros(len(dry))
        if state["plugged"] == "cable":
            heard = out
        elif state["plugged"] == "device":
            heard = 4 * np.tanh(state["device_gain"] * volume / 5 * out / 4)
        meter = {"send": rms_of(out), "return": rms_of(heard)}
        (self.folder / "meter.json").write_text(json.dumps(meter))
        rng = np.random.default_rng(0)
        heard = heard + state["noise"] * rng.standard_normal(len(dry))
        heard += state["hum"] * np.sin(2 * np.pi * 50 * np.arange(len(dry)) / SAMPLE_RATE)
        wet = heard / FULL_INPUT * 10 ** (state["input_gain"] / 20)
        return quantise24(np.clip(wet, -1, 1)).astype(np.float64)

    def play(self, dry, motion, progress):
        wet = self._pass(dry * 10 ** (self.options.send_db / 20), self._volume(motion))
        progress(len(dry) / SAMPLE_RATE)
        return Recording(wet, flags=(self.spoil.pop(0),) if self.spoil else ())


class RawBench(Bench):
    """One that needs clicks to prepare and play; its raw exchange is late, and not amplified."""

    def prepare(self):
        raise AssertionError("no clicks are heard")

    def play(self, dry, motion, progress):
        raise AssertionError("no clicks are heard")

    def exchange(self, out):
        wet, late = self._pass(out, 5.0), self.state["latency"]
        return np.concatenate([np.zeros(late), wet])[: len(wet)]


def rms_of(volts):
    """Of the steady middle of what was played."""
    middle = volts[len(volts) // 4 : -len(volts) // 4]
    return float(np.sqrt(np.mean(middle**2)))


def meter(folder: Path) -> dict[str, float]:
    return json.loads((folder / "meter.json").read_text())
