"""What was judged, as tables: by setting, by knob, by pair of knobs."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rigs.audio import rms_dbfs
from rigs.knobs import Knob, KnobTable
from training.evaluate.judge import Result

BINS = 5
"""Stretches into which the table by knob cuts a knob's travel; a switch's are its detents."""
PAIR_BINS = 4
"""The same for pairs of knobs, whose settings are thinner spread."""

JUDGED = ("capture_id", "esr", "mrstft", "level_error_db", "wet_dbfs")


def column(knob: str) -> str:
    """A knob's column in :func:`table`: its name, unless another column has it."""
    return f"{knob} (knob)" if knob in JUDGED else knob


def row(result: Result) -> dict[str, str | float]:
    """One setting's line of :func:`table`."""
    return {
        "capture_id": result.capture.capture_id,
        **{column(name): value for name, value in result.capture.setting.items()},
        "esr": result.esr,
        "mrstft": result.mrstft,
        "level_error_db": result.level_error_db,
        "wet_dbfs": rms_dbfs(result.capture.wet),
    }


def table(results: Iterable[Result]) -> pd.DataFrame:
    """One row a setting: capture_id, a column a knob, esr, mrstft, level_error_db, wet_dbfs."""
    return pd.DataFrame([row(result) for result in results])


def edges(knob: Knob, bins: int) -> NDArray[np.floating]:
    """Where the bins of a knob's travel begin and end, shape (bins + 1,); a switch's lie around
    its detents."""
    if knob.detents:
        return np.arange(len(knob.detents) + 1) - 0.5
    return np.linspace(knob.minimum, knob.maximum, bins + 1)


def _placed(values: pd.Series[float], bounds: NDArray[np.floating]) -> NDArray[np.intp]:
    """The bin of each value; the ends of the travel lie in the outer ones."""
    place: NDArray[np.intp] = np.searchsorted(bounds, values, side="right") - 1
    return np.clip(place, 0, len(bounds) - 2)


def by_knob(rows: pd.DataFrame, knobs: KnobTable) -> pd.DataFrame:
    """Median ESR against each knob: columns knob, position (a bin's middle), esr, settings."""
    found = []
    for knob in knobs:
        bounds = edges(knob, BINS)
        place = _placed(rows[column(knob.name)], bounds)
        for index in range(len(bounds) - 1):
            values = rows["esr"][place == index].dropna()
            if len(values):
                middle = (bounds[index] + bounds[index + 1]) / 2
                found.append((knob.name, middle, float(values.median()), len(values)))
    return pd.DataFrame(found, columns=["knob", "position", "esr", "settings"])


def by_pair(rows: pd.DataFrame, knobs: KnobTable) -> pd.DataFrame:
    """Median ESR in the cells of each pair of knobs, those that hold a setting loud enough.

    Columns: x and y (the knobs), x_bin and y_bin (from 0), esr, settings.
    """
    found = []
    for x, y in combinations(knobs, 2):
        x_place, y_place = (
            _placed(rows[column(knob.name)], edges(knob, PAIR_BINS)) for knob in (x, y)
        )
        for x_bin, y_bin in sorted(set(zip(x_place.tolist(), y_place.tolist(), strict=True))):
            loud = rows["esr"][(x_place == x_bin) & (y_place == y_bin)].dropna()
            if len(loud):
                found.append((x.name, y.name, x_bin, y_bin, float(loud.median()), len(loud)))
    return pd.DataFrame(found, columns=["x", "y", "x_bin", "y_bin", "esr", "settings"])
