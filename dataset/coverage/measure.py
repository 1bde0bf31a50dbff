"""Discrepancy, the largest empty balls, and how the time is spent along each knob."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc
from sklearn.neighbors import NearestNeighbors

from dataset.coverage.points import Visited, centred, visited
from dataset.plans.base import Cube, sobol
from dataset.schema import ROLES
from dataset.store import Dataset
from rigs.errors import UserError
from rigs.knobs import KnobTable, Setting

MOST_COMPARED = 4096
"""Points of which the discrepancy is computed: its cost grows with their square."""
CENTRES = 1 << 13
"""Places where an empty ball is looked for at first."""
GAPS = 5
BINS = 10


@dataclass(frozen=True)
class Gap:
    """A ball without a capture: its middle, in panel positions, and its radius, where a knob's
    whole range counts as 1."""

    setting: Setting
    radius: float


@dataclass(frozen=True, eq=False)
class Coverage:
    """``discrepancy`` is the centred L2 one of the train captures (of all if there are none),
    switches aside, and ``by_chance`` what as many random points are expected to have. ``gaps``
    begin with the largest.

    ``histograms``: for each knob the ends of its bins, and seconds in each by role. ``distances``:
    from each validation and test capture to the nearest train one, by role.
    """

    knobs: KnobTable
    captures: dict[str, int]
    points: Visited
    roles: NDArray[np.str_]
    discrepancy: float
    by_chance: float
    gaps: tuple[Gap, ...]
    histograms: dict[str, tuple[NDArray[np.float64], dict[str, NDArray[np.float64]]]]
    distances: dict[str, NDArray[np.float64]]

    @property
    def evenness(self) -> float:
        """The discrepancy as a share of chance's: 1 is as uneven as random points, 0 is even."""
        return self.discrepancy / self.by_chance if self.by_chance else 0.0


def cover(dataset: Dataset) -> Coverage:
    """Measure the captures without faults that are not excluded; raises UserError if none."""
    chosen = dataset.select()
    if not len(chosen):
        raise UserError(
            f"Every capture in {dataset.folder} has faults or is excluded, so nothing is covered; "
            "look at `ampsweep dataset check`."
        )
    points = visited(chosen)
    roles = chosen.captures["role"].to_numpy(np.str_)
    train = points.of(roles == "train").cube
    learnt = points.of(roles == "train") if len(train) else points
    held = {role: points.of(roles == role).cube for role in ("validation", "test")}
    away = {role: _distances(train, cube) for role, cube in held.items() if len(cube)}
    return Coverage(
        chosen.knobs,
        {role: int((roles == role).sum()) for role in ROLES if (roles == role).any()},
        points,
        roles,
        *_discrepancy(_turned(chosen.knobs, learnt.cube), float(learnt.chosen.sum())),
        _gaps(chosen.knobs, learnt.cube),
        {
            knob.name: _histogram(chosen.knobs, i, points, roles)
            for i, knob in enumerate(dataset.knobs)
        },
        away if len(train) else {},
    )


def _distances(taken: Cube, cube: Cube) -> NDArray[np.float64]:
    """From each point of ``cube``, (points, knobs), to the nearest of ``taken``; (points,)."""
    if not len(taken):
        return np.zeros(0)
    nearest = NearestNeighbors(n_neighbors=1).fit(taken)
    return np.asarray(nearest.kneighbors(cube)[0][:, 0], np.float64)


def _turned(knobs: KnobTable, cube: Cube) -> Cube:
    """``cube`` without switches, which have too few places to be even; of switches alone, all."""
    turned = [column for column, knob in enumerate(knobs) if not knob.detents]
    return cube[:, turned] if turned else centred(knobs, cube)


def _discrepancy(cube: Cube, chosen: float) -> tuple[float, float]:
    """The centred L2 discrepancy of points, shape (points, knobs), and that of ``chosen`` random
    ones.

    Hickernell, "A generalized discrepancy and quadrature error bound", Mathematics of
    Computation 67, 1998: the expected square of n random points' is ((5/4)^d - (13/12)^d) / n.
    """
    if len(cube) > MOST_COMPARED:
        picked = np.random.default_rng(0).choice(len(cube), MOST_COMPARED, replace=False)
        cube = cube[picked]
    squared = float(qmc.discrepancy(cube, method="CD"))
    dimensions = cube.shape[1]
    expected = ((5 / 4) ** dimensions - (13 / 12) ** dimensions) / min(chosen, len(cube))
    return float(np.sqrt(max(squared, 0.0))), float(np.sqrt(expected))


def _gaps(knobs: KnobTable, taken: Cube) -> tuple[Gap, ...]:
    """The largest balls around a setting of the panel with none of ``taken`` inside.

    Sobol points and corners are tried, the best ones moved uphill in ever smaller steps, and of
    those that lie in each other only the largest is kept. What is found is a lower bound.
    """
    found: list[Gap] = []
    rng = np.random.default_rng(0)
    tried = np.vstack([sobol(len(knobs), CENTRES, [0]), _corners(len(knobs))])
    centres = _on_panel(knobs, tried)
    nearest = NearestNeighbors(n_neighbors=1).fit(taken)
    reach = nearest.kneighbors(centres)[0][:, 0]
    best = np.argsort(-reach, kind="stable")[:256]
    centres, reach = centres[best], reach[best]
    step = 0.1
    while step > 0.002:
        moved = centres + step * rng.standard_normal(centres.shape)
        moved = _on_panel(knobs, np.clip(moved, 0, 1))
        farther = nearest.kneighbors(moved)[0][:, 0]
        better = farther > reach
        centres[better], reach[better] = moved[better], farther[better]
        step *= 0.95
    kept: list[NDArray[np.float64]] = []
    for i in np.argsort(-reach, kind="stable"):
        if all(np.linalg.norm(centres[i] - other) > reach[i] for other in kept):
            kept.append(centres[i])
            place = knobs.to_setting(knobs.from_unit(2 * centres[i] - 1))
            found.append(Gap(place, float(reach[i])))
        if len(found) == GAPS:
            break
    return tuple(found)


def _corners(dimensions: int) -> Cube:
    if dimensions > 12:
        return np.empty((0, dimensions))
    return np.array(list(np.ndindex(*[2] * dimensions)), np.float64)


def _on_panel(knobs: KnobTable, cube: Cube) -> Cube:
    """``cube`` with switches at their detents, shape (points, knobs)."""
    return np.asarray((knobs.to_unit(knobs.from_unit(2 * cube - 1)) + 1) / 2, np.float64)


def _histogram(
    knobs: KnobTable, column: int, points: Visited, roles: NDArray[np.str_]
) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float64]]]:
    """Ends of bins in panel positions, (bins + 1,), and the seconds in each by role, (bins,)."""
    knob = knobs.knobs[column]
    bins = len(knob.detents) or BINS
    share = centred(knobs, points.cube)[:, column]
    counted = {}
    for role in ROLES:
        own = (roles == role)[points.owner]
        if own.any():
            seconds, _ = np.histogram(share[own], bins, (0, 1), weights=points.seconds[own])
            counted[role] = seconds
    low, high = (-0.5, len(knob.detents) - 0.5) if knob.detents else (knob.minimum, knob.maximum)
    return np.linspace(low, high, bins + 1), counted
