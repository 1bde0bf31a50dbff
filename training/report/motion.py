"""How well the model follows knobs that move."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.ticker import MaxNLocator

from rigs.knobs import KnobTable
from training.evaluate.captures import esr_of
from training.evaluate.motion import Followed, MotionResult
from training.evaluate.whole import Evaluation
from training.report.choose import loud
from training.report.errors import SMALLEST
from training.report.svg import (
    AMP,
    ERROR,
    LINES,
    MODEL,
    WIDE,
    axes,
    draw_floor,
    inline,
    scale_to_esr,
    shorten,
)


def by_error(motion: Sequence[MotionResult]) -> list[MotionResult]:
    """Best first; those too quiet to have an ESR last."""
    return sorted(
        motion,
        key=lambda one: (
            math.isnan(one.measured.esr),
            one.measured.esr if one.measured.esr == one.measured.esr else 0.0,
            one.capture_id,
        ),
    )


def motion_plot(found: Evaluation) -> Markup | None:
    """ESR of each still setting and of each sweep; None if no sweep has one."""
    moving = [one.measured.esr for one in found.motion if not math.isnan(one.measured.esr)]
    still = [one.esr for one in loud(found.results)]
    if not moving:
        return None
    playing = "seen playing" if all(one.seen for one in found.motion) else "unseen playing"
    groups = [("knobs still,\ntest", still, AMP), (f"knobs moving,\n{playing}", moving, MODEL)]
    groups = [group for group in groups if group[1]]
    figure, on = axes(WIDE)
    floor = esr_of(found.floor)
    draw_floor(on, floor)
    for place, (_, ratios, colour) in enumerate(groups):
        heights = np.maximum(ratios, SMALLEST)
        on.plot(
            place + _spread(len(heights)),
            np.sort(heights),
            color=colour,
            linestyle="none",
            marker="o",
            markersize=4.4,
            markeredgewidth=0,
            alpha=0.75,
        )
        middle = float(np.median(heights))
        on.plot([place - 0.3, place + 0.3], [middle, middle], color=colour, linewidth=2.4)
    on.set_xlim(-0.5, len(groups) - 0.5)
    on.set_xticks(range(len(groups)), [words for words, _, _ in groups])
    on.set_ylabel("ESR")
    ratios = [max(value, SMALLEST) for _, values, _ in groups for value in values]
    scale_to_esr(on, ratios, floor)
    return inline(figure, "motion-still", "ESR of settings with knobs still, and of sweeps")


def _spread(count: int) -> Any:
    """Sideways places, so that neighbours in height do not hide each other."""
    return 0.22 * (np.arange(count) * 0.618034 % 1 - 0.5) * 2


def sweep_plot(followed: Followed, knobs: KnobTable) -> Markup:
    """One sweep, second by second: where the knobs went, and how wrong the model was meanwhile."""
    figure, on = axes(WIDE)
    figure.subplots_adjust(top=0.58, right=0.97)
    above = figure.add_axes((0.155, 0.63, 0.815, 0.27))
    for index, name in enumerate(followed.moved):
        way = followed.positions[:, knobs.names.index(name)]
        above.plot(
            followed.times,
            way,
            color=LINES[index % len(LINES)],
            linewidth=1.1,
            label=shorten(name, 10),
        )
    above.set_ylim(-0.05, 1.05)
    above.set_xlim(0, followed.seconds)
    above.set_yticks([0, 1], ["min", "max"])
    above.tick_params(labelbottom=False)
    above.legend(
        loc="lower center",
        bbox_to_anchor=(0.5, 0.97),
        ncols=6,
        handlelength=0.9,
        columnspacing=0.8,
        handletextpad=0.4,
        fontsize=7.5,
    )
    ratios = np.maximum(followed.ratios, SMALLEST)
    on.step(
        np.append(followed.starts, followed.seconds),
        np.append(ratios, ratios[-1]),
        where="post",
        color=ERROR,
        linewidth=1.6,
    )
    finite = ratios[np.isfinite(ratios)]
    scale_to_esr(on, finite.tolist() or [1.0])
    on.set_xlim(0, followed.seconds)
    for each in (above, on):
        each.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    on.set_xlabel("time (s)")
    on.set_ylabel("ESR")
    return inline(figure, "motion-sweep", f"ESR during {followed.capture_id}, and its knobs")
