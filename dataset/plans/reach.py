"""Keeping a plan to what its rig can bring about."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataset.plans.base import Design, stills, to_positions
from rigs.errors import UserError
from rigs.knobs import KnobTable
from rigs.rig import Reach
from rigs.trajectory import Trajectory

Positions = NDArray[np.float32]

FEW = 20_000
"""Settings of a rig that are listed rather than drawn."""


def only(knobs: KnobTable, reach: Reach) -> Positions:
    """The only settings there are, shape (settings, knobs); none if there is no such list."""
    rows = [knobs.to_array(setting) for setting in reach.only]
    return np.array(rows, np.float32).reshape(-1, len(knobs))


def snap(knobs: KnobTable, reach: Reach, positions: NDArray[Any]) -> Positions:
    """``positions``, shape (settings, knobs), moved to where the rig's knobs can stand."""
    snapped = np.array(positions, np.float32)
    for column, knob in enumerate(knobs):
        step = reach.steps.get(knob.name, 0.0)
        if step > 0 and not knob.detents:
            most = np.floor((knob.maximum - knob.minimum) / step + 1e-9)
            steps = np.clip(np.round((snapped[:, column] - knob.minimum) / step), 0, most)
            snapped[:, column] = knob.minimum + steps * step
    return snapped


def settings_of(knobs: KnobTable, reach: Reach) -> Positions:
    """All settings that the rig has, shape (settings, knobs), if they are few; else none."""
    if reach.only:
        return only(knobs, reach)
    columns = []
    for knob in knobs:
        step = 1.0 if knob.detents else reach.steps.get(knob.name, 0.0)
        if step <= 0:
            return only(knobs, reach)
        stands = math.floor((knob.maximum - knob.minimum) / step + 1e-9) + 1
        columns.append(knob.minimum + step * np.arange(min(stands, FEW + 1)))
    if math.prod(map(len, columns)) > FEW:
        return only(knobs, reach)
    grid = np.meshgrid(*columns, indexing="ij")
    return snap(knobs, reach, np.stack([g.ravel() for g in grid], axis=1))


def draw(knobs: KnobTable, reach: Reach, count: int, rng: np.random.Generator) -> Positions:
    """``count`` settings that the rig has, shape (count, knobs), from all of them evenly."""
    return snap(knobs, reach, to_positions(knobs, rng.random((count, len(knobs)))))


def slowed(knobs: KnobTable, reach: Reach, made: Trajectory, seconds: float) -> Trajectory:
    """The way of ``made`` no faster than the rig's knobs can move, as far as ``seconds`` last.

    All of a capture is slowed alike, so that it stays straight between evenly spaced points.
    """
    limits = np.array([reach.speeds.get(name, np.inf) for name in knobs.names])
    fastest = np.abs(np.diff(made.positions.astype(np.float64), axis=0)).max(0, initial=0.0)
    rate = float(np.min(limits / np.maximum(fastest, 1e-12)))
    if rate >= made.rate:
        return made
    # As it is stored, so that what is captured is what was planned; down, never up.
    rate = float(np.nextafter(np.float32(rate), np.float32(0)))
    frames = math.ceil(seconds * rate) + 1
    return Trajectory(made.positions[:frames], rate)


def make_trajectories(
    design: Design, knobs: KnobTable, reach: Reach, seed: list[int], left: Positions
) -> list[Trajectory]:
    """What ``design`` asks for, as the rig can do it; ``left`` are listed settings not held out.

    Raises UserError if the rig cannot do it.
    """
    if reach.only:
        if design.design not in ("every", "list"):
            raise UserError(
                f"This device has only {len(reach.only)} settings, which design "
                f"{design.design!r} does not know of; use design 'every'."
            )
        if design.design == "every":
            return stills(left)
        asked = design.trajectories(knobs, seed)
        for trajectory in asked:
            if not (np.abs(trajectory.positions[0] - only(knobs, reach)) < 1e-4).all(1).any():
                raise UserError("A setting of the list is none of those the device has.")
        return asked
    if design.moves and not reach.sweeps:
        raise UserError(
            f"Design {design.design!r} moves knobs while audio plays, which this rig cannot; use "
            "the design sobol."
        )
    made = design.trajectories(knobs, seed)
    if design.moves:
        return [slowed(knobs, reach, trajectory, design.seconds) for trajectory in made]
    return stills(snap(knobs, reach, np.vstack([t.positions[:1] for t in made])))
