"""How different the nearest captured settings sound on the same dry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.neighbors import NearestNeighbors

from dataset.plans.base import to_cube
from dataset.stats import QUIET_DBFS
from dataset.store import Dataset
from rigs.audio import SAMPLE_RATE, esr, rms_dbfs

MOST_PAIRS = 400
"""So many are compared at most; of more, evenly chosen ones."""
SHORTEST = SAMPLE_RATE // 4
"""Frames that two captures must have of one dry in common."""


@dataclass(frozen=True)
class Neighbour:
    """Two captures at different settings: how far apart (a knob's whole range counts as 1), and
    the ESR of one against the other on what they have of one dry in common."""

    capture_id: str
    nearest: str
    distance: float
    esr: float


def neighbours(
    dataset: Dataset, progress: Callable[[int, int], None] = lambda done, total: None
) -> list[Neighbour]:
    """Each still capture with the nearest one of another setting that played the same dry.

    Captures with faults, excluded ones, and wets below -60 dBFS are left out. ``progress`` is told
    how many pairs of how many are compared. Raises UserError if one is damaged.
    """
    chosen = dataset.select()
    pairs = _pairs(chosen)
    if len(pairs) > MOST_PAIRS:
        picked = np.linspace(0, len(pairs) - 1, MOST_PAIRS).round().astype(int)
        pairs = [pairs[i] for i in picked]
    captures, found = chosen.captures, []
    names = list(captures["capture_id"])
    starts, frames = captures["dry_offset"].to_numpy(), captures["frames"].to_numpy()
    for done, (one, other, distance) in enumerate(pairs):
        begin = max(starts[one], starts[other])
        end = min(starts[one] + frames[one], starts[other] + frames[other])
        wets = [chosen.audio(row)[begin - starts[row] : end - starts[row]] for row in (one, other)]
        if rms_dbfs(wets[0]) >= QUIET_DBFS:
            found.append(Neighbour(names[one], names[other], distance, esr(wets[0], wets[1])))
        progress(done + 1, len(pairs))
    return found


def _pairs(chosen: Dataset) -> list[tuple[int, int, float]]:
    """Rows of the nearest settings that played a common stretch of a dry, with their distance."""
    captures = chosen.captures
    still = captures["trajectory_rate"].isna().to_numpy()
    cube = to_cube(chosen.knobs, chosen.settings())
    pairs = []
    spans = captures[["dry_offset", "frames"]].to_numpy(np.float64)
    for _, rows in captures[still].groupby("dry_id", sort=False):
        own = rows.index.to_numpy()
        # A sentinel counts once, however often it was captured.
        own = own[np.sort(np.unique(np.hstack([cube, spans])[own], axis=0, return_index=True)[1])]
        nearest = NearestNeighbors(n_neighbors=min(len(own), 32)).fit(cube[own])
        distances, found = nearest.kneighbors(cube[own])
        starts = captures["dry_offset"].to_numpy()[own]
        ends = starts + captures["frames"].to_numpy()[own]
        for i in range(len(own)):
            common = np.minimum(ends[found[i]], ends[i]) - np.maximum(starts[found[i]], starts[i])
            other = np.flatnonzero((common >= SHORTEST) & (distances[i] > 1e-6))
            if len(other):
                j = found[i][other[0]]
                pairs.append((int(own[i]), int(own[j]), float(distances[i][other[0]])))
    # One after another as they lie in the files.
    return sorted(set(pairs))
