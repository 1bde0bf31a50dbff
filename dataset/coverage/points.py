"""Where captures have been, as points of the unit cube."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataset.plans.base import Cube, to_cube
from dataset.store import Dataset
from rigs.audio import SAMPLE_RATE
from rigs.errors import UserError
from rigs.knobs import KnobTable

MOST_POINTS = 64
"""Of one sweep: enough to see where it went."""


@dataclass(frozen=True, eq=False)
class Visited:
    """Points of captures, in the order of the rows: ``owner`` says of which row each one is.

    ``cube`` has shape (points, knobs), each knob from 0 to 1. ``seconds`` is the time spent there.
    ``chosen`` is how many settings of a plan each point stands for: those along the way from one
    to the next were not chosen.
    """

    cube: Cube
    owner: NDArray[np.int64]
    seconds: NDArray[np.float64]
    chosen: NDArray[np.float64]

    def of(self, rows: NDArray[np.bool_]) -> Visited:
        """Only the points of the rows for which ``rows``, shape (rows,), is true."""
        keep = rows[self.owner]
        return Visited(self.cube[keep], self.owner[keep], self.seconds[keep], self.chosen[keep])


def visited(dataset: Dataset) -> Visited:
    """One point for a capture whose knobs stand, up to 64 along the way of one whose knobs move.

    Raises UserError if a trajectory is damaged, or a setting lacks a knob.
    """
    captures = dataset.captures
    lasts = captures["frames"].to_numpy(np.float64) / SAMPLE_RATE
    settings = dataset.settings()
    if not np.isfinite(settings).all():
        raise UserError(
            f"{dataset.folder} holds captures that do not say where every knob stood; `ampsweep "
            "dataset check` names them, and --exclude leaves them out."
        )
    moving = np.flatnonzero(captures["trajectory_rate"].notna().to_numpy())
    # One part after another, so that each is opened once.
    parts, numbers = list(captures["part"]), list(captures["part_row"])
    ways, turns = {}, np.ones(len(captures))
    for row in sorted(map(int, moving), key=lambda row: (parts[row], numbers[row])):
        trajectory = dataset.trajectory(row)
        frames = len(trajectory.positions)
        points = min(MOST_POINTS, max(2, 8 * (frames - 1) + 1))
        ways[row] = trajectory.at((np.arange(points) + 0.5) / points * lasts[row])
        turns[row] = min(frames, points)
    positions = [ways.get(row, settings[row : row + 1]) for row in range(len(captures))]
    counts = np.array([len(p) for p in positions], np.int64)
    owner = np.repeat(np.arange(len(captures)), counts)
    empty = np.empty((0, len(dataset.knobs)), np.float32)
    cube = np.clip(to_cube(dataset.knobs, np.concatenate([empty, *positions])), 0, 1)
    return Visited(cube, owner, (lasts / counts)[owner], (turns / counts)[owner])


def centred(knobs: KnobTable, cube: Cube) -> Cube:
    """``cube`` with a switch's detents in the middles of equal shares, not at the ends.

    So that a switch that stood as often on as off counts as evenly covered.
    """
    moved = cube.copy()
    for column, knob in enumerate(knobs):
        if knob.detents:
            count = len(knob.detents)
            moved[:, column] = (np.round(cube[:, column] * (count - 1)) + 0.5) / count
    return moved
