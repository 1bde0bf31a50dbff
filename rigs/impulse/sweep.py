"""The exponential sweep, and what undoes it.

Angelo Farina, "Simultaneous measurement of impulse response and distortion with a swept-sine
technique", AES 108th Convention, 2000. A sine whose frequency grows exponentially spends as long
in every octave. When the sweep is divided out of what came back, the linear part of the path is
left as its impulse response, and what the path added at k times each frequency as another one,
ln(k) time constants earlier: distortion stands apart, and is measured by the way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from rigs.audio import SAMPLE_RATE

LOW, HIGH = 20.0, 20_000.0
"""Hz between which the response is measured."""

_FIRST, _LAST = 10.0, 22_000.0  # what is swept: the band, and room to fade in and out
_FADED_IN, _FADING_OUT = 16.0, 21_000.0
_STOP_LOW, _STOP_HIGH = 11.0, 21_500.0  # from here on the response is taken as zero
_FLOOR = 1e-9  # of the sweep's strongest bin: nothing is divided by less


@dataclass(frozen=True)
class Sweep:
    """A sine from 10 Hz to 22 kHz in ``seconds``, peaking at ``level_dbfs``."""

    seconds: float
    level_dbfs: float = 0.0

    @property
    def frames(self) -> int:
        return round(self.seconds * SAMPLE_RATE)

    @property
    def time_constant(self) -> float:
        """Seconds in which the frequency grows by e."""
        return self.seconds / math.log(_LAST / _FIRST)

    def lead(self, order: int) -> float:
        """How many samples before the linear response that of a harmonic's ``order`` begins."""
        return self.time_constant * math.log(order) * SAMPLE_RATE

    @cached_property
    def signal(self) -> NDArray[np.float64]:
        """Shape (frames,), ±1.0 = 0 dBFS, faded at both ends."""
        t = np.arange(self.frames) / SAMPLE_RATE
        frequency = _FIRST * np.exp(t / self.time_constant)
        phase = 2 * np.pi * self.time_constant * (frequency - _FIRST)
        fade = _rise(frequency, _FIRST, _FADED_IN) * (1 - _rise(frequency, _FADING_OUT, _LAST))
        return np.asarray(10 ** (self.level_dbfs / 20) * fade * np.sin(phase))

    def inverse(self, size: int) -> NDArray[np.complex128]:
        """What turns the sweep into a pulse at 0: a spectrum of shape (size // 2 + 1,).

        It divides by the sweep's own spectrum, so that the result is exact where the sweep is
        strong, and fades to zero, without phase, outside 20 Hz to 20 kHz, where it is not.
        """
        spectrum = fft.rfft(self.signal, size)
        power = np.abs(spectrum) ** 2
        f = fft.rfftfreq(size, 1 / SAMPLE_RATE)
        band = _rise(f, _STOP_LOW, LOW) * (1 - _rise(f, HIGH, _STOP_HIGH))
        return np.asarray(band * np.conj(spectrum) / (power + _FLOOR * power.max()))

    def deconvolve(self, heard: NDArray[Any], size: int) -> NDArray[np.float64]:
        """``heard``, shape (frames,), with the sweep undone: shape (size,), circular in time.

        Sample 0 is the moment the sweep began; the linear response stands there and after, those
        of harmonics before it, at the end. ``size`` must hold the sweep and all of its echo.
        """
        return np.asarray(fft.irfft(fft.rfft(heard, size) * self.inverse(size), size))


def _rise(f: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    """From 0 at ``low`` to 1 at ``high``, a raised cosine over log frequency."""
    place = np.log(np.maximum(f, 1e-9) / low) / math.log(high / low)
    return np.asarray((1 - np.cos(np.pi * np.clip(place, 0, 1))) / 2)
