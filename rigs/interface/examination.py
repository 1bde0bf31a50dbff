"""A take is looked at while it still plays, so that the next one need not wait for it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rigs.audio import SAMPLE_RATE, Audio
from rigs.interface import dropouts
from rigs.interface.layout import Known, Layout, Times, time_first, time_last
from rigs.interface.stream import Exchanged

PIECE = SAMPLE_RATE
"""Frames that are looked at together, or more."""


class Examination:
    """Finds a take's latency, and the damage that can be heard in it.

    ``sent`` is what the device was given, shape (frames,), and ``pilot`` what the loop-back was;
    None: there is none.
    """

    def __init__(self, layout: Layout, sent: Audio, pilot: Audio | None, known: Known) -> None:
        self._layout, self._sent, self._known = layout, sent, known
        self._frames = 0
        self._stillness = dropouts.Stillness()
        self._loop = None if pilot is None else dropouts.Loop(pilot[layout.noise])
        self._first: tuple[float | None, float | None] | None = None
        """What the first clicks told, of the device and of the loop-back."""
        self._starts = np.empty(0, np.int64)
        self._expected = 0
        self._buffers = 0
        """How many were looked at for one that came twice."""
        self._repeated = False
        self.finite = True
        """Whether all that came back was numbers; if not, nothing else is known."""

    def hear(self, taken: Exchanged) -> None:
        """Look at what is new, if it is a second or more."""
        if len(taken.heard) - self._frames >= PIECE:
            self._look(taken)

    def end(self, taken: Exchanged) -> tuple[float, tuple[str, ...], bool, bool]:
        """What was found, now that all was heard: the latency, the flags that :meth:`Known.settle`
        has for it, whether the take is damaged, and whether a loop-back proves it whole.
        """
        if len(taken.heard) > self._frames:
            self._look(taken)
        if not self.finite:
            return 0.0, (), False, False
        assert self._first is not None
        heard, layout = taken.heard, self._layout
        device = time_last(heard[:, 0], layout, self._first[0])
        loop = None if self._loop is None else time_last(heard[:, 1], layout, self._first[1])
        latency, flags = self._known.settle(device, loop)
        silence = heard[: layout.silent_until(latency), 0]
        damaged = (
            device.moved
            or (loop is not None and self._is_broken(loop))
            or self._stillness.found(self._starts, silence)
            or self._has_repeated(heard[:, 0], round(latency))
        )
        return latency, flags, damaged, loop is not None and loop.proven

    def _look(self, taken: Exchanged) -> None:
        heard = taken.heard
        new = heard[self._frames :]
        self.finite = self.finite and bool(np.isfinite(new).all())
        if not self.finite:
            return
        self._stillness.hear(new[:, 0])
        self._frames = len(heard)
        # The last of them may not be there yet with all of its frames.
        marks = taken.marks[len(self._starts) :]
        self._starts = np.append(self._starts, [mark.frame for mark in marks])
        if self._first is None and self._frames >= self._layout.dry_at + self._layout.wait:
            loop = None if self._loop is None else time_first(heard[:, 1], self._layout)
            self._first = time_first(heard[:, 0], self._layout), loop
            self._expected = round(self._known.expected(*self._first))
        if self._first is not None:
            self._look_for_repeats(heard[:, 0])
            if self._loop is not None and self._first[1] is not None:
                self._loop.hear(heard[self._layout.noise.start + round(self._first[1]) :, 1])

    def _look_for_repeats(self, heard: NDArray[Any]) -> None:
        whole = int(np.searchsorted(self._starts, self._frames, "right")) - 1
        if self._frames == self._layout.frames:
            whole, until = len(self._starts), self._frames
        elif whole > 0:
            until = int(self._starts[whole])
        if whole > self._buffers:
            starts = self._starts[:whole]
            self._repeated |= dropouts.repeated(
                heard[:until], starts, self._sent, self._expected, self._buffers
            )
            self._buffers = whole

    def _has_repeated(self, heard: NDArray[Any], latency: int) -> bool:
        if latency == self._expected:
            return self._repeated
        return dropouts.repeated(heard, self._starts, self._sent, latency)

    def _is_broken(self, loop: Times) -> bool:
        assert self._loop is not None
        return loop.moved or loop.first is None or loop.last is None or self._loop.differs
