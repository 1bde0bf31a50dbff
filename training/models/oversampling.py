"""Running a net at a multiple of the sample rate, so that its distortion folds back less.

Both filters are minimum-phase: they delay least, and what little they do the net can undo, for it
is trained through them. (Minimum phase of a linear-phase design: Oppenheim and Schafer,
Discrete-Time Signal Processing, 2009, by way of scipy.signal.minimum_phase.)
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import signal
from torch import Tensor, nn
from torch.nn.functional import conv1d, pad

TAPS = 32
"""Of each filter, for every sample at the lower rate."""
EDGE = 0.9
"""Where the filters pass half, as a share of the lower rate's highest frequency."""


class Oversampling(nn.Module):
    """``factor`` samples in place of one, and back; 1: all stays as it is."""

    rising: Tensor
    falling: Tensor

    def __init__(self, factor: int) -> None:
        super().__init__()
        self.factor = factor
        taps = torch.from_numpy(low_pass(factor)).float().flip(0)[None, None]
        self.register_buffer("rising", factor * taps, persistent=False)
        self.register_buffer("falling", taps, persistent=False)

    @staticmethod
    def lag(factor: int) -> int:
        """Samples at the higher rate that both filters together look back."""
        return 0 if factor == 1 else 2 * (len(low_pass(factor)) - 1)

    @staticmethod
    def macs(factor: int) -> int:
        """Multiply–adds of both filters for one sample at the lower rate."""
        return 0 if factor == 1 else 2 * len(low_pass(factor))

    def up(self, audio: Tensor) -> Tensor:
        """(batch, channels, samples) to factor · samples, fewer by the filter's lag."""
        if self.factor == 1:
            return audio
        spread = pad(audio[..., None], (0, self.factor - 1)).flatten(2)
        return conv1d(spread, self.rising)

    def down(self, audio: Tensor) -> Tensor:
        """Every ``factor``-th sample, filtered; the last ones fall on samples of the lower rate.

        ``audio`` ends one sample before the next one of the lower rate.
        """
        if self.factor == 1:
            return audio
        ends = audio[..., : audio.shape[-1] - self.factor + 1]
        first = (ends.shape[-1] - self.falling.shape[-1]) % self.factor
        return conv1d(ends[..., first:], self.falling, stride=self.factor)


@cache
def low_pass(factor: int) -> NDArray[np.float64]:
    """Taps, newest sample first, that pass what the lower rate can hold, and 1 in all."""
    if factor == 1:
        return np.ones(1)
    design = signal.firwin(TAPS * factor - 1, EDGE / factor, window=("kaiser", 8.0))
    taps = signal.minimum_phase(design, "homomorphic", half=False)
    return np.asarray(taps / taps.sum(), np.float64)
