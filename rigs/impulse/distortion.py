"""What a path adds at multiples of a frequency, as the sweep tells it apart."""

from __future__ import annotations

import math

import numpy as np

from rigs.audio import SAMPLE_RATE
from rigs.impulse.shaping import Samples, smoothed_power
from rigs.impulse.sweep import HIGH, Sweep

ORDERS = (2, 3, 4, 5)
_LOWEST = 40.0
_EDGE = SAMPLE_RATE // 200  # faded at either end of a response


def distortion(whole: Samples, sweep: Sweep, length: int, noise: Samples) -> float:
    """RMS of the harmonics over that of the fundamental, over the whole sweep.

    ``whole`` is the deconvolved recording, circular, with the onset of the linear response, of
    ``length`` samples, at 0. ``noise``, shape (length,), is how noise looks there; its power is
    taken off. A sweep that spends as long in each octave of its frequency does so in each octave
    of a harmonic, too: the spectrum of a harmonic's response, read at the harmonic's frequency, is
    its amplitude over the sweep's.
    """
    fundamental = _power(_cut(whole, 0, length), 1)
    added = 0.0
    for order in ORDERS:
        # What comes next is the response of the harmonic below: this one's must end before it.
        room = int(sweep.lead(order) - sweep.lead(order - 1)) - 2 * _EDGE
        frames = min(length, room)
        heard = _cut(whole, -round(sweep.lead(order)), frames)
        alone = _cut(np.pad(noise, _EDGE), _EDGE, frames)
        added += max(0.0, _power(heard, order) - _power(alone, order))
    return math.sqrt(added / fundamental) if fundamental > 0 else 0.0


def _cut(circular: Samples, start: int, frames: int) -> Samples:
    """``frames`` from ``start`` on, faded in before and out after them."""
    fade = np.sin(np.pi / 2 * (np.arange(_EDGE) + 0.5) / _EDGE) ** 2
    window = np.concatenate([fade, np.ones(frames), fade[::-1]])
    indices = np.arange(start - _EDGE, start + frames + _EDGE)
    return np.asarray(circular[indices % len(circular)] * window)


def _power(response: Samples, order: int) -> float:
    """The sum, over twelfths of octaves of the fundamental, of the power at its multiple."""
    octaves = np.arange(math.log2(_LOWEST), math.log2(HIGH / order), 1 / 12)
    return float(np.sum(smoothed_power(response, order * 2**octaves, 1 / 12)))
