"""Alignment clicks, and the latency they measure."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from rigs.audio import SAMPLE_RATE, Audio
from rigs.errors import UserError

FRAMES = 12_000
POSITIONS = (480, 2910, 5777, 8641)
SIGNS = (1, -1, -1, 1)
LEVEL = 0.5

_BEFORE, _SPAN, _FFT = 256, 2048, 4096
_QUIET, _ATTACK = slice(0, _BEFORE - 32), slice(_BEFORE - 32, _BEFORE + 256)
_HIGHEST = 18_000
_LOUD = (0.5, 1), (0.1, 6)
"""The answer has arrived where it reaches this share of its peak; converters' filters of linear
phase, which ring before they answer, reach it up to so many samples early."""
_NO_HUM = signal.butter(4, 200, "highpass", fs=SAMPLE_RATE, output="sos")


def click_train() -> Audio:
    """A quarter of a second, shape (12000,), of four clicks at -6 dBFS with silence between.

    A click is one sample, which no distortion without memory can widen: it has only the levels
    0 and ±0.5. No two are the same time apart, so that the train fits the wet at one lag only.
    Two are negative, so that their signed mean is free of even harmonics, hum and DC.
    """
    train = np.zeros(FRAMES, np.float32)
    train[list(POSITIONS)] = LEVEL * np.array(SIGNS)
    return train


def find_latency(wet: NDArray[Any], *, start: int = 0, longest: int = 9600) -> float:
    """How many samples, and what fraction of one, the path delays a click.

    ``wet``, shape (frames,), came back while :func:`click_train` was sent from its frame
    ``start`` on. Latencies of 0 to ``longest`` samples are tried. Delay is what is left when the
    minimum-phase part of the path is taken out: a model can learn the smear of a filter, but not
    an output that comes before its input. So it is never later than the answer is loud: what looks
    like delay there is a resonance or a distortion. Raises UserError if no click can be heard.
    """
    frames = FRAMES + longest + _SPAN
    piece = np.asarray(wet[start : start + frames], np.float64)
    if not np.isfinite(piece).all():
        raise UserError("The recording holds NaN or infinity; check the rig's audio driver.")
    piece = piece if len(piece) else np.zeros(1)
    # Held at both ends, so that DC makes its step before the clicks, and none after.
    heard = np.pad(piece, (_BEFORE, frames - len(piece)), "edge")

    # Neither hum nor DC may outweigh the clicks. The filter is of minimum phase: no delay.
    heard = signal.sosfilt(_NO_HUM, heard)
    lag = _coarse_lag(heard[_BEFORE : _BEFORE + FRAMES + longest])
    echoes = np.stack(
        [
            sign * heard[lag + position : lag + position + _SPAN]
            for position, sign in zip(POSITIONS, SIGNS, strict=True)
        ]
    )
    if not _agree(echoes):
        raise UserError(
            "The alignment clicks cannot be heard in the recording; check the cables, the levels "
            "and that the device is on."
        )
    excess = _excess_delay(echoes)
    for share, before in _LOUD:
        loud = _first_above(echoes, share)
        if excess > loud + before:
            excess = loud
    return max(0.0, lag + excess)


def _coarse_lag(heard: NDArray[np.float64]) -> int:
    """The lag at which the train fits best, whatever its polarity."""
    train = signal.sosfilt(_NO_HUM, click_train().astype(np.float64))
    # Sums as long as these go to a library that waits for all processors, however busy they are.
    fit = signal.correlate(heard, train, "valid", method="fft")
    energy = np.cumsum(np.concatenate([[0.0], heard**2]))
    energy = energy[len(train) :] - energy[: -len(train)]
    # What is played after the clicks can be louder than they are, hence the normalisation.
    return int(np.argmax(np.abs(fit) / np.sqrt(energy + 1e-12)))


def _agree(echoes: NDArray[np.float64]) -> bool:
    """Whether the clicks' echoes, shape (clicks, span), resemble each other and stand out.

    The share of energy that survives their mean is 1 for equal echoes and 1/4 for noise; a steady
    tone can agree with itself, but it is there before the clicks, too.
    """
    mean = np.square(echoes.mean(axis=0))
    attack = float(np.mean(mean[_ATTACK]))
    all_attacks = float(np.mean(np.square(echoes[:, _ATTACK])))
    return attack > max(1e-14, 0.4 * all_attacks, 4 * float(np.mean(mean[_QUIET])))


def _excess_delay(echoes: NDArray[np.float64]) -> float:
    """The delay in samples, relative to the coarse lag, of the echoes' all-pass part.

    The echoes' mean is a response H of the path. Its minimum-phase part follows from log|H| by
    the real cepstrum (Oppenheim & Schafer, Discrete-Time Signal Processing, "Complex cepstrum");
    the rest of its phase, each frequency counted by its signal-to-noise ratio, is correlated with
    that of a pure delay (generalised cross-correlation: Knapp & Carter 1976).
    """
    window = signal.windows.tukey(_SPAN, 0.125)
    mean = echoes.mean(axis=0)
    response = _spectrum(mean * window)
    deviations = np.fft.rfft((echoes - mean) * window, _FFT, axis=1)
    noise = np.sum(np.abs(deviations) ** 2) / deviations.size / (len(echoes) - 1) + 1e-20
    power = np.abs(response) ** 2

    # Over a sixth of an octave: log|H| must be smooth where noise is near.
    bins = np.arange(len(power))
    total = np.concatenate([[0.0], np.cumsum(power)])
    low, high = (bins / 1.06).astype(int), np.minimum((bins * 1.06).astype(int) + 1, len(bins))
    smooth = (total[high] - total[low]) / (high - low)
    # Converters' steep filters near 24 kHz are of linear phase: they are delay, not minimum phase.
    audible = (smooth > 4 * noise) & (bins > 0) & (bins < _HIGHEST / SAMPLE_RATE * _FFT)
    if np.count_nonzero(audible) >= 64:
        log_magnitude = _extended(np.log(np.maximum(smooth - noise, 1e-30)) / 2, audible)
        weight = np.where(audible, np.maximum(1 - noise / np.maximum(power, 1e-30), 0), 0)
        excess = weight * np.exp(1j * (np.angle(response) - _minimum_phase(log_magnitude)))
    else:  # too faint to tell a filter from noise: where the echo itself peaks
        excess = response
    finer = 16
    peak = np.abs(np.fft.irfft(excess, _FFT * finer))  # a peak of either sign: polarity is free
    top = int(np.argmax(peak))
    left, middle, right = peak[[top - 1, top, (top + 1) % len(peak)]]
    vertex = top + 0.5 * (left - right) / (left - 2 * middle + right)  # of the parabola
    return float((vertex / finer + _FFT / 2) % _FFT - _FFT / 2)


def _first_above(echoes: NDArray[np.float64], share: float) -> float:
    """Where, relative to the coarse lag, the answer first reaches that ``share`` of its peak.

    inf if it is too faint to tell that from noise.
    """
    mean = np.abs(echoes.mean(axis=0))
    threshold = share * float(mean.max())
    if threshold < 5 * float(np.sqrt(np.mean(np.square(mean[_QUIET])))):
        return np.inf
    return float(np.argmax(mean >= threshold)) - _BEFORE


def _spectrum(echo: NDArray[np.float64]) -> NDArray[np.complex128]:
    """The spectrum of an echo, with time 0 where the click would be without delay."""
    return np.fft.rfft(np.roll(np.pad(echo, (0, _FFT - _SPAN)), -_BEFORE))


def _extended(
    log_magnitude: NDArray[np.float64], audible: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """``log_magnitude`` with the inaudible bins filled in.

    The treble a low-pass takes away still adds to its phase below, so the slope of the highest
    audible bins is continued to 24 kHz along log tan(ω/2): analogue roll-offs, bilinearly mapped.
    """
    bins = np.arange(len(audible))
    filled = np.interp(bins, bins[audible], log_magnitude[audible])
    top = int(bins[audible][-1])
    octaves = np.log(np.tan(np.pi / 2 * np.minimum(bins + 0.5, bins[-1]) / (bins[-1] + 0.5)))
    fitted = np.flatnonzero(audible & (bins >= 0.6 * top))
    slope = float(np.polyfit(octaves[fitted], filled[fitted], 1)[0]) if len(fitted) > 2 else 0.0
    filled[top:] = filled[top] + min(slope, 0.0) * (octaves[top:] - octaves[top])
    return filled


def _minimum_phase(log_magnitude: NDArray[np.float64]) -> NDArray[np.float64]:
    cepstrum = np.fft.irfft(log_magnitude)
    half = len(cepstrum) // 2
    cepstrum[1:half] *= 2
    cepstrum[half + 1 :] = 0
    return np.fft.rfft(cepstrum).imag
