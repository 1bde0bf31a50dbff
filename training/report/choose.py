"""Which of the judged settings to show and to listen to."""

from __future__ import annotations

import math
from collections.abc import Sequence

from training.evaluate import Result


def by_esr(results: Sequence[Result]) -> list[Result]:
    """Best first; those too quiet to have an ESR last, by how wrong their level is."""
    return sorted(
        results,
        key=lambda r: (
            (1, abs(r.level_error_db), r.capture.capture_id)
            if math.isnan(r.esr)
            else (0, r.esr, r.capture.capture_id)
        ),
    )


def examples(results: Sequence[Result]) -> dict[str, Result]:
    """A good one, the median and the worst, by name; fewer if there are not so many."""
    ordered = by_esr(results)
    loud = [result for result in ordered if not math.isnan(result.esr)]
    last = len(loud) - 1
    if last < 0:
        return {"Quiet": ordered[-1]}
    if last == 0:
        return {"The only setting": loud[0]}
    places = {"Better than three in four": last // 4, "Median": last // 2, "Worst": last}
    if places["Median"] == last // 4:
        del places["Better than three in four"]
    return {name: loud[place] for name, place in places.items()}


def worst(results: Sequence[Result], most: int) -> list[Result]:
    """The settings with the highest ESR, worst first; those too quiet to have one left out."""
    loud = [result for result in by_esr(results) if not math.isnan(result.esr)]
    return loud[::-1][:most]
