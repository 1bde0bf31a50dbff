"""Static settings far from all others: what a model is judged on."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from dataset.plans.base import Cube, to_cube, to_positions
from rigs.knobs import KnobTable

CANDIDATES = 20
"""Few enough that the best one is not always a corner, many enough that it keeps its distance."""


def far_points(knobs: KnobTable, count: int, taken: Cube, seed: list[int]) -> Cube:
    """``count`` points, each the best of several random ones by distance to all before it.

    Mitchell's best candidate (1991): the points keep clear of ``taken``, shape (points, knobs),
    and of each other, and still cover the cube because candidates are drawn evenly from it.
    """
    rng = np.random.default_rng(seed)
    tree = KDTree(taken) if len(taken) else None
    picked = np.empty((0, len(knobs)))
    for _ in range(count):
        candidates = to_cube(knobs, to_positions(knobs, rng.random((CANDIDATES, len(knobs)))))
        distance = np.full(CANDIDATES, np.inf)
        if tree is not None:
            distance = np.asarray(tree.query(candidates)[0])
        if len(picked):
            apart = np.linalg.norm(candidates[:, None] - picked[None], axis=2)
            distance = np.minimum(distance, apart.min(axis=1))
        picked = np.vstack([picked, candidates[int(np.argmax(distance))]])
    return picked
