"""What is done to a measured response before it is written: cut, faded, scaled."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from rigs.audio import SAMPLE_RATE
from rigs.impulse.sweep import HIGH, LOW

Samples = NDArray[np.float64]
Normalise = Literal["none", "peak", "energy"]

BEFORE = 24
"""Samples kept before the onset: half a millisecond, in which converters' filters ring."""

_ONSET = 0.1  # of the peak: ISO 3382-1 counts from where the sound is 20 dB under its peak
_TAIL = 0.1  # of the response's length is faded out
_SMOOTHED = SAMPLE_RATE // 50  # over a period of hum
_PEAK_AT = 10 ** (-0.1 / 20)


def find_onset(response: Samples) -> int:
    """The first sample that is less than 20 dB under the peak of ``response``, shape (frames,)."""
    loud = np.abs(response)
    return int(np.argmax(loud >= _ONSET * loud.max()))


def find_end(response: Samples, noise_power: float) -> int:
    """How many samples of ``response`` stand out of noise of ``noise_power`` a sample.

    That is up to where its level, over 20 ms, first is no more than twice the noise's: what is
    heard there is as much noise as response. After Lundeby, Vigran, Bietz & Vorländer,
    "Uncertainties of measurements in room acoustics", Acustica 81, 1995, without their iteration.
    """
    level = _smooth_level(response)
    peak = int(np.argmax(level))
    sunk = level[peak:] <= 2 * noise_power
    return peak + int(np.argmax(sunk)) if sunk.any() else len(response)


def last_level(response: Samples) -> float:
    """The level of the last 20 ms of ``response``, in dB re the loudest; -inf if silent."""
    level = _smooth_level(response)
    last = float(np.mean(response[-_SMOOTHED:] ** 2))
    return 10 * math.log10(last / level.max()) if last > 0 else -math.inf


def _smooth_level(response: Samples) -> Samples:
    """The power around each sample, over 20 ms."""
    return np.asarray(ndimage.uniform_filter1d(response**2, _SMOOTHED, mode="constant"))


def windowed(response: Samples, onset: int, end: int) -> Samples:
    """``response`` with half a Hann window up to ``onset``, and one that ends at ``end``.

    It rises over the first half of the 24 samples before the onset; the tail falls over the last
    tenth of what follows it.
    """
    rise, fall = BEFORE // 2, max(1, round(_TAIL * (end - onset)))
    window = np.zeros(len(response))
    start = max(0, onset - BEFORE)
    window[start:end] = 1
    if onset >= BEFORE:
        window[start : start + rise] = _half_hann(rise)
    window[end - fall : end] = _half_hann(fall)[::-1]
    return response * window


def _half_hann(frames: int) -> Samples:
    """From just above 0 to just below 1."""
    return np.asarray(np.sin(np.pi / 2 * (np.arange(frames) + 0.5) / frames) ** 2)


def minimum_phase(response: Samples) -> Samples:
    """The response of the same magnitude and length that comes as early as can be.

    By the real cepstrum (Oppenheim & Schafer, Discrete-Time Signal Processing, "Complex
    cepstrum"). Outside the measured band the magnitude at its edge is held: the silence there is
    the measurement's, and its slope would turn the phase within the band.
    """
    size = fft.next_fast_len(16 * len(response), real=True)
    size += size % 2
    magnitude = np.abs(fft.rfft(response, size))
    f = fft.rfftfreq(size, 1 / SAMPLE_RATE)
    inside = (f >= LOW) & (f <= HIGH)
    held = np.interp(f, f[inside], magnitude[inside])
    log_magnitude = np.log(np.maximum(held, 1e-6 * magnitude.max()))
    cepstrum = fft.irfft(log_magnitude, size)
    cepstrum[1 : size // 2] *= 2
    cepstrum[size // 2 + 1 :] = 0
    return np.asarray(fft.irfft(np.exp(fft.rfft(cepstrum)), size)[: len(response)])


def scaled(response: Samples, how: Normalise) -> tuple[Samples, float]:
    """``response`` scaled, and by how many dB.

    "peak": to -0.1 dBFS; "energy": to a sum of squares of 1, so that white noise keeps its level;
    "none": as measured.
    """
    if how == "none":
        return response, 0.0
    size = np.abs(response).max() / _PEAK_AT if how == "peak" else np.linalg.norm(response)
    return response / size, -20 * float(np.log10(size))


def smoothed_power(x: NDArray[Any], frequencies: Samples, octaves: float) -> Samples:
    """The mean power spectrum of ``x``, shape (frames,), around each of ``frequencies``.

    Each is a mean over ``octaves``, of at least one bin of an FFT eight times as long as ``x``.
    """
    size = fft.next_fast_len(8 * len(x), real=True)
    power = np.abs(fft.rfft(x, size)) ** 2
    total = np.concatenate([[0.0], np.cumsum(power)])
    half = 2 ** (octaves / 2)
    low = np.floor(frequencies / half * size / SAMPLE_RATE).astype(int)
    high = np.ceil(frequencies * half * size / SAMPLE_RATE).astype(int) + 1
    high = np.minimum(high, len(power))
    return np.asarray((total[high] - total[low]) / (high - low))
