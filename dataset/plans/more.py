"""What a plan is extended by: training where it has not been."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dataset.plans.base import Cube, Design, stills, to_cube, to_positions
from dataset.plans.far import Crowd, new_points
from dataset.plans.reach import make_trajectories, snap
from dataset.plans.sweep import Sweep
from rigs.errors import UserError
from rigs.knobs import KnobTable
from rigs.rig import Reach
from rigs.trajectory import Trajectory

POOL = 4
"""So many sweeps are drawn for one that is taken."""


def more_settings(
    knobs: KnobTable, reach: Reach, count: int, taken: Cube, held: Cube, seed: list[int]
) -> list[Trajectory]:
    """``count`` static settings that are neither in ``taken`` nor in ``held``, and far from both.

    Raises UserError if the rig has not so many.
    """
    points = new_points(knobs, reach, count, taken, held, seed)
    return stills(snap(knobs, reach, to_positions(knobs, points)))


def sweep_like(designs: Sequence[Design], minutes: float, seconds: float | None) -> Sweep:
    """The first sweep among ``designs``, or the usual one, of so many minutes."""
    found = next((design for design in designs if isinstance(design, Sweep)), None)
    changes = {"minutes": minutes, **({} if seconds is None else {"seconds": seconds})}
    return (found or Sweep(minutes=minutes)).model_copy(update=changes)


def more_sweeps(
    design: Sweep, knobs: KnobTable, reach: Reach, taken: Cube, held: Cube, seed: list[int]
) -> list[Trajectory]:
    """The sweeps of ``design``: of several times as many, those that pass ``held`` the farthest.

    Sweeps that keep as clear of it as ``taken`` does are all good enough: among them, those that
    go where ``taken`` is not. Raises UserError if the rig cannot sweep.
    """
    if reach.only or not reach.sweeps:
        raise UserError(
            "This rig's knobs cannot move while audio plays; extend its plan by settings."
        )
    wanted = math.ceil(round(design.minutes * 60 / design.seconds, 6))
    larger = design.model_copy(update={"minutes": POOL * wanted * design.seconds / 60})
    pool = make_trajectories(larger, knobs, reach, seed, np.empty((0, len(knobs)), np.float32))
    near, been = Crowd(held), Crowd(taken)
    enough = float(near.distance(taken).min(initial=np.inf))
    passed = [to_cube(knobs, dense(trajectory)) for trajectory in pool]
    clear = np.array([near.distance(points).min() for points in passed])
    away = np.array([been.distance(points).mean() for points in passed])
    best = np.lexsort((-away, -np.minimum(clear, enough)))[:wanted]
    return [pool[index] for index in np.sort(best)]


def held_sweeps(
    designs: Sequence[Design], count: int, knobs: KnobTable, reach: Reach, seed: list[int]
) -> tuple[list[Trajectory], float]:
    """``count`` sweeps to judge by, like those of ``designs``, and how many seconds each lasts.

    Raises UserError if the rig cannot sweep.
    """
    if reach.only or not reach.sweeps:
        raise UserError(
            "This rig's knobs cannot move while audio plays; leave `sweeps` out of plan.test."
        )
    design = sweep_like(designs, 1.0, None)
    design = design.model_copy(update={"minutes": count * design.seconds / 60})
    none = np.empty((0, len(knobs)), np.float32)
    return make_trajectories(design, knobs, reach, seed, none), design.seconds


def dense(trajectory: Trajectory) -> NDArray[np.float32]:
    """Where a trajectory goes: eight positions on each of its lines, shape (positions, knobs)."""
    lines = len(trajectory.positions) - 1
    return trajectory.at(np.arange(8 * lines + 1) / (8 * trajectory.rate))
