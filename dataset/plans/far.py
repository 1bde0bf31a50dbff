"""Static settings far from all others: what a model is judged on."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from dataset.plans.base import Cube, to_cube
from dataset.plans.reach import draw, only
from rigs.errors import UserError
from rigs.knobs import KnobTable
from rigs.rig import Reach

CANDIDATES = 20
"""Few enough that the best one is not always a corner, many enough that it keeps its distance."""


def far_points(knobs: KnobTable, reach: Reach, count: int, taken: Cube, seed: list[int]) -> Cube:
    """``count`` points, each the best of several random ones by distance to all before it.

    Mitchell's best candidate (1991): the points keep clear of ``taken``, shape (points, knobs),
    and of each other, and still cover the cube because candidates are drawn evenly from it. Raises
    UserError if the device has only so many settings and they are too few.
    """
    rng = np.random.default_rng(seed)
    tree = KDTree(taken) if len(taken) else None
    picked = np.empty((0, len(knobs)))
    listed = to_cube(knobs, only(knobs, reach))
    for _ in range(count):
        if reach.only:
            candidates = left_of(listed, np.vstack([taken, picked]))
            if not len(candidates):
                raise UserError(
                    f"The device has {len(listed)} settings, too few to hold out as many as the "
                    "plan asks for; hold out fewer for validation and test."
                )
            some = rng.permutation(len(candidates))[:CANDIDATES]
            candidates = candidates[some]
        else:
            candidates = to_cube(knobs, draw(knobs, reach, CANDIDATES, rng))
        distance = np.full(len(candidates), np.inf)
        if tree is not None:
            distance = np.asarray(tree.query(candidates)[0])
        if len(picked):
            apart = np.linalg.norm(candidates[:, None] - picked[None], axis=2)
            distance = np.minimum(distance, apart.min(axis=1))
        picked = np.vstack([picked, candidates[int(np.argmax(distance))]])
    return picked


def left_of(listed: Cube, taken: Cube) -> Cube:
    """Those of ``listed``, shape (points, knobs), that are not among ``taken``."""
    if not len(taken) or not len(listed):
        return listed
    return listed[np.asarray(KDTree(taken).query(listed)[0]) > 1e-6]
