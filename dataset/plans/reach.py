"""Keeping a plan to what its rig can bring about, with little effort."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataset.plans.base import Design, stills, to_positions
from rigs.errors import UserError
from rigs.knobs import KnobTable
from rigs.rig import Reach
from rigs.trajectory import Trajectory

Positions = NDArray[np.float32]


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


def draw(knobs: KnobTable, reach: Reach, count: int, rng: np.random.Generator) -> Positions:
    """``count`` settings that the rig has, shape (count, knobs), from all of them evenly."""
    return snap(knobs, reach, to_positions(knobs, rng.random((count, len(knobs)))))


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
        return made
    return stills(snap(knobs, reach, np.vstack([t.positions[:1] for t in made])))


def few_moves(positions: NDArray[Any]) -> list[int]:
    """An order of ``positions``, shape (settings, knobs), that turns few knobs each time.

    From the first setting on always to the one with the fewest knobs to turn, then the nearest.
    """
    if not len(positions):
        return []
    span = np.ptp(positions, axis=0) + 1e-9
    left, order = list(range(1, len(positions))), [0]
    while left:
        away = np.abs(positions[left] - positions[order[-1]])
        effort = (away > 1e-6).sum(1) + (away / span).sum(1) / (2 * positions.shape[1])
        order.append(left.pop(int(np.argmin(effort))))
    return order
