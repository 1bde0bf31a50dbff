"""Which of the judged settings to show and to listen to."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from training.evaluate import Result


def loud(results: Iterable[Result]) -> list[Result]:
    """Those loud enough to have an ESR."""
    return [result for result in results if not math.isnan(result.esr)]


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
    heard = loud(ordered)
    last = len(heard) - 1
    if last < 0:
        return {"Quiet": ordered[-1]}
    if last == 0:
        return {"The only setting": heard[0]}
    places = {"Better than three in four": last // 4, "Median": last // 2, "Worst": last}
    if places["Median"] == last // 4:
        del places["Better than three in four"]
    return {name: heard[place] for name, place in places.items()}


def worst(results: Sequence[Result], most: int) -> list[Result]:
    """The settings with the highest ESR, worst first; those too quiet to have one left out."""
    return loud(by_esr(results))[::-1][:most]
