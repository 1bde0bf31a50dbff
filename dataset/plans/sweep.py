"""Continuous trajectories through the knobs' cube: knobs move all the time."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from dataset.plans.base import Design, sobol, to_positions
from rigs.knobs import KnobTable
from rigs.trajectory import Trajectory

SMOOTH = 8
"""Straight pieces that a smooth way between two points is made of."""


class Sweep(Design):
    """From Sobol point to Sobol point, one reached every ``interval`` seconds.

    Only the ends of straight pieces are stored: a trajectory is linear between frames, so that is
    exact. No knob is ever faster than its range in an interval, or π/2 times that if the shape is
    smooth. A switch stands at one detent throughout a capture. docs/sweeps.md says what was found
    to be worth choosing.
    """

    moves = True

    design: Literal["sweep"] = "sweep"
    minutes: float = Field(gt=0, le=6000)
    seconds: float = Field(default=20, gt=0, le=600)
    interval: float = Field(default=1.5, gt=0.01, le=600)
    overshoot: float = Field(default=0.1, ge=0, le=1)
    """How far beyond each end points are drawn, as a share of the range; they are held there."""
    shape: Literal["lines", "smooth", "one at a time"] = "lines"
    """All knobs in straight lines; all in half cosines, at rest at each point; or one knob alone
    in each interval."""
    density: Literal["even", "ends"] = "even"
    """Of the points: even, or as a pendulum's, which is oftenest at the ends of its way."""

    def trajectories(self, knobs: KnobTable, seed: list[int]) -> list[Trajectory]:
        captures = math.ceil(round(self.minutes * 60 / self.seconds, 6))
        rate = float(np.float32(1 / self.interval))
        points = math.ceil(self.seconds * rate) + 1  # the last one at or after the last sample
        cube = sobol(len(knobs), captures * points, [*seed, 0])
        # Neighbours in a Sobol sequence are not independent: on some axes every step crosses the
        # middle, and on others long steps come together.
        cube = np.random.default_rng([*seed, 1]).permutation(cube)
        if self.density == "ends":
            cube = 0.5 - 0.5 * np.cos(np.pi * cube)
        # Drawn a little wider than the panel and held at its ends: players do pin knobs, and
        # straight lines between inner points would never quite get there.
        cube = np.clip((cube - 0.5) * (1 + 2 * self.overshoot) + 0.5, 0, 1)
        positions = to_positions(knobs, cube).reshape(captures, points, len(knobs))
        held = to_positions(knobs, sobol(len(knobs), captures, [*seed, 2]))
        for column, knob in enumerate(knobs):
            if knob.detents:
                positions[:, :, column] = held[:, None, column]
        if self.shape == "one at a time":
            turned = [column for column, knob in enumerate(knobs) if not knob.detents]
            positions = _one_at_a_time(positions, turned, np.random.default_rng([*seed, 3]))
        if self.shape == "smooth":
            positions, rate = _smooth(positions), float(np.float32(SMOOTH / self.interval))
        return [Trajectory(capture, rate) for capture in positions]


def _one_at_a_time(
    positions: NDArray[np.float32], turned: list[int], rng: np.random.Generator
) -> NDArray[np.float32]:
    """From point to point one of the ``turned`` columns moves; in rounds, each of a new order.

    ``positions``: (captures, points, knobs); so is what is returned.
    """
    legs = positions.shape[1] - 1
    if not turned:
        return positions
    for capture in positions:
        rounds = [rng.permutation(turned) for _ in range(-(-legs // len(turned)))]
        for leg, column in enumerate(np.concatenate(rounds)[:legs], start=1):
            target = capture[leg, column]
            capture[leg] = capture[leg - 1]
            capture[leg, column] = target
    return positions


def _smooth(positions: NDArray[np.float32]) -> NDArray[np.float32]:
    """Half cosines between the points, (captures, points, knobs), in SMOOTH pieces each."""
    share = (0.5 - 0.5 * np.cos(np.pi * np.arange(SMOOTH) / SMOOTH))[None, None, :, None]
    here, there = positions[:, :-1, None], positions[:, 1:, None]
    between = (here + share * (there - here)).reshape(len(positions), -1, positions.shape[2])
    return np.concatenate([between, positions[:, -1:]], axis=1).astype(np.float32)
