"""A small rig: an amp of one tanh, with a gain knob, a tone knob and a bright switch."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dataset.planning import PlanRecipe
from dataset.signals import Dry
from rigs.actuators.parameters import Parameters
from rigs.audio import SAMPLE_RATE, quantise24
from rigs.errors import DeviceLost, UserError
from rigs.knobs import Knob, KnobTable
from rigs.rig import Options, Recording, Rig, SignalPath

KNOBS = KnobTable(
    (
        Knob("Gain"),
        Knob("Tone", taper="audio"),
        Knob("Bright", 0.0, 1.0, 0.0, detents=("off", "on")),
    )
)
DEVICE = "tanh-amp"


def tanh_amp(dry, trajectory):
    at = trajectory.at(np.arange(len(dry)) / SAMPLE_RATE).astype(np.float64)
    gain, tone, bright = at.T
    wet = (0.2 + tone / 10) * np.tanh((0.5 + gain) * np.asarray(dry, np.float64))
    return wet + 0.1 * bright * dry


@dataclass
class TanhPath(SignalPath):
    """Plays through the amp; ``spoil`` says what to do to each take, one after another."""

    simulated: bool = True
    options: Options = field(default_factory=Options)
    level: float = 1.0
    spoil: list[Any] = field(default_factory=list)
    knobs: KnobTable | None = KNOBS
    plays: int = 0
    opens: int = 0
    lost: list[bool] = field(default_factory=list)
    refused: list[bool] = field(default_factory=list)
    closed: bool = True

    def open(self, ask):
        assert self.closed
        if self.refused and self.refused.pop(0):
            raise UserError("There is no amp; plug it in.")
        self.closed = False
        self.opens += 1

    def play(self, dry, motion, progress):
        assert not self.closed
        if self.lost and self.lost.pop(0):
            raise DeviceLost("The cable was pulled; plug it in.")
        self.plays += 1
        wet = self.level * tanh_amp(dry, motion.parameters)
        progress(len(dry) / SAMPLE_RATE)
        if self.spoil:
            wet = self.spoil.pop(0)(wet)
        return Recording(wet, 0.25)

    def close(self):
        self.closed = True


def tanh_rig(checks=None, **path):
    actuator = Parameters(Options(), Path())
    return Rig("bench", DEVICE, KNOBS, actuator, TanhPath(**path), checks=checks or {})


def noise_dry(name="noise", seconds=2.0, seed=0):
    rng = np.random.default_rng(seed)
    return Dry(name, "made", "CC0-1.0", quantise24(0.1 * rng.standard_normal(int(seconds * 48000))))


def recipe(**changes):
    section = {
        "seed": 3,
        "train": [
            {"design": "sweep", "minutes": 0.05, "seconds": 1, "interval": 0.3},
            {"design": "sobol", "settings": 2, "seconds": 0.5, "corners": 4},
        ],
        "validation": {"settings": 2, "seconds": 0.5},
        "test": {"settings": 3, "seconds": 0.5},
        "sentinels": {"every": 4, "seconds": 0.5},
    }
    return PlanRecipe.model_validate({**section, **changes})
