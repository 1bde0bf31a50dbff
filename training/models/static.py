"""What a conditioned WaveNet folds into at one setting: an ordinary static one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True)
class StaticLayer:
    """One dilated layer; C channels, kernel K."""

    dilation: int
    conv_weight: Array  # (C, C, K), tap K-1 is the newest sample
    conv_bias: Array  # (C,)
    mixin_weight: Array  # (C,)
    residual_weight: Array  # (C, C)
    residual_bias: Array  # (C,)


@dataclass(frozen=True)
class StaticWaveNet:
    """A WaveNet in NAM's structure: one layer array, mono in, mono out."""

    rechannel_weight: Array  # (C,)
    layers: tuple[StaticLayer, ...]
    negative_slope: float
    head_weight: Array  # (C, head kernel), last tap is the newest sample
    head_bias: float
    sample_rate: int

    @property
    def channels(self) -> int:
        return len(self.rechannel_weight)
