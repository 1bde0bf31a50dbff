"""Damage to a recording, by what it sounds like and by the clock.

A driver's flags alone decide nothing: some flagged takes are perfect, some damaged ones are not
flagged. What is lost on the way leaves traces: an answer that comes to lie elsewhere (see layout),
a converter that stands still, a buffer that is heard twice, a loop-back that returns something
else than it was given.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from rigs.audio import FULL_SCALE, SAMPLE_RATE, quantise24
from rigs.interface.stream import Mark

STILL = 32
"""Equal samples in a row that no converter gives whose last bits are noise."""
RING = 4
"""The most buffers that drivers go round in."""
WINDOW = 32
_TAPS = range(-8, 25)


def stood_still(heard: NDArray[Any], starts: NDArray[np.int64], silence: NDArray[Any]) -> bool:
    """Whether ``heard``, shape (frames,), holds its value where a device would not.

    ``silence`` is what came back while nothing was sent. Where it is noise, no stillness is
    natural; where it is digital, that is which fills buffers exactly (``starts`` are the frames
    at which callbacks began) and begins and ends with a step. Full scale is not stillness.
    """
    # What is less than the last bit of a converter is no noise.
    heard, silence = quantise24(heard), quantise24(silence)
    begin, end = _runs(heard)
    sounding = np.abs(heard[begin]) < FULL_SCALE
    begin, end = begin[sounding], end[sounding]
    if len(silence) and not _longest_run(silence) >= STILL // 2:
        return bool(((end - begin) >= STILL).any())
    inner = (begin > 0) & (end < len(heard)) & (end - begin >= STILL // 2)
    begin, end = begin[inner], end[inner]
    held = heard[begin]
    steps = np.minimum(np.abs(heard[begin - 1] - held), np.abs(heard[end] - held))
    whole = np.isin(begin, starts) & np.isin(end, starts)
    return bool((whole & (steps > 1e-4)).any())


def _runs(x: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where stretches of equal samples begin and end."""
    edges = np.flatnonzero(np.diff(x)) + 1
    return np.concatenate([[0], edges]), np.concatenate([edges, [len(x)]])


def _longest_run(x: NDArray[Any]) -> int:
    begin, end = _runs(x)
    return int((end - begin).max())


def repeated(
    heard: NDArray[Any], starts: NDArray[np.int64], sent: NDArray[Any], latency: int
) -> bool:
    """Whether a buffer of ``heard`` is one of the four before it again, which ``sent`` is not.

    Both have shape (frames,); ``starts`` are the frames at which callbacks began.
    """
    sizes = np.diff(starts, append=len(heard))
    for back in range(1, RING + 1):
        now, before, size = starts[back:], starts[:-back], sizes[back:]
        alike = (size == sizes[:-back]) & (size >= STILL // 2)
        now, before, size = now[alike], before[alike], size[alike]
        for probe in range(STILL // 2):  # almost every pair differs in its first sample
            alike = heard[now + probe] == heard[before + probe]
            now, before, size = now[alike], before[alike], size[alike]
        for a, b, n in zip(now.tolist(), before.tolist(), size.tolist(), strict=True):
            again = np.array_equal(heard[a : a + n], heard[b : b + n])
            if again and np.ptp(heard[a : a + n]) > 0 and not _same_cause(sent, a, b, n, latency):
                return True
    return False


def _same_cause(sent: NDArray[Any], a: int, b: int, n: int, latency: int) -> bool:
    a, b = a - latency, b - latency
    return b < 0 or np.array_equal(sent[a : a + n], sent[b : b + n])


def differs(heard: NDArray[Any], sent: NDArray[Any], latency: int) -> bool:
    """Whether what a loop-back returned is not what noise it was ``sent``, both (frames,).

    The loop's own response, converters and all, is found by least squares and allowed for: what
    it leaves of 32 samples anywhere may be a quarter of their energy.
    """
    sent = np.asarray(sent, np.float64)
    shifted = np.zeros(len(sent))
    piece = np.asarray(heard[latency : latency + len(sent)], np.float64)
    shifted[: len(piece)] = piece
    # The noise is white, so its correlation with what came back is the response.
    around = np.pad(shifted, (-_TAPS[0], _TAPS[-1]))
    products = [np.dot(around[k : k + len(sent)], sent) for k in range(len(_TAPS))]
    response = np.array(products) / np.dot(sent, sent)
    model = signal.oaconvolve(sent, response)[-_TAPS[0] : -_TAPS[0] + len(sent)]
    whole = len(sent) // WINDOW * WINDOW
    left = np.square(shifted - model)[:whole].reshape(-1, WINDOW).sum(axis=1)
    return bool(left.max(initial=0.0) > 0.25 * WINDOW * np.mean(np.square(model)) + 1e-20)


def late(marks: Sequence[Mark]) -> bool:
    """Whether callbacks came to lag behind the clock for good: some were missed.

    One that is late and caught up with tells nothing, so the earliest of a quarter second before
    are held against those of a quarter second after. Where samples come far faster than the clock
    there is no converter, but a server that does not keep time, and waits.
    """
    if len(marks) < 8:
        return False
    frames = np.array([mark.frame for mark in marks])
    behind = np.array([mark.time for mark in marks]) - frames / SAMPLE_RATE
    if behind[-1] - behind[0] < -0.1 * frames[-1] / SAMPLE_RATE:
        return False
    block = float(np.median(np.diff(frames))) / SAMPLE_RATE
    around = max(4, round(0.25 / block))
    padded = np.pad(behind, around, constant_values=np.inf)
    earliest = np.lib.stride_tricks.sliding_window_view(padded, around).min(axis=1)
    before, after = earliest[: len(behind)], earliest[around : around + len(behind)]
    # At either end there are too few callbacks for one of them to have been in time.
    return bool((after - before)[4:-3].max() > 0.6 * block)


def agree(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Whether two takes, both of shape (frames,), are of one thing, neither of them damaged.

    Damage would have to fall on the same place twice. In no 5 ms may they differ by more than
    -30 dB of the whole take's level, or of -60 dBFS if it is quieter.
    """
    if one.shape != other.shape or not len(one):
        return False
    size = SAMPLE_RATE // 200
    error = np.square(np.subtract(one, other, dtype=np.float64))
    error = np.pad(error, (0, -len(error) % size)).reshape(-1, size)
    level = max(float(np.mean(np.square(one, dtype=np.float64))), 1e-6)
    return bool(error.mean(axis=1).max() < 1e-3 * level)
