"""Dropouts that nobody noticed while they happened: what the wet itself tells of them.

A rig's signal path knows when each buffer came and looks for damage by that. Here nothing is known
but dry and wet, so only what no device would do counts: a value that is held, or a stretch that is
heard twice to the last bit, in a recording whose last bits are noise.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rigs.audio import FULL_SCALE, quantise24

_NATURAL = 3
"""Equal samples in a row from which on a stillness tells that a device is digital …"""
_DIGITAL = 1e-3
"""… if this share of its samples stands in them."""
_STEP = 1e-3
"""Of the peak: what a stretch that was lost begins or ends with; one that died away does not."""
_BUFFERS = (32, 44, 48, 64, 88, 96, 128, 144, 176, 192, 220, 240, 256, 288, 352, 384, 440, 441)
_LAGS = sorted(
    {back * (size << octave) for size in _BUFFERS for octave in range(6) for back in (1, 2, 3, 4)}
)
"""What buffers that come again are apart: sizes that sound cards have, up to four of them."""
_STRIDE = 16


def stood_still(dry: NDArray[Any], wet: NDArray[Any], run: int) -> bool:
    """Whether ``wet``, shape (frames,), holds its value for ``run`` samples, or repeats as many.

    Not where ``dry`` is silent or repeats itself too, and not where the device is digital: one that
    holds its value by itself does so again and again.
    """
    x = quantise24(wet)
    peak = float(np.abs(x).max(initial=0.0))
    if run < 2 or len(x) < 2 * run or peak == 0:
        return False
    edges = np.flatnonzero(np.diff(x)) + 1
    begin, end = np.concatenate([[0], edges]), np.concatenate([edges, [len(x)]])
    length = end - begin
    natural = length[(length >= _NATURAL) & (length < run)]
    if natural.sum() > _DIGITAL * len(x):
        return False
    silent = _STEP * float(np.abs(dry).max(initial=0.0))
    return _holds(dry, x, begin, end, run, peak, silent) or _repeats(dry, x, run, peak, silent)


def _holds(
    dry: NDArray[Any],
    x: NDArray[np.float32],
    begin: NDArray[np.int64],
    end: NDArray[np.int64],
    run: int,
    peak: float,
    silent: float,
) -> bool:
    long = (end - begin >= run) & (np.abs(x[begin]) < FULL_SCALE)
    for a, b in zip(begin[long].tolist(), end[long].tolist(), strict=True):
        into = abs(float(x[a]) - float(x[a - 1])) if a else 0.0
        out = abs(float(x[b]) - float(x[b - 1])) if b < len(x) else 0.0
        if max(into, out) > _STEP * peak and np.median(np.abs(dry[a:b])) > silent:
            return True
    return False


def _repeats(
    dry: NDArray[Any], x: NDArray[np.float32], run: int, peak: float, silent: float
) -> bool:
    """A stretch as long holds two of the samples that are looked at, whatever it begins with."""
    stride = min(_STRIDE, run // 2)
    at = np.arange(0, len(x), stride)
    probe = np.ascontiguousarray(x[at])
    loud = np.abs(probe) > _STEP * peak
    for lag in _LAGS:
        if lag + run > len(x):
            break
        first = -(-lag // stride)
        before = x[first * stride - lag :: stride][: len(probe) - first]
        same = (probe[first:] == before) & loud[first:]
        seen = 0
        for hit in at[first:][:-1][same[:-1] & same[1:]].tolist():
            if hit < seen:
                continue
            a, b = _whole(x, hit, lag)
            seen = b
            # A buffer that comes again is no longer than its distance; a tone's period is.
            if run <= b - a <= lag and np.ptp(x[a:b]) > _STEP * peak:
                again = np.array_equal(dry[a:b], dry[a - lag : b - lag])
                if (
                    not again
                    and np.median(np.abs(dry[a:b])) > silent
                    and _differs_around(x, a, b, lag, peak)
                ):
                    return True
    return False


def _differs_around(x: NDArray[np.float32], a: int, b: int, lag: int, peak: float) -> bool:
    """Whether what surrounds the stretch is another thing than before, not just another noise."""
    for piece in (slice(max(lag, a - _STRIDE), a), slice(b, b + _STRIDE)):
        now, before = x[piece], x[piece.start - lag : piece.stop - lag][: len(x[piece])]
        if not len(now) or np.abs(now - before).max() < _STEP * peak:
            return False
    return True


def _whole(x: NDArray[np.float32], hit: int, lag: int) -> tuple[int, int]:
    """Where the stretch around ``hit`` that is what was ``lag`` samples before begins and ends.

    It is followed no farther than tells that it is too long.
    """
    low, high = max(lag, hit - lag - 1), min(len(x), hit + lag + 1)
    differs_before = np.flatnonzero(x[low : hit + 1] != x[low - lag : hit + 1 - lag])
    differs_after = np.flatnonzero(x[hit:high] != x[hit - lag : high - lag])
    begin = low + int(differs_before[-1]) + 1 if len(differs_before) else low
    return begin, hit + int(differs_after[0]) if len(differs_after) else high
