"""What lies between a model and a recording of the pedal that plays it: a level, a delay, a corner.

No more than these three: a filter that is free to take any shape would pass for a tone pot that
stands wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft, optimize, signal

from rigs.audio import SAMPLE_RATE
from rigs.errors import UserError
from rigs.rig import Audio

Samples = NDArray[np.float64]

_NEAR = 0.01
_ROOM = 256
"""Frames of silence after the audio, into which it may be delayed."""
USUAL, LATEST, HIGHEST = 20e3, 8.0, 7.0
"""Hertz of a usual corner; samples of delay beyond which no path is looked for; and how many times
lower than usual a corner may be."""
_BAND = np.vstack(
    [
        signal.butter(1, 10.0, "highpass", fs=SAMPLE_RATE, output="sos"),
        signal.butter(8, 18e3, "lowpass", fs=SAMPLE_RATE, output="sos"),
    ]
)
_RESTING = signal.sosfilt_zi(_BAND)


@dataclass(frozen=True)
class AudioPath:
    """What converters, output filter and load do: a level, a delay in samples, and a low-pass of
    the first order with its ``corner`` in Hz (inf: none)."""

    gain: float
    delay: float
    corner: float

    @property
    def level_db(self) -> float:
        """How much louder the pedal is than the model."""
        return 20 * float(np.log10(max(self.gain, 1e-10)))

    def loss_db(self, hertz: float) -> float:
        """What the low-pass takes there."""
        return 10 * float(np.log10(1 + (hertz / self.corner) ** 2))

    @property
    def numbers(self) -> NDArray[np.float64]:
        """The same as three numbers to be fitted, all of the order of 1."""
        return np.array([self.gain, self.delay, USUAL / self.corner])

    @classmethod
    def of(cls, numbers: NDArray[np.float64]) -> AudioPath:
        """The inverse, kept to what a path may be."""
        delay = float(np.clip(numbers[1], -LATEST, LATEST))
        return cls(float(numbers[0]), delay, USUAL / float(np.clip(numbers[2], 1e-3, HIGHEST)))

    def beside(self) -> list[AudioPath]:
        """Three paths, each with one of the numbers a little greater, or less where it may not."""
        up = self.numbers + _NEAR < np.array([np.inf, LATEST, HIGHEST])
        return [AudioPath.of(self.numbers + step) for step in np.diag(np.where(up, _NEAR, -_NEAR))]

    def through(self, wet: Audio) -> Samples:
        """``wet``, shape (frames,), through the path."""
        frames = _room(len(wet))
        return np.fft.irfft(np.fft.rfft(wet, frames) * _response(self, frames))[: len(wet)]


def fit(pairs: Sequence[tuple[Audio, Samples]]) -> AudioPath:
    """The path from the first to the second of all pairs together, each of shape (frames,).

    Least squares; each pair counts by the power of its second. A pot that sets nothing but the
    level, off by as much everywhere, cannot be told from a level. Raises UserError if the first
    are all silent.
    """
    frames = _room(max((len(wet) for _, wet in pairs), default=0))
    auto, cross = np.zeros(frames // 2 + 1), np.zeros(frames // 2 + 1, complex)
    for given, wet in pairs:
        x, y, power = np.fft.rfft(given, frames), np.fft.rfft(wet, frames), np.square(wet).sum()
        if power > 0:
            auto += np.abs(x) ** 2 / power
            cross += y * x.conj() / power
    if not auto.any():
        raise UserError("The model is silent at all of these settings; name another one.")

    def best(at: NDArray[np.float64]) -> tuple[float, float]:
        """The gain for this delay and corner, and by how much it lowers the error."""
        response = _response(AudioPath.of(np.array([1.0, *at])), frames)
        power = float((auto * np.abs(response) ** 2).sum())
        like = float((cross * response.conj()).real.sum())
        return like / power, like * like / power

    def loss(at: NDArray[np.float64]) -> float:
        return -best(at)[1]

    start = np.array([0.1, 1.0])
    bounds = [(-LATEST, LATEST), (0.0, HIGHEST)]
    found = optimize.minimize(loss, start, method="Nelder-Mead", bounds=bounds, tol=1e-9)
    return AudioPath.of(np.array([best(found.x)[0], *found.x]))


def _room(frames: int) -> int:
    """An even number of frames with room for what comes late, that is quick to transform."""
    return 2 * int(fft.next_fast_len((frames + _ROOM + 1) // 2))


@lru_cache(maxsize=8)
def _response(path: AudioPath, frames: int) -> NDArray[np.complex128]:
    hertz = np.fft.rfftfreq(frames, 1 / SAMPLE_RATE)
    late = np.exp(-2j * np.pi * hertz / SAMPLE_RATE * path.delay)
    return np.asarray(path.gain * late / (1 + 1j * hertz / path.corner))


def in_band(wet: Audio) -> Samples:
    """``wet``, shape (frames,), from 10 Hz to 18 kHz: what all converters pass alike.

    As if it had begun long before with its first sample.
    """
    start = _RESTING * wet[0]
    return np.asarray(signal.sosfilt(_BAND, np.asarray(wet, np.float64), zi=start)[0])
