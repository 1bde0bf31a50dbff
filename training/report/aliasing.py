"""Aliasing against the level of a sine, a line for each of a few frequencies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from training.evaluate.aliasing import Aliasing
from training.report.svg import STEPS, WIDE, axes, inline

LEAST_DB = -110.0
"""Less is drawn as this."""


def sines(found: Sequence[Aliasing]) -> list[str]:
    """The frequencies, in the order of their colours."""
    return [f"{frequency:.0f} Hz" for frequency in _frequencies(found)]


def _frequencies(found: Sequence[Aliasing]) -> list[float]:
    return sorted({one.frequency for one in found})[: len(STEPS)]


def aliasing_plots(found: Sequence[Aliasing]) -> list[tuple[str, Markup]]:
    """For each setting, words for it and the picture; all have one scale."""
    ratios = [max(one.ratio_db, LEAST_DB) for one in found if np.isfinite(one.ratio_db)]
    if not ratios:
        return []
    low, high = 10 * np.floor(min(ratios) / 10), 10 * np.ceil(max(ratios) / 10)
    plots = []
    for index, words in enumerate(dict.fromkeys(one.where for one in found)):
        figure, on = axes(WIDE)
        for frequency, colour in zip(_frequencies(found), STEPS, strict=False):
            own = [one for one in found if (one.where, one.frequency) == (words, frequency)]
            own.sort(key=lambda one: one.level_dbfs)
            on.plot(
                [one.level_dbfs for one in own],
                [max(one.ratio_db, LEAST_DB) for one in own],
                color=colour,
                linewidth=1.7,
                marker="o",
                markersize=3.5,
            )
        on.set_xticks(sorted({one.level_dbfs for one in found}))
        on.set_ylim(low - 2, max(high, low + 10) + 2)
        on.set_xlabel("input peak (dBFS)")
        on.set_ylabel("aliasing against harmonics (dB)")
        plots.append((words, inline(figure, f"aliasing-{index}", f"Aliasing with {words}")))
    return plots
