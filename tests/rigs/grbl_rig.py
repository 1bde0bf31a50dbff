"""Rigs with steppers on a fake controller, and a signal path that lives in real time."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from grbl_pty import Bench

from rigs.actuators.grbl import Grbl, GrblOptions
from rigs.knobs import Knob, KnobTable
from rigs.rig import Options, Recording, Rig, SignalPath

KNOBS = KnobTable((Knob("Gain"), Knob("Tone"), Knob("Bright", 0, 1, 0, detents=("off", "on"))))
TWO = KnobTable(KNOBS.knobs[:2])


def options(port, knobs=KNOBS, **changes):
    axes = dict(zip(knobs.names, "XYA" if knobs == KNOBS else "XYZABC", strict=False))
    table = {name: {"axis": axis, "travel": 300} for name, axis in axes.items()}
    if "Bright" in table:
        table["Bright"]["detents"] = [100, 200]
    for name, more in changes.pop("more", {}).items():
        table[name] |= more
    given = {
        "port": str(port),
        "knobs": table,
        "homing_current": "fixed",
        "settle": 0,
        "homing_speed": 360,
        "configure": True,
        **changes,
    }
    return GrblOptions.model_validate(given)


def steppers(bench, knobs=KNOBS, **changes):
    return Grbl(options(bench.port, knobs, **changes), Path())


class LivePath(SignalPath):
    """Audio that takes as long as it lasts, and tells the motion when it sounds."""

    simulated = False
    on_play = staticmethod(lambda: None)
    began = 0.0

    def play(self, dry, motion, progress):
        self.began = time.monotonic() + 0.25
        motion.begin(self.began)
        self.on_play()
        left = self.began + len(dry) / 48_000 - time.monotonic()
        time.sleep(max(0.0, left))  # the audio itself
        return Recording(0.5 * np.asarray(dry))


def live_rig(bench, knobs=TWO, **changes):
    path = LivePath(Options(), Path())
    return Rig("bench", "box", knobs, steppers(bench, knobs, **changes), path)


def silence(trajectory):
    return np.zeros(round(48_000 * (len(trajectory.positions) - 1) / trajectory.rate), np.float32)


class Watched:
    """A rig on a bench that notes where the shafts truly are."""

    def __init__(self, folder, knobs=TWO, **changes):
        self.bench = Bench(folder, 50)
        self.knobs, self.truth = knobs, []
        self.rig = live_rig(self.bench, knobs, **changes)
        self.rig.open()
        self.bench.hurry(1.0)
        controller = self.bench.controller
        turn = controller._turn

        def note():
            turn()
            self.truth.append((controller.now, *[m.knob for m in controller.mechanics[:2]]))

        controller._turn = note

    def true(self, trajectory):
        """Panel positions of the first two knobs, at the measured trajectory's times."""
        seconds = np.arange(len(trajectory.positions)) / trajectory.rate
        times, *shafts = np.array(self.truth).T
        at = self.bench.at(self.rig.path.began) + seconds * self.bench.speed
        homes = [self.bench.controller.home(axis) for axis in "XY"]
        degrees = [np.interp(at, times, s) - h for s, h in zip(shafts, homes, strict=True)]
        return np.stack(degrees, 1) / 30

    def take(self, trajectory):
        self.truth.clear()
        return self.rig.take(silence(trajectory), trajectory)[1]

    def close(self):
        self.bench.hurry(50)
        self.rig.close()
        self.bench.close()
        assert not self.bench.controller.overflowed
        assert self.bench.controller.longest <= 1.0
