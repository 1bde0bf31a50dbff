"""Whether two takes of one setting sound the same: what sentinels are for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataset.checks import quiet

_NOISE = 3.0
"""How often a noise's energy may be in the difference of two takes: each of them has its own."""


@dataclass(frozen=True)
class Sameness:
    """``esr`` of a take against another, and how they correlate: -1 if one is upside down."""

    esr: float
    correlation: float


def compare(first: NDArray[Any], later: NDArray[Any]) -> Sameness:
    """``later`` against ``first``, both of shape (frames,).

    A shift of less than a sample is the converters' (latency is removed in whole samples), so the
    best one is allowed for, to first order: the part of the difference that lies along the
    waveform's slope. Nothing else is. Two silences agree; sound differs from silence by inf.
    """
    if first.shape != later.shape:
        raise ValueError(f"takes have shapes {first.shape} and {later.shape}")
    a, b = np.asarray(first, np.float64), np.asarray(later, np.float64)
    energy, other = float(np.dot(a, a)), float(np.dot(b, b))
    if energy == 0 or len(a) < 2:
        return Sameness(np.inf if other > energy else 0.0, 0.0)
    correlation = float(np.dot(a, b)) / float(np.sqrt(energy * other)) if other > 0 else 0.0
    difference, slope = b - a, np.gradient(a)
    steep = float(np.dot(slope, slope))
    shift = float(np.clip(np.dot(difference, slope) / steep, -1, 1)) if steep > 0 else 0.0
    left = difference - shift * slope
    return Sameness(float(np.dot(left, left)) / energy, correlation)


def differs(esr: float, limit: float, dry: NDArray[Any], wet: NDArray[Any]) -> bool:
    """Whether ``esr`` is over ``limit`` by more than noise alone makes of two takes of ``dry``."""
    return esr > limit and esr > limit + _NOISE * quiet.noise_share(dry, wet)
