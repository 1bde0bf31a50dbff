"""Where in the space of knobs the captures lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from rigs.knobs import KnobTable
from training.report.svg import ROLE, SMALL, WIDE, axes, draw_lines, inline, scale_to_knob

LONGEST_LINE = 200
"""Points that a drawn sweep has at most."""
MARKS = {"validation": "D", "sentinel": "s", "test": "x"}
PAIRS_SHOWN = 15
"""More panels than this are folded away: with seven knobs there are 21."""


@dataclass(frozen=True, eq=False)
class CoverageItem:
    """One capture on the map: panel positions, shape (frames, knobs), more than one if it sweeps.

    ``seconds`` is how long it lasts, 0 if that is not known.
    """

    role: str
    positions: NDArray[Any]
    seconds: float = 0.0

    @property
    def moves(self) -> bool:
        return len(self.positions) > 1


def kinds(coverage: Sequence[CoverageItem]) -> list[tuple[str, str, int]]:
    """What the map shows: a mark's name, words for it, and how many there are; in drawing order."""
    found = [
        ("sweep", "train, knobs moving", sum(i.role == "train" and i.moves for i in coverage)),
        ("train", "train, knobs still", sum(i.role == "train" and not i.moves for i in coverage)),
        *((role, role, sum(item.role == role for item in coverage)) for role in MARKS),
    ]
    return [kind for kind in found if kind[2]]


def coverage_maps(coverage: Sequence[CoverageItem], knobs: KnobTable) -> list[Markup]:
    """A panel for each pair of knobs; with one knob, its position in capture after capture."""
    if not coverage:
        return []
    if len(knobs) == 1:
        return [_one_knob(coverage, knobs)]
    panels = []
    for x, y in combinations(range(len(knobs)), 2):
        figure, on = axes(SMALL)
        _draw(on, [(item, item.positions[:, [x, y]]) for item in coverage])
        scale_to_knob(on, knobs.knobs[x], "x")
        scale_to_knob(on, knobs.knobs[y], "y")
        on.yaxis.labelpad = 0
        label = f"Captures by {knobs.names[x]} and {knobs.names[y]}"
        panels.append(inline(figure, f"map-{x}-{y}", label))
    return panels


def _one_knob(coverage: Sequence[CoverageItem], knobs: KnobTable) -> Markup:
    figure, on = axes(WIDE)
    placed = []
    for index, item in enumerate(coverage, start=1):
        ends = np.unique([item.positions.min(), item.positions.max()])
        placed.append((item, np.stack([ends, np.full(len(ends), index)], axis=1)))
    _draw(on, placed)
    scale_to_knob(on, knobs.knobs[0], "x")
    on.set_ylim(len(coverage) + 1, 0)
    on.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    on.set_ylabel("capture")
    return inline(figure, "map", f"{knobs.names[0]} in each capture")


def _draw(on: Axes, placed: list[tuple[CoverageItem, NDArray[Any]]]) -> None:
    train = [(item, points) for item, points in placed if item.role == "train"]
    sweeps = [_thin(points) for item, points in train if item.moves]
    stills = [points[:1] for item, points in train if not item.moves]
    crowd = sum(map(len, sweeps))
    draw_lines(on, sweeps, ROLE["train"], 0.5, min(0.6, 8 / max(1, crowd) ** 0.5))
    draw_lines(on, stills, ROLE["train"], 2.8, 0.85)
    for role, mark in MARKS.items():
        points = [points[0] for item, points in placed if item.role == role]
        if points:
            size, edge = (5.5, 1.4) if mark == "x" else (3.6, 0.0)
            style: dict[str, Any] = {"markersize": size, "markeredgewidth": edge}
            on.plot(*np.array(points).T, mark, color=ROLE[role], **style)


def _thin(points: NDArray[Any]) -> NDArray[Any]:
    kept = np.linspace(0, len(points) - 1, min(len(points), LONGEST_LINE))
    thinned: NDArray[Any] = points[np.round(kept).astype(int)]
    return thinned
