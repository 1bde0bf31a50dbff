"""Eightfold oversampling by linear-phase FIR filters, with whole-sample delay.

Everything nonlinear runs between an :class:`Upsampler` and a :class:`Downsampler`; everything
linear runs at the base rate. The filters are Kaiser-windowed sincs applied by overlap-save FFT
convolution (Oppenheim & Schafer, Discrete-Time Signal Processing, 8.7.3). First-order
antiderivative antialiasing delays by half a sample of the high rate each time it is used; the
Downsampler is designed to be that much early, so that up, nonlinearity and down together delay by
exactly :data:`LATENCY` base samples.
"""

from __future__ import annotations

import numpy as np
from scipy.fft import fft, irfft, rfft

from rigs.virtual.filters import CONTROL_STEP, Array

FACTOR = 8
BLOCK = 40 * CONTROL_STEP
"""Base samples processed at a time: whole control frames, and small enough for the cache."""
LATENCY = 2 * CONTROL_STEP
"""Base samples from the input of an Upsampler to the output of its Downsampler."""

_TAPS = LATENCY * FACTOR + 1
_STOPBAND_DB = 110.0
_TRANSFORM = BLOCK + LATENCY
_HALF = _TRANSFORM // 2 + 1
_CENTRES = range(0, _TRANSFORM * FACTOR // 2 + 1, _TRANSFORM)
"""Bins of the high rate's spectrum at multiples of the base rate, up to its half."""


def lowpass(early: float = 0.0) -> Array:
    """Taps of the filter at the high rate, shape (_TAPS,), gain 1.

    Its stopband starts at half the base rate. ``early``, in samples of the high rate, shifts it
    ahead of its middle.
    """
    width = (_STOPBAND_DB - 8) / (2.285 * (_TAPS - 1)) / (2 * np.pi)  # Kaiser's formula
    cutoff = 0.5 / FACTOR - width / 2
    time = np.arange(_TAPS) - (_TAPS - 1) / 2 + early
    beta = 0.1102 * (_STOPBAND_DB - 8.7)
    reach = (_TAPS - 1) / 2 - early
    inside = np.clip(time / reach, -1, 1)
    window = np.i0(beta * np.sqrt(1 - inside**2)) / np.i0(beta) * (np.abs(time) <= reach)
    taps = 2 * cutoff * np.sinc(2 * cutoff * time) * window
    return np.asarray(taps / taps.sum(), dtype=np.float64)


class Upsampler:
    """Base rate to high rate: (BLOCK,) -> (BLOCK * FACTOR,), delayed by half of LATENCY."""

    def __init__(self) -> None:
        self._response = rfft(FACTOR * lowpass(), _TRANSFORM * FACTOR)
        self._segment = np.zeros(_TRANSFORM)

    def process(self, samples: Array) -> Array:
        self._segment[:LATENCY] = self._segment[BLOCK:]
        self._segment[LATENCY:] = samples
        # Zeros between samples repeat the spectrum.
        spectrum = np.resize(fft(self._segment), len(self._response))
        raised = irfft(spectrum * self._response, _TRANSFORM * FACTOR)
        return np.asarray(raised[LATENCY * FACTOR :], dtype=np.float64)


class Downsampler:
    """High rate to base rate: (BLOCK * FACTOR,) -> (BLOCK,), delayed by half of LATENCY.

    ``early`` is the delay in samples of the high rate that what came before already made.
    """

    def __init__(self, early: float) -> None:
        response = rfft(lowpass(early), _TRANSFORM * FACTOR)
        self._response = response / FACTOR
        self._segment = np.zeros(_TRANSFORM * FACTOR)

    def process(self, samples: Array) -> Array:
        self._segment[: LATENCY * FACTOR] = self._segment[BLOCK * FACTOR :]
        self._segment[LATENCY * FACTOR :] = samples
        spectrum = rfft(self._segment) * self._response
        # Keeping every eighth sample folds the spectrum, whose upper half is a mirror image.
        folded = np.zeros(_HALF, dtype=np.complex128)
        for centre in _CENTRES[:-1]:
            folded += spectrum[centre : centre + _HALF]
        for centre in _CENTRES[1:]:
            folded += np.conj(spectrum[centre - _HALF + 1 : centre + 1][::-1])
        lowered = irfft(folded, _TRANSFORM)
        return np.asarray(lowered[LATENCY:], dtype=np.float64)
