"""How far a wet that was recorded elsewhere is behind its dry."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from rigs import clicks
from rigs.audio import SAMPLE_RATE, Audio
from rigs.errors import UserError

FURTHEST = SAMPLE_RATE
"""Samples that a wet may be behind its dry, or before it."""
SECONDS = 60
"""Of the beginning, that are compared."""
ALIKE = 16
"""Samples: lags that differ less are the same path's, heard through other settings' filters."""

_BLOCK = 1 << 17
_ONSET = 0.2
_CLEAR = 8.0


def find_lag(dry: Audio, wet: Audio, *, clicked: bool) -> float:
    """How many samples ``wet`` is behind ``dry``; negative if it is before it.

    With ``clicked``, the dry begins with ampsweep's clicks (:mod:`rigs.clicks`), and what they
    were delayed by counts; else the lag is where the path's impulse response sets in, estimated
    from all that was played. Raises UserError if nothing of the dry is heard in the wet.
    """
    if clicked:
        return clicks.find_latency(wet)
    return _onset(_response(dry[: SECONDS * SAMPLE_RATE], wet[: SECONDS * SAMPLE_RATE]))


def settle(lags: list[float]) -> list[int]:
    """Whole lags to remove: one for all, where they are alike, so that settings stay aligned."""
    middle = float(np.median(lags))
    return [round(middle if abs(lag - middle) <= ALIKE else lag) for lag in lags]


def _response(dry: Audio, wet: Audio) -> NDArray[np.float64]:
    """The path's impulse response at lags -FURTHEST to FURTHEST, as far as it is linear.

    Cross-spectrum over the dry's own spectrum, both averaged over overlapping blocks, as of a
    system with noise at its output (Bendat & Piersol, Random Data, "Single-input/single-output
    linear models"); distortion counts as noise.
    """
    frames = min(len(dry), len(wet))
    if frames < SAMPLE_RATE // 10:
        raise UserError("A recording is shorter than a tenth of a second; leave it out.")
    size = _BLOCK * 2
    cross = np.zeros(size // 2 + 1, np.complex128)
    power = np.zeros(size // 2 + 1)
    window = np.hanning(min(_BLOCK, frames))
    for start in range(0, max(1, frames - len(window) + 1), _BLOCK // 2):
        # The wet is longer on both sides than the dry it answers, by the furthest lag.
        piece = np.zeros(size)
        piece[FURTHEST : FURTHEST + len(window)] = dry[start : start + len(window)] * window
        heard = np.zeros(size)
        first, last = max(0, start - FURTHEST), min(len(wet), start + len(window) + FURTHEST)
        offset = first - (start - FURTHEST)
        heard[offset : offset + last - first] = wet[first:last]
        x, y = fft.rfft(piece), fft.rfft(heard)
        cross += np.conj(x) * y
        power += np.abs(x) ** 2
    if not power.any() or not np.abs(cross).any():
        raise UserError("The dry or a recording is silent; check the files.")
    # Where the dry has little, nothing can be known: a thousandth of its mean power, smoothed.
    floor = 1e-3 * power.mean() + ndimage.uniform_filter1d(power, 31) * 1e-3
    response = fft.irfft(cross / (power + floor), size)
    return np.concatenate([response[-FURTHEST:], response[: FURTHEST + 1]])


def _onset(response: NDArray[np.float64]) -> float:
    """The first lag at which the response reaches a fifth of its peak."""
    size = np.abs(response)
    peak = int(np.argmax(size))
    # The noise of the estimate, away from the peak.
    away = np.concatenate([size[: max(0, peak - 4800)], size[peak + 4800 :]])
    noise = float(np.sqrt(np.mean(np.square(away)))) if len(away) else 0.0
    if size[peak] < _CLEAR * noise:
        raise UserError(
            "A recording has nothing of the dry in it, or begins more than a second away; check "
            "that it is of this dry."
        )
    near = size[max(0, peak - 480) : peak + 1]
    first = int(np.argmax(near >= max(_ONSET * size[peak], 4 * noise)))
    return float(peak - (len(near) - 1) + first - FURTHEST)


def aligned(dry: Any, wet: Any, lag: int) -> tuple[int, Any]:
    """Where in ``dry`` the capture begins, and the wet from there on, of the length it has."""
    start = max(0, -lag)
    first = start + lag
    frames = min(len(dry) - start, len(wet) - first)
    return start, wet[first : first + max(0, frames)]
