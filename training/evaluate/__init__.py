"""Judging a model: on settings and playing that it never saw, in motion, and by sines.

What needs the whole dataset is in :mod:`training.evaluate.whole`, and models side by side in
:mod:`training.evaluate.compare`.
"""

from __future__ import annotations

from training.evaluate.judge import Capture, Measured, Result, judge, measure
from training.evaluate.tables import by_knob, by_pair, column, table

__all__ = [
    "Capture",
    "Measured",
    "Result",
    "by_knob",
    "by_pair",
    "column",
    "judge",
    "measure",
    "table",
]
