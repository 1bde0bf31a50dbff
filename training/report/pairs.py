"""ESR over each pair of knobs: the settings themselves, over the medians of cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from rigs.knobs import Knob, KnobTable
from training.evaluate import Result, by_pair, column, table
from training.evaluate.tables import PAIR_BINS, edges
from training.report.choose import loud
from training.report.format import ratio
from training.report.svg import INK, SMALL, STEPS, axes, inline, scale_to_knob

CELL_ALPHA = 0.3


@dataclass(frozen=True)
class PairMaps:
    """A panel for each pair of knobs; ``classes``: the ESR that each of STEPS stands for."""

    panels: list[Markup]
    classes: list[str]


def pair_maps(results: Sequence[Result], knobs: KnobTable) -> PairMaps:
    """Nothing if there is one knob, or no setting loud enough to have an ESR."""
    heard = loud(results)
    if not heard or len(knobs) < 2:
        return PairMaps([], [])
    rows = table(heard)
    cells = by_pair(rows, knobs)
    bounds = class_bounds(rows["esr"].to_numpy(np.float64))
    panels = []
    for (a, x), (b, y) in combinations(enumerate(knobs), 2):
        own = cells[(cells["x"] == x.name) & (cells["y"] == y.name)]
        panels.append(_panel(rows, own, x, y, bounds, f"pair-{a}-{b}"))
    return PairMaps(panels, class_words(bounds))


def class_bounds(ratios: NDArray[np.float64]) -> NDArray[np.float64]:
    """The ESR between one colour and the next: as many settings in each as can be; two digits,
    and fewer colours where settings are too alike."""
    between = np.quantile(ratios, np.arange(1, len(STEPS)) / len(STEPS), method="higher")
    found = np.array([float(f"{value:.2g}") for value in between])
    # At or under the least no setting would be left for the colour below.
    return np.unique(found[(found > ratios.min()) & (found <= ratios.max())])


def class_words(bounds: NDArray[np.float64]) -> list[str]:
    """What each colour means."""
    if not len(bounds):
        return ["ESR of all settings"]
    said = [ratio(float(f"{bound:.2g}")) for bound in bounds]
    said = [words.rstrip("0") if "." in words and "e" not in words else words for words in said]
    between = [f"{low} to {high}" for low, high in pairwise(said)]
    return [f"ESR under {said[0]}", *between, f"{said[-1]} or more"]


def _colours(ratios: pd.Series[float], bounds: NDArray[np.float64]) -> list[str]:
    return [STEPS[place] for place in np.searchsorted(bounds, ratios, side="right")]


def _panel(
    rows: pd.DataFrame,
    cells: pd.DataFrame,
    x: Knob,
    y: Knob,
    bounds: NDArray[np.float64],
    name: str,
) -> Markup:
    figure, on = axes(SMALL)
    x_edges, y_edges = edges(x, PAIR_BINS), edges(y, PAIR_BINS)
    counted = cells[["x_bin", "y_bin", "settings"]].to_numpy(int)
    for (x_bin, y_bin, count), colour in zip(counted, _colours(cells["esr"], bounds), strict=True):
        left, right = x_edges[x_bin : x_bin + 2]
        low, high = y_edges[y_bin : y_bin + 2]
        corner = (float(left), float(low))
        on.add_patch(
            Rectangle(corner, right - left, high - low, color=colour, alpha=CELL_ALPHA, linewidth=0)
        )
        on.annotate(str(count), corner, (2, 2), textcoords="offset points", fontsize=6.5, color=INK)
    on.scatter(
        rows[column(x.name)],
        rows[column(y.name)],
        s=13,
        c=_colours(rows["esr"], bounds),
        linewidths=0,
        zorder=3,
    )
    on.grid(False)
    scale_to_knob(on, x, "x")
    scale_to_knob(on, y, "y")
    on.yaxis.labelpad = 0
    if x.detents:
        on.set_xlim(x_edges[0], x_edges[-1])
    if y.detents:
        on.set_ylim(y_edges[0], y_edges[-1])
    return inline(figure, name, f"ESR over {x.name} and {y.name}")
