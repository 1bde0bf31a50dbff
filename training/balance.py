"""Batches balanced over the knobs' cube: as much from where there is little as from where much is.

The moments of all captures (for sweeps: where the knobs are on average while a window lasts) are
divided among at most 64 regions of the cube, about points that are as far from each other as there
are (Gonzalez, Clustering to Minimize the Maximum Intercluster Distance, 1985), but no nearer than a
quarter of a knob's travel. Each region is drawn
as often as any other, however many moments it has, and the windows of a batch come from different
regions as far as there are enough. But none of a region's moments is drawn more than four times as
often as it would be by chance: what little is there is not to be learnt by heart.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dataset.store.cache import CONTROL_EVERY, Cache

REGIONS = 64
APART = 0.5
"""In the cube of edge 2: nearer than that, points share a region."""
MOST = 4.0
"""How much oftener than by chance a moment is drawn, at most."""


def positions_of(
    cache: Cache, row: int, starts: NDArray[np.int64], frames: int
) -> NDArray[np.float64]:
    """Where the knobs are, on average, in windows of a capture: (starts, knobs), −1…1."""
    trajectory = cache.spans[row].trajectory
    if not trajectory.moves:
        return np.repeat(cache.knobs.to_unit(trajectory.positions), len(starts), axis=0)
    heard: list[NDArray[np.float32]] = [
        cache.positions(row, int(start), frames).mean(0) for start in starts
    ]
    return cache.knobs.to_unit(np.array(heard))


def regions(points: NDArray[np.float64], count: int = REGIONS) -> NDArray[np.int64]:
    """Which region each point is in, (points,); ``points``: (points, knobs)."""
    centre = int(np.argmin(np.linalg.norm(points - points.mean(0), axis=1)))
    which, nearest = np.zeros(len(points), np.int64), np.full(len(points), np.inf)
    for number in range(count):
        away = np.linalg.norm(points - points[centre], axis=1)
        closer = away < nearest
        which[closer], nearest[closer] = number, away[closer]
        centre = int(np.argmax(nearest))
        if nearest[centre] < APART:
            break
    return which


def shares(moments: NDArray[np.int64]) -> NDArray[np.float64]:
    """How likely each region is, given how many moments each has; alike, but for ``MOST``."""
    most = MOST * moments / moments.sum()
    found = np.minimum(most, 1 / len(moments))
    for _ in range(len(moments)):  # what the sparsest may not have goes to the others
        free = found < most
        missing = 1 - found.sum()
        if missing < 1e-12 or not free.any():
            break
        found[free] = np.minimum(most[free], found[free] + missing / free.sum())
    whole: NDArray[np.float64] = found / found.sum()
    return whole


class BalancedPicks:
    """Which windows are in a batch, as `WindowSampler.picks` says, but balanced.

    A batch depends on the seed and its number alone.
    """

    def __init__(self, cache: Cache, frames: int, lead: int, batch: int, seed: int) -> None:
        self._batch, self._seed = batch, seed
        self._phase = lead % CONTROL_EVERY
        # Blocks of starts, a window long each: (capture, first start, starts).
        rows, firsts, counts, points = [], [], [], []
        step = max(1, frames // CONTROL_EVERY)
        for row, span in enumerate(cache.spans):
            room = span.frames - frames - self._phase
            if room < 0:
                continue
            first = np.arange(0, room // CONTROL_EVERY + 1, step)
            count = np.minimum(step, room // CONTROL_EVERY + 1 - first)
            middle = self._phase + CONTROL_EVERY * (first + count // 2)
            rows.append(np.full(len(first), row))
            firsts.append(first)
            counts.append(count)
            points.append(positions_of(cache, row, middle, frames))
        region = regions(np.concatenate(points))
        order = np.argsort(region, kind="stable")
        self._rows = np.concatenate(rows)[order]
        self._firsts = np.concatenate(firsts)[order]
        self._ends = np.cumsum(np.concatenate(counts)[order])
        last = np.flatnonzero(np.diff(region[order], append=-1))
        self._region_ends = self._ends[last]
        moments = np.diff(self._region_ends, prepend=0)
        self._share_ends = np.cumsum(shares(moments))

    def picks(self, number: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The rows and starts, shape (B,) each, of the windows in batch ``number``."""
        rng = np.random.default_rng([self._seed, number])
        # Evenly spread from a random beginning: no region has two before others have one.
        spread = (rng.random() + np.arange(self._batch)) / self._batch
        where = np.searchsorted(self._share_ends, spread * self._share_ends[-1], side="right")
        where = np.minimum(where, len(self._share_ends) - 1)
        begin = np.where(where > 0, self._region_ends[where - 1], 0)
        drawn = begin + rng.integers(self._region_ends[where] - begin)
        block = np.searchsorted(self._ends, drawn, side="right")
        before = np.where(block > 0, self._ends[block - 1], 0)
        starts = self._phase + CONTROL_EVERY * (self._firsts[block] + drawn - before)
        return self._rows[block], starts
