"""Static settings far from all others: what a model is judged on, and what a plan lacks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from dataset.plans.base import Cube, to_cube
from dataset.plans.reach import draw, only, settings_of
from rigs.errors import UserError
from rigs.knobs import KnobTable
from rigs.rig import Reach

CANDIDATES = 20
"""Few enough that the best one is not always a corner, many enough that it keeps its distance."""
SAME = 1e-6
"""Nearer settings than this are the same."""
_ATTEMPTS = 50
_LOOSE = 500


class Crowd:
    """Points of the cube that new ones keep clear of."""

    def __init__(self, points: Cube) -> None:
        self._points = points
        self._tree = KDTree(points) if len(points) else None
        self._loose = points[:0]

    def __len__(self) -> int:
        return len(self._points) + len(self._loose)

    def distance(self, candidates: Cube) -> NDArray[np.float64]:
        """From each candidate to the nearest point, shape (candidates,); inf if there is none."""
        distance = np.full(len(candidates), np.inf)
        if self._tree is not None:
            distance = np.asarray(self._tree.query(candidates)[0])
        if len(self._loose):
            apart = np.linalg.norm(candidates[:, None] - self._loose[None], axis=2)
            distance = np.minimum(distance, apart.min(axis=1))
        return distance

    def add(self, point: Cube) -> None:
        self._loose = np.vstack([self._loose, point])
        if len(self._loose) > _LOOSE:
            self._points = np.vstack([self._points, self._loose])
            self._tree, self._loose = KDTree(self._points), self._loose[:0]


def far_points(knobs: KnobTable, reach: Reach, count: int, taken: Cube, seed: list[int]) -> Cube:
    """``count`` points, each the best of several random ones by distance to all before it.

    Mitchell's best candidate (1991): the points keep clear of ``taken``, shape (points, knobs),
    and of each other, and still cover the cube because candidates are drawn evenly from it. Raises
    UserError if the device has only so many settings and they are too few.
    """
    rng = np.random.default_rng(seed)
    crowd = Crowd(taken)
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
        best = candidates[[int(np.argmax(crowd.distance(candidates)))]]
        crowd.add(best)
        picked = np.vstack([picked, best])
    return picked


def new_points(
    knobs: KnobTable, reach: Reach, count: int, taken: Cube, held: Cube, seed: list[int]
) -> Cube:
    """``count`` points as of :func:`far_points`, for training, where a plan has been already.

    None is in ``taken`` (where training has been), in ``held`` (out of it) or twice; and if it can
    be, none is nearer to ``held`` than training was before. All of shape (points, knobs). Raises
    UserError if there are not so many settings left.
    """
    rng = np.random.default_rng(seed)
    crowd, apart = Crowd(np.vstack([taken, held])), Crowd(held)
    clear = float(apart.distance(taken).min(initial=np.inf))
    listed = to_cube(knobs, settings_of(knobs, reach))
    left = left_of(listed, np.vstack([taken, held]))
    picked: list[Cube] = []

    def best(candidates: Cube, clearance: float) -> Cube | None:
        distance = crowd.distance(candidates)
        distance[(distance < SAME) | (apart.distance(candidates) < clearance)] = -1.0
        top = int(np.argmax(distance))
        return candidates[[top]] if distance[top] > 0 else None

    while len(picked) < count:
        found = None
        for attempt in range(2 * _ATTEMPTS):
            # Half of the attempts ask for the clearance there was, the others for any at all.
            clearance = clear if attempt < _ATTEMPTS and np.isfinite(clear) else 0.0
            if len(listed):
                candidates = left if attempt else left[rng.permutation(len(left))[:CANDIDATES]]
            else:
                candidates = to_cube(knobs, draw(knobs, reach, CANDIDATES, rng))
            found = best(candidates, clearance) if len(candidates) else None
            if found is not None:
                break
            if len(listed) and attempt:
                clear = 0.0  # none of those left keeps it
        if found is None:
            raise UserError(
                f"The rig has no {count} settings that the plan has not: {len(picked)} are left; "
                "extend it by fewer."
            )
        crowd.add(found)
        left = left_of(left, found)
        picked.append(found)
    return np.vstack([taken[:0], *picked])


def left_of(listed: Cube, taken: Cube) -> Cube:
    """Those of ``listed``, shape (points, knobs), that are not among ``taken``."""
    if not len(taken) or not len(listed):
        return listed
    return listed[np.asarray(KDTree(taken).query(listed)[0]) > SAME]
