"""The engine of `firmware/engine/` from Python: what the pedal, LV2 and the web page play.

It is compiled on first use by the system's compiler, from the sources that are installed with
this package.
"""

from __future__ import annotations

import ctypes
import functools
import weakref
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rigs.audio import SAMPLE_RATE
from rigs.rig import Progress
from training.exports.pedal import PedalError, PedalImageError
from training.native.build import compiled

FIRMWARE = Path(__file__).parents[2] / "firmware"
SOURCE = FIRMWARE / "host" / "all.cpp"
STRETCH = 1000
"""Control intervals played between two looks at the clock: about a second."""


@functools.cache
def library() -> ctypes.CDLL:
    """The compiled engine; raises NotCompiled, a UserError, if it cannot be compiled."""
    parts = sorted(
        path for folder in ("engine", "host") for path in (FIRMWARE / folder).glob("*.[ch]*")
    )
    loaded = compiled("The native engine", SOURCE, *parts)
    loaded.amp_open.restype = ctypes.c_void_p
    loaded.amp_status_text.restype = ctypes.c_char_p
    loaded.amp_get.restype = ctypes.c_float
    return loaded


class NativeEngine:
    """A pedal image that plays. Raises PedalImageError if it is not one."""

    def __init__(self, image: bytes, where: str = "The pedal image") -> None:
        self._library = library()
        status = ctypes.c_int()
        opened = self._library.amp_open(image, ctypes.c_size_t(len(image)), ctypes.byref(status))
        if not opened:
            if status.value not in list(PedalError):
                raise MemoryError(self._library.amp_status_text(status.value).decode())
            code = PedalError(status.value)
            raise PedalImageError(code, where, "cannot be played by the native engine")
        self._model = ctypes.c_void_p(opened)
        weakref.finalize(self, self._library.amp_close, self._model)
        self.knobs = int(self._library.amp_knob_count(self._model))
        self.interval = int(self._library.amp_interval(self._model))

    def set(self, knob: int, position: float) -> None:
        """Turn a knob, counted from 0, to a panel position; beyond its range it stops."""
        self._library.amp_set(self._model, knob, ctypes.c_float(position))

    def get(self, knob: int) -> float:
        """Where a knob was set."""
        return float(self._library.amp_get(self._model, knob))

    def restart(self) -> None:
        """Begin again: knobs stand where they were set, and silence has lasted for ever."""
        self._library.amp_restart(self._model)

    def process(self, dry: NDArray[np.float32]) -> NDArray[np.float32]:
        """Play on: the wet of ``dry``, shape (samples,)."""
        dry = np.ascontiguousarray(dry, np.float32)
        wet = np.empty_like(dry)
        self._library.amp_process(self._model, _at(dry), _at(wet), len(dry))
        return wet

    def render(
        self,
        dry: NDArray[np.float32],
        positions: NDArray[np.floating],
        progress: Progress = lambda _: None,
    ) -> NDArray[np.float32]:
        """The wet of ``dry``, shape (samples,), from the state that endless silence leaves.

        ``positions``: those of the panel, (knobs,) if they are still, else (frames, knobs), one row
        for every control frame and one at or after the last sample.
        """
        rows = np.ascontiguousarray(np.atleast_2d(positions), np.float32)
        dry = np.ascontiguousarray(dry, np.float32)
        needed = -(-len(dry) // self.interval) + 1
        if rows.shape[1] != self.knobs or 1 < len(rows) < needed:
            raise ValueError(f"positions of shape {rows.shape}, not ({needed}, {self.knobs})")
        for knob, position in enumerate(rows[0]):
            self.set(knob, position)
        self.restart()
        wet = np.empty_like(dry)
        for start in range(0, len(dry), STRETCH * self.interval):
            stretch = slice(start, start + STRETCH * self.interval)
            first = start // self.interval + 1
            given, taken = dry[stretch], rows[first : first + STRETCH]
            sizes = (ctypes.c_size_t(len(given)), _at(taken), ctypes.c_size_t(len(taken)))
            self._library.amp_render(self._model, _at(given), _at(wet[stretch]), *sizes)
            progress((start + len(given)) / SAMPLE_RATE)
        return wet


def _at(array: NDArray[np.float32]) -> ctypes.c_void_p:
    return array.ctypes.data_as(ctypes.c_void_p)
