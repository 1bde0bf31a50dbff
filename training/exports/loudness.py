"""How loud a snapshot is, in the decibels that `.nam` files say it in.

Neural Amp Modeler plays a recording of its own through a model and notes the RMS of what comes out;
players even captures out by it. That recording is a second of pink noise at −14.97 dBFS, and so is
ours: made by code, no sample of theirs. What is read differs by at most 0.25 dB, over 20 captures
of amps and pedals (`docs/exports.md`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from rigs.audio import SAMPLE_RATE, Audio, rms_dbfs

LEVEL = -14.97
"""dBFS RMS."""


@cache
def pink_noise() -> Audio:
    """A second of it, from 1 Hz up: every octave has the same power."""
    spectrum = np.fft.rfft(np.random.default_rng(1).standard_normal(SAMPLE_RATE))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    spectrum[0] = 0
    noise = np.fft.irfft(spectrum, SAMPLE_RATE)
    noise *= 10 ** ((LEVEL - rms_dbfs(noise)) / 20)
    return noise.astype(np.float32)


def loudness(play: Callable[[Audio], Audio]) -> float | None:
    """The RMS, in dBFS, of what ``play`` makes of the noise; None if it makes silence."""
    level = rms_dbfs(play(pink_noise()))
    return round(level, 4) if np.isfinite(level) else None
