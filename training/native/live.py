"""The engine behind a sound card: its callback is C++, and no Python runs for any block."""

from __future__ import annotations

import ctypes
import functools
import weakref
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.native.build import compiled
from training.native.engine import FIRMWARE, NativeEngine, library

SOURCE = FIRMWARE / "live" / "live.cpp"


@dataclass(frozen=True)
class Meters:
    """What passed since they were read before: the largest samples, callbacks, lost audio.

    ``block``: the frames of the last callback, 0 before there was one.
    """

    input: float
    output: float
    callbacks: int
    dropouts: int
    block: int


class _Meters(ctypes.Structure):
    """amp_meters of `firmware/live/live.h`."""

    _fields_ = (
        ("input", ctypes.c_float),
        ("output", ctypes.c_float),
        ("callbacks", ctypes.c_uint32),
        ("dropouts", ctypes.c_uint32),
        ("block", ctypes.c_uint32),
    )


@functools.cache
def _live() -> ctypes.CDLL:
    # It calls the engine, which is compiled already, and finds its functions because all see them.
    ctypes.CDLL(library()._name, mode=ctypes.RTLD_GLOBAL)
    folders = ("engine", "effects", "lv2", "host")
    parts = sorted(path for folder in folders for path in (FIRMWARE / folder).glob("*.h"))
    loaded = compiled("What plays live", SOURCE, *parts)
    loaded.live_open.restype = ctypes.c_void_p
    loaded.live_open.argtypes = [ctypes.c_void_p, *[ctypes.c_uint32] * 4]
    loaded.live_close.argtypes = [ctypes.c_void_p]
    loaded.live_cabinet.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32]
    loaded.live_set.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_float]
    loaded.live_levels.argtypes = [ctypes.c_void_p, ctypes.c_float, ctypes.c_float]
    loaded.live_bypass.argtypes = [ctypes.c_void_p, ctypes.c_int]
    loaded.live_read.argtypes = [ctypes.c_void_p, ctypes.POINTER(_Meters)]
    loaded.live_delay.argtypes = [ctypes.c_void_p]
    return loaded


class LiveEngine:
    """A pedal image for PortAudio: give it :attr:`callback` and :attr:`state`.

    Frames of ``rate`` Hz have ``inputs`` channels, of which ``input`` (from 1) is played, and
    ``outputs``, which all sound the same. It must outlive the stream. Its methods may be called
    from any thread. Raises UserError if the image is bad or nothing can be compiled.
    """

    def __init__(self, image: bytes, rate: int, inputs: int, input: int, outputs: int) -> None:
        if not 1 <= input <= inputs or outputs < 1:
            raise ValueError(f"input {input} of {inputs}, {outputs} outputs")
        self._library = _live()
        self._engine = NativeEngine(image)
        state = self._library.live_open(self._engine._model, rate, inputs, input - 1, outputs)
        if not state:
            raise MemoryError("for playing live")
        self.state = int(state)
        weakref.finalize(self, self._library.live_close, state)
        found = ctypes.cast(self._library.live_callback, ctypes.c_void_p).value
        assert found is not None
        self.callback: int = found
        self.delay = int(self._library.live_delay(state))
        """Samples that resampling takes; 0 at the model's own rate."""

    def cabinet(self, taps: NDArray[np.float32]) -> None:
        """Put an impulse response at the stream's rate behind the model, before the stream starts.

        ``taps``: shape (samples,); those beyond the 2048th do not count.
        """
        own = np.ascontiguousarray(taps, np.float32)
        if not self._library.live_cabinet(self.state, own.ctypes.data, len(own)):
            raise MemoryError("for a cabinet")

    def set(self, knob: int, position: float) -> None:
        """Turn a knob, counted from 0, to a panel position; beyond its range it stops."""
        self._library.live_set(self.state, knob, position)

    def levels(self, input: float, output: float) -> None:
        """In dB; smoothed."""
        self._library.live_levels(self.state, input, output)

    def bypass(self, bypassed: bool) -> None:
        self._library.live_bypass(self.state, int(bypassed))

    def read(self) -> Meters:
        found = _Meters()
        self._library.live_read(self.state, ctypes.byref(found))
        return Meters(*(getattr(found, name) for name, _ in found._fields_))
