"""Knobs that move while a file plays: an automation file, as positions at control frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataset.plans.table import read_timed
from rigs.audio import SAMPLE_RATE
from rigs.knobs import KnobTable, Setting
from training.models.control import CONTROL_INTERVAL, frames_for

MOST = 200_000
"""Lines of the longest file: one every 9 ms for half an hour."""


def read_automation(
    path: Path, knobs: KnobTable, others: Setting, samples: int
) -> NDArray[np.float64]:
    """Panel positions at the control frames of ``samples``: (frames_for(samples), knobs).

    The file is CSV: `time` in seconds, then a column for each knob that moves; the rest stand as
    ``others`` says. Between lines a knob moves linearly and a switch stays; before the first line
    and after the last all rest. Raises UserError, with line and column, for anything else.
    """
    times, settings = read_timed(path, knobs, MOST, others)
    now = np.arange(frames_for(samples)) * CONTROL_INTERVAL / SAMPLE_RATE
    latest = np.maximum(np.searchsorted(times, now, side="right") - 1, 0)
    columns = [
        column[latest] if knob.detents else np.interp(now, times, column)
        for knob, column in zip(knobs, settings.T, strict=True)
    ]
    return np.stack(columns, axis=1)
