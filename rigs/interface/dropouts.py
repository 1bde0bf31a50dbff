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
LEARN = SAMPLE_RATE
"""Samples of noise from which a loop's response is found, to -31 dB of itself."""
_BEFORE, _AFTER = 8, 24
"""Taps of that response."""


class Stillness:
    """Where a recording, given piece by piece, holds its value."""

    def __init__(self) -> None:
        self._frames = 0
        self._begin = 0
        self._held = self._before = np.nan
        """The value that is held since ``_begin``, and the one before it."""
        self._runs: list[NDArray[np.float64]] = []

    def hear(self, piece: NDArray[Any]) -> None:
        """Take in what follows, shape (frames,)."""
        if not len(piece):
            return
        # What is less than the last bit of a converter is no noise.
        x = quantise24(piece)
        if not self._frames:
            self._held = float(x[0])
        edges = np.flatnonzero(np.diff(x, prepend=np.float32(self._held)))
        begin = np.concatenate([[self._begin], edges + self._frames])
        held = np.concatenate([[self._held], x[edges]])
        before = np.concatenate([[self._before], held[:-1]])
        self._keep(begin[:-1], begin[1:], held[:-1], before[:-1], held[1:])
        self._begin, self._held, self._before = int(begin[-1]), float(held[-1]), float(before[-1])
        self._frames += len(x)

    def _keep(self, *columns: NDArray[np.float64]) -> None:
        rows = np.stack(columns, axis=1)
        long = (rows[:, 1] - rows[:, 0] >= STILL // 2) & (np.abs(rows[:, 2]) < FULL_SCALE)
        self._runs.append(rows[long])

    def found(self, starts: NDArray[np.int64], silence: NDArray[Any]) -> bool:
        """Whether it did so where a device would not, now that all of it was heard.

        ``silence`` is what came back while nothing was sent. Where it is noise, no stillness is
        natural; where it is digital, that is which fills buffers exactly (``starts`` are the
        frames at which callbacks began) and begins and ends with a step. Full scale is not
        stillness.
        """
        last = (self._begin, self._frames, self._held, self._before, np.nan)
        self._keep(*(np.array([value], np.float64) for value in last))
        begin, end, held, before, after = np.concatenate(self._runs).T
        if len(silence) and not _longest_run(quantise24(silence)) >= STILL // 2:
            return bool((end - begin >= STILL).any())
        steps = np.minimum(np.abs(before - held), np.abs(after - held))  # nan at either end
        whole = np.isin(begin, starts) & np.isin(end, starts)
        return bool((whole & (steps > 1e-4)).any())


def stood_still(heard: NDArray[Any], starts: NDArray[np.int64], silence: NDArray[Any]) -> bool:
    """Whether ``heard``, shape (frames,), holds its value: see :class:`Stillness`."""
    stillness = Stillness()
    stillness.hear(heard)
    return stillness.found(starts, silence)


def _longest_run(x: NDArray[Any]) -> int:
    edges = np.flatnonzero(np.diff(x)) + 1
    return int(np.diff(edges, prepend=0, append=len(x)).max())


def repeated(
    heard: NDArray[Any],
    starts: NDArray[np.int64],
    sent: NDArray[Any],
    latency: int,
    first: int = 0,
) -> bool:
    """Whether a buffer of ``heard`` is one of the four before it again, which ``sent`` is not.

    Both have shape (frames,); ``starts`` are the frames at which callbacks began. Buffers before
    the ``first`` were looked at already.
    """
    sizes = np.diff(starts, append=len(heard))
    for back in range(1, RING + 1):
        new = slice(max(first, back), None)
        old = slice(max(first, back) - back, max(len(starts) - back, 0))
        now, before, size = starts[new], starts[old], sizes[new]
        alike = (size == sizes[old]) & (size >= STILL // 2)
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


class Loop:
    """Holds what a loop-back returns, piece by piece, against the noise it was ``sent``.

    The loop's own response, converters and all, is found by least squares and allowed for: what
    it leaves of 32 samples anywhere may be a quarter of their energy.
    """

    def __init__(self, sent: NDArray[Any]) -> None:
        self._sent = sent
        self._done = 0
        self._response: NDArray[np.float64] | None = None
        self._power = 0.0
        self.differs = False
        """Whether it returned something else than it was sent."""

    def hear(self, heard: NDArray[Any]) -> None:
        """Look at what is new in ``heard``, shape (frames,): all that came back so far, aligned."""
        learn = min(LEARN, len(self._sent))
        if len(heard) < learn + _AFTER:
            return
        if self._response is None:
            self._response = self._learn(np.asarray(heard[: learn + _AFTER], np.float64), learn)
        windows = (min(len(heard), len(self._sent)) - self._done) // WINDOW
        if windows:
            piece = heard[self._done : self._done + windows * WINDOW]
            self._compare(np.asarray(piece, np.float64), self._response)

    def _learn(self, heard: NDArray[np.float64], frames: int) -> NDArray[np.float64]:
        # The noise is white, so its correlation with what came back is the response.
        sent = np.asarray(self._sent[:frames], np.float64)
        around = np.pad(heard, (_BEFORE, 0))
        energy = float(np.sum(np.square(sent)))
        response = signal.correlate(around, sent, "valid", method="fft") / energy
        self._power = float(np.sum(np.square(response))) * energy / frames
        return np.asarray(response, np.float64)

    def _compare(self, heard: NDArray[np.float64], response: NDArray[np.float64]) -> None:
        first, last = self._done, self._done + len(heard)
        sent = np.asarray(self._sent[max(0, first - _AFTER) : last + _BEFORE], np.float64)
        missing = max(0, last + _BEFORE - len(self._sent))
        sent = np.pad(sent, (max(0, _AFTER - first), missing))
        left = np.square(heard - np.convolve(sent, response, "valid"))
        most = float(left.reshape(-1, WINDOW).sum(axis=1).max())
        # Nothing at all is what a cable that was pulled returns.
        self.differs |= not most < 0.25 * WINDOW * self._power
        self._done = last


def differs(heard: NDArray[Any], sent: NDArray[Any], latency: int) -> bool:
    """Whether what a loop-back returned is not the noise it was ``sent``: see :class:`Loop`."""
    loop = Loop(sent)
    piece = heard[latency : latency + len(sent) + _AFTER]
    loop.hear(np.pad(piece, (0, len(sent) + _AFTER - len(piece))))
    return loop.differs


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
    error = np.pad(np.subtract(one, other), (0, -len(one) % size)).reshape(-1, size)
    worst = float(np.einsum("ij,ij->i", error, error).max()) / size
    level = max(float(np.mean(np.square(one))), 1e-6)
    return worst < 1e-3 * level
