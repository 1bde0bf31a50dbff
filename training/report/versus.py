"""The page of a comparison: models side by side, setting by setting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from numpy.typing import NDArray

from rigs.files import write_whole
from training.evaluate.captures import esr_of
from training.evaluate.compare import Comparison
from training.evaluate.tables import column
from training.report.errors import SMALLEST
from training.report.format import dials, pages
from training.report.svg import (
    LINES,
    MUTED,
    WIDE,
    axes,
    draw_floor,
    drawing,
    inline,
    scale_to_esr,
    shorten,
)

MARKS = ("o", "s", "^", "D", "v", "P", "X", "h")
"""One for each of the models, beside its colour: not everyone tells colours apart."""


def write_comparison(path: Path, found: Comparison) -> None:
    """Write one file that needs no other, whole or not at all; raises UserError if it cannot be."""
    with drawing():
        shown = {
            "found": found,
            "lines": [
                {**one.summary(), "best_at": best}
                for one, best in zip(found.contenders, found.best(), strict=True)
            ],
            "judged": int((~np.isnan(found.contenders[0].ratios)).sum()),
            "wins": found.wins(),
            "paired": paired_plot(found),
            "scatter": scatter_plot(found),
            "rows": _rows(found),
        }
    text = pages().get_template("compare.html").render(shown)
    write_whole(path, text.encode("utf-8", "replace"))


def _loud(found: Comparison) -> NDArray[np.float64]:
    """ESR as drawn, shape (contenders, settings that have one), the first one's ascending."""
    ratios = np.array([one.ratios for one in found.contenders])
    ratios = np.maximum(ratios[:, ~np.isnan(ratios).any(axis=0)], SMALLEST)
    ordered: NDArray[np.float64] = ratios[:, np.argsort(ratios[0], kind="stable")]
    return ordered


def _scale(on: Axes, found: Comparison, ratios: NDArray[np.float64]) -> None:
    scale_to_esr(on, ratios.ravel().tolist(), esr_of(found.floor))


def _mark(place: int) -> dict[str, Any]:
    return {
        "color": LINES[place],
        "marker": MARKS[place],
        "linestyle": "none",
        "markersize": 4.6,
        "markeredgewidth": 0,
        "alpha": 0.85,
    }


def paired_plot(found: Comparison) -> Markup:
    """Every setting's ESR by each model, above one another, in the order of the first model's."""
    ratios = _loud(found)
    figure, on = axes(WIDE)
    places = np.arange(1, ratios.shape[1] + 1)
    on.vlines(places, ratios.min(axis=0), ratios.max(axis=0), color=MUTED, linewidth=0.6, alpha=0.6)
    for index, own in enumerate(ratios):
        on.plot(places, own, **_mark(index))
    draw_floor(on, esr_of(found.floor))
    _scale(on, found, ratios)
    on.set_xlim(0, len(places) + 1)
    on.grid(False, axis="x")
    on.set_xlabel(f"settings, in the order of {shorten(found.contenders[0].label, 24)}")
    on.set_ylabel("ESR")
    return inline(figure, "paired", "ESR of each model at each setting")


def scatter_plot(found: Comparison) -> Markup:
    """Every other model's ESR against the first one's: under the diagonal it is better."""
    ratios = _loud(found)
    figure, on = axes(WIDE)
    for index, own in enumerate(ratios[1:], start=1):
        on.plot(ratios[0], own, **_mark(index))
    _scale(on, found, ratios)
    low, high = on.get_ylim()
    on.plot([low, high], [low, high], color=MUTED, linewidth=1)
    on.set_xscale("log")
    on.set_xlim(low, high)
    on.xaxis.set_major_locator(on.yaxis.get_major_locator())
    on.xaxis.set_major_formatter(on.yaxis.get_major_formatter())
    on.set_xlabel(f"ESR of {shorten(found.contenders[0].label, 24)}")
    on.set_ylabel("ESR of the others")
    return inline(figure, "scatter", f"ESR of the others against {found.contenders[0].label}")


def _rows(found: Comparison) -> list[dict[str, Any]]:
    """The settings as they were judged."""
    names = found.knobs.names
    rows = []
    for place, line in enumerate(found.contenders[0].rows.to_dict("records")):
        ratios = [float(one.ratios[place]) for one in found.contenders]
        rows.append(
            {
                "capture_id": line["capture_id"],
                "dials": dials(found.knobs, {name: float(line[column(name)]) for name in names}),
                "ratios": [None if np.isnan(value) else value for value in ratios],
                "best": min(ratios),
            }
        )
    return rows
