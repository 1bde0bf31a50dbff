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
Order = NDArray[np.intp]

MENDED = 500
"""Longer orders are left as they are found: the work grows with the square."""
LEAST_GAIN = 1e-9
"""Of a knob's turn: what rounding alone could gain goes round in circles."""


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

    The first stays the first. A knob that is turned counts one, and up to half a knob more is
    counted for how far all of them go. The shortest path through all settings by that measure is
    a travelling salesman's; this is the nearest-neighbour tour, mended as long as it can be by
    reversing a stretch of it (2-opt: Croes, 1958) or moving one of up to three (or-opt: Or,
    1976). The same positions give the same order.
    """
    if not len(positions):
        return []
    x = np.asarray(positions, np.float64)
    span = np.ptp(x, axis=0)
    x = x / np.where(span > 0, span, 1)
    order = _nearest(x)
    if len(x) <= MENDED:
        order = _mended(order, x)
    return [int(index) for index in order]


def _effort(x: NDArray[np.float64], here: NDArray[np.float64]) -> NDArray[np.float64]:
    """From each of ``x``, shape (settings, knobs) in shares of their ranges, to ``here``."""
    away = np.abs(x - here)
    return np.asarray((away > 1e-6).sum(1) + away.sum(1) / (2 * x.shape[1]), np.float64)


def _nearest(x: NDArray[np.float64]) -> Order:
    """From the first setting on always to the nearest one left."""
    left, order = np.arange(1, len(x)), [0]
    while len(left):
        nearest = int(np.argmin(_effort(x[left], x[order[-1]])))
        order.append(int(left[nearest]))
        left = np.delete(left, nearest)
    return np.array(order)


def _mended(order: Order, x: NDArray[np.float64]) -> Order:
    """``order`` when no reversal and no move makes it any shorter."""
    end = len(x)
    cost = np.zeros((end + 1, end + 1))  # to the end from anywhere: nothing
    for index in range(end):
        cost[index, :end] = _effort(x, x[index])
    order = np.append(order, end)
    while _reverse(order, cost) or _move(order, cost):
        pass
    return order[:-1]


def _reverse(order: Order, cost: NDArray[np.float64]) -> bool:
    """For each place try to reverse the best stretch that begins there; whether any gained."""
    gained = False
    for first in range(1, len(order) - 1):
        before, begin = order[first - 1 : first + 1]
        last, after = order[first:-1], order[first + 1 :]
        gain = cost[before, begin] + cost[last, after] - cost[before, last] - cost[begin, after]
        best = int(np.argmax(gain))
        if gain[best] > LEAST_GAIN:
            order[first : first + best + 1] = order[first : first + best + 1][::-1].copy()
            gained = True
    return gained


def _move(order: Order, cost: NDArray[np.float64]) -> bool:
    """Try to move each stretch of up to three to its best place; whether any gained."""
    gained = False
    for length in (1, 2, 3):
        for first in range(1, len(order) - length):
            piece = order[first : first + length].copy()
            rest = np.delete(order, slice(first, first + length))
            left, right = rest[:-1], rest[1:]
            closed = cost[left, right]
            ways = [cost[left, p[0]] + cost[p[-1], right] - closed for p in (piece, piece[::-1])]
            way = int(ways[1].min() < ways[0].min())
            best = int(np.argmin(ways[way]))
            if ways[0][first - 1] - ways[way][best] > LEAST_GAIN:
                order[:] = np.insert(rest, best + 1, piece[::-1] if way else piece)
                gained = True
    return gained
