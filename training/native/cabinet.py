"""The pedal's loudspeaker cabinet, from Python: convolution with an impulse response."""

from __future__ import annotations

import ctypes
import functools
import weakref

import numpy as np
from numpy.typing import NDArray

from training.native.build import compiled
from training.native.engine import FIRMWARE

SOURCE = FIRMWARE / "live" / "cabinet.cpp"
MOST_TAPS = 2048
"""Those of `firmware/effects/cabinet.h`: 43 ms at 48 kHz."""


@functools.cache
def _library() -> ctypes.CDLL:
    headers = sorted(h for f in ("engine", "effects") for h in (FIRMWARE / f).glob("*.h"))
    loaded = compiled("The cabinet", SOURCE, *headers, FIRMWARE / "lv2" / "denormals.h")
    loaded.cabinet_open.restype = ctypes.c_void_p
    loaded.cabinet_open.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
    loaded.cabinet_close.argtypes = [ctypes.c_void_p]
    loaded.cabinet_process.argtypes = [*[ctypes.c_void_p] * 3, ctypes.c_size_t]
    return loaded


class Cabinet:
    """An impulse response, shape (samples,), of at most MOST_TAPS; at first it hears silence.

    Raises NotCompiled, a UserError, if it cannot be compiled.
    """

    def __init__(self, taps: NDArray[np.float32]) -> None:
        if len(taps) > MOST_TAPS:
            raise ValueError(f"{len(taps)} samples, and a cabinet has at most {MOST_TAPS}")
        self._library = _library()
        own = np.ascontiguousarray(taps, np.float32)
        self._cabinet = self._library.cabinet_open(own.ctypes.data, len(own))
        if not self._cabinet:
            raise MemoryError("for a cabinet")
        weakref.finalize(self, self._library.cabinet_close, self._cabinet)

    def process(self, audio: NDArray[np.float32]) -> NDArray[np.float32]:
        """Play on: what the speaker makes of ``audio``, shape (samples,), without delay."""
        heard = np.ascontiguousarray(audio, np.float32)
        sounds = np.empty_like(heard)
        at = heard.ctypes.data, sounds.ctypes.data
        self._library.cabinet_process(self._cabinet, *at, len(heard))
        return sounds
