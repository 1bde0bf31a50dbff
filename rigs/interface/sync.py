"""A motor controller's output, heard at a spare input: when in the audio it changed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_RISE = 8
"""Samples within which an edge is over: converters' filters round it."""
_APART = 4800
"""Samples between two edges at least: what rings on after one is none."""
_FAINT = 0.01
"""Of full scale: a smaller change is noise."""


def edges(heard: NDArray[Any]) -> NDArray[np.float64]:
    """Where ``heard``, shape (frames,), jumps up or down, in samples and fractions of one.

    It looks for change, not for levels: most interfaces' inputs let no constant voltage pass, so
    that only the jump comes through. Empty if nothing jumps.
    """
    x = np.asarray(heard, np.float64)
    if len(x) <= _RISE:
        return np.empty(0)
    change = np.abs(x[_RISE:] - x[:-_RISE])
    threshold = max(_FAINT, 0.5 * float(change.max()))
    found: list[float] = []
    above = np.flatnonzero(change >= threshold)
    while len(above):
        first = int(above[0])
        top = first + int(np.argmax(change[first : first + _RISE]))
        found.append(_middle(x[top : top + _RISE + 1]) + top)
        above = above[above > first + _APART]
    return np.array(found)


def _middle(x: NDArray[np.float64]) -> float:
    """Where a jump, from its first sample to its last, is half done."""
    done = (x - x[0]) / (x[-1] - x[0])
    after = int(np.argmax(done >= 0.5))
    return after - float((done[after] - 0.5) / (done[after] - done[after - 1]))
