"""Choosing a capture to hear, and making it safe to hear."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from dataset.plans.base import to_cube
from dataset.schema import ROLES
from dataset.store import Dataset
from rigs.audio import SAMPLE_RATE, Audio, peak_dbfs
from rigs.errors import UserError

LOUDEST = -12.0
"""dBFS: what headphones are fed unless told otherwise; a bad capture may be 60 dB louder than it
should, and a good one peaks near full scale."""
PAUSE = SAMPLE_RATE // 2


def by_name(dataset: Dataset, capture_id: str) -> pd.Series[Any]:
    """The capture of that id, or the only one whose id ends so; raises UserError if there is none.

    Flagged and excluded ones are among them: they are worth hearing.
    """
    ids = dataset.captures["capture_id"]
    found = np.flatnonzero(ids == capture_id)
    if not len(found):
        found = np.flatnonzero(ids.str.endswith(capture_id)) if capture_id else found
    if len(found) != 1:
        what = f"{len(found)} captures whose names end in" if len(found) else "no capture"
        raise UserError(
            f"There is {what} {capture_id[:80]!r} in {dataset.folder}; their names are like "
            f"{ids.iloc[0]}, or the end of that."
        )
    return dataset.captures.iloc[int(found[0])]


def nearest(
    dataset: Dataset, setting: Mapping[str, float], roles: tuple[str, ...] = ROLES
) -> tuple[pd.Series[Any], float]:
    """The still capture without faults that is nearest to a full ``setting``, and its distance,
    where a knob's whole range counts as 1. Raises UserError if there is none."""
    chosen = dataset.select(roles)
    known = np.isfinite(chosen.settings()).all(axis=1)
    still = np.flatnonzero(chosen.captures["trajectory_rate"].isna().to_numpy() & known)
    if not len(still):
        raise UserError(
            f"{dataset.folder} holds no captures without faults whose knobs stand still; name one "
            "of the others."
        )
    wanted = to_cube(dataset.knobs, dataset.knobs.to_array(setting))
    away = np.linalg.norm(to_cube(dataset.knobs, chosen.settings()[still]) - wanted, axis=1)
    best = int(np.argmin(away))
    return chosen.captures.iloc[int(still[best])], float(away[best])


def heard(dataset: Dataset, row: pd.Series[Any], what: str) -> Audio:
    """The "wet" of a capture, its "dry", or "both", the dry first and half a second between.

    Both are brought to one peak: the dry would be drowned, or drown. Raises UserError if one is
    damaged.
    """
    if what == "wet":
        return dataset.audio(row)
    dry = dataset.dry(row)
    if what == "dry":
        return dry
    wet = dataset.audio(row)
    pause = np.zeros(PAUSE, np.float32)
    return np.concatenate([at_peak(dry, 0.0), pause, at_peak(wet, 0.0)])


def at_peak(audio: Audio, level: float = LOUDEST) -> Audio:
    """``audio``, shape (frames,), made to peak at ``level`` dBFS; silence stays silent."""
    peak = peak_dbfs(audio)
    if not np.isfinite(peak):
        return np.zeros_like(audio)
    return np.asarray(audio * np.float32(10 ** ((level - peak) / 20)), np.float32)
