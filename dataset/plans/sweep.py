"""Continuous trajectories through the knobs' cube: every knob moves all the time."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from pydantic import Field

from dataset.plans.base import Design, sobol, to_positions
from rigs.knobs import KnobTable
from rigs.trajectory import Trajectory


class Sweep(Design):
    """Straight lines between Sobol points, one reached every ``interval`` seconds.

    Only the points are stored, at rate 1/interval: a trajectory is linear between frames, so that
    is exact. A switch stands at one detent throughout a capture.
    """

    moves = True

    design: Literal["sweep"] = "sweep"
    minutes: float = Field(gt=0, le=6000)
    seconds: float = Field(default=20, gt=0, le=600)
    interval: float = Field(default=1.5, gt=0.01, le=600)
    overshoot: float = Field(default=0.1, ge=0, le=1)
    """How far beyond each end points are drawn, as a share of the range; they are held there."""

    def trajectories(self, knobs: KnobTable, seed: list[int]) -> list[Trajectory]:
        captures = math.ceil(round(self.minutes * 60 / self.seconds, 6))
        rate = float(np.float32(1 / self.interval))
        points = math.ceil(self.seconds * rate) + 1  # the last one at or after the last sample
        cube = sobol(len(knobs), captures * points, [*seed, 0])
        # Neighbours in a Sobol sequence are not independent: on some axes every step crosses the
        # middle, and on others long steps come together.
        cube = np.random.default_rng([*seed, 1]).permutation(cube)
        # Drawn a little wider than the panel and held at its ends: players do pin knobs, and
        # straight lines between inner points would never quite get there.
        cube = np.clip((cube - 0.5) * (1 + 2 * self.overshoot) + 0.5, 0, 1)
        positions = to_positions(knobs, cube).reshape(captures, points, len(knobs))
        held = to_positions(knobs, sobol(len(knobs), captures, [*seed, 2]))
        for column, knob in enumerate(knobs):
            if knob.detents:
                positions[:, :, column] = held[:, None, column]
        return [Trajectory(capture, rate) for capture in positions]
