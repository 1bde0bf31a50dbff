"""ESR against each knob, and during training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from rigs.knobs import KnobTable
from training.evaluate import Result, by_knob, table
from training.report.choose import loud
from training.report.svg import (
    AMP,
    INK,
    MIDDLE,
    MODEL,
    WIDE,
    axes,
    draw_floor,
    inline,
    scale_to_esr,
    scale_to_knob,
)

SMALLEST = 1e-9
"""A smaller ESR is drawn as this: a logarithmic axis has no zero."""


def knob_plots(results: Sequence[Result], knobs: KnobTable, floor: float | None) -> list[Markup]:
    """A panel for each knob; none if no setting was loud enough to have an ESR."""
    heard = loud(results)
    if not heard:
        return []
    medians = by_knob(table(heard), knobs)
    ratios = np.maximum([result.esr for result in heard], SMALLEST)
    panels = []
    for index, knob in enumerate(knobs):
        figure, on = axes(MIDDLE)
        draw_floor(on, floor)
        places = [result.capture.setting[knob.name] for result in heard]
        style: dict[str, Any] = {
            "linestyle": "none",
            "marker": "o",
            "markersize": 4.2,
            "markeredgewidth": 0.0,
        }
        on.plot(places, ratios, color=AMP, alpha=0.6, **style)
        row = medians[medians["knob"] == knob.name]
        middles = row["position"].round() if knob.detents else row["position"]
        heights = np.maximum(row["esr"], SMALLEST)
        on.plot(middles, heights, color=MODEL, linewidth=2, marker="o", markersize=3.5)
        scale_to_knob(on, knob, "x")
        scale_to_esr(on, ratios, floor)
        label = f"ESR against {knob.name}: each setting, and the median of each fifth"
        panels.append(inline(figure, f"knob-{index}", label))
    return panels


def history_plot(history: Any, floor: float | None) -> Markup | None:
    """Loss and validation ESR over training; nothing if it was not kept."""
    try:
        rows = np.array([[row["seconds"] / 60, row["loss"], row["esr"]] for row in history])
    except (TypeError, KeyError):
        return None
    rows = rows[np.isfinite(rows).all(axis=1)] if rows.ndim == 2 else rows
    if not rows.size:
        return None
    minutes, losses, ratios = np.maximum(rows, [0.0, SMALLEST, SMALLEST]).T
    figure, on = axes(WIDE)
    mark: dict[str, Any] = {"marker": "o", "markersize": 3}
    on.plot(minutes, losses, color=AMP, linewidth=1.2, label="training loss", **mark)
    on.plot(minutes, ratios, color=MODEL, linewidth=1.8, label="validation ESR", **mark)
    draw_floor(on, floor, label="floor")
    best = int(np.argmin(ratios))
    ring: dict[str, Any] = {"marker": "o", "markersize": 9, "fillstyle": "none"}
    on.plot(minutes[best], ratios[best], color=INK, linestyle="none", label="kept", **ring)
    scale_to_esr(on, [*losses, *ratios], floor)
    on.set_xlim(left=0)
    on.set_xlabel("training time (minutes)")
    on.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4, handlelength=1.4)
    return inline(figure, "history", "Loss and validation ESR during training")
