"""What conditioned nets fold into at one setting: ordinary static ones."""

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
class StaticArray:
    """One of NAM's layer arrays: layers of one width C, and what leads in and out of them."""

    rechannel_weight: Array  # (C, in): from the array before, or the input
    layers: tuple[StaticLayer, ...]
    activation: str  # "leaky_relu" or "tanh"
    negative_slope: float  # of the leaky ReLU
    head_weight: Array  # (out, C, taps), last tap is the newest sample
    head_bias: Array | None  # (out,)

    @property
    def channels(self) -> int:
        return len(self.rechannel_weight)


@dataclass(frozen=True)
class StaticWaveNet:
    """A WaveNet in NAM's structure, mono in, mono out: the last array's head has one output."""

    arrays: tuple[StaticArray, ...]
    sample_rate: int


@dataclass(frozen=True)
class StaticConv:
    """A dilated convolution and what is done to its output."""

    weight: Array  # (out, in, taps), last tap is the newest sample
    bias: Array  # (out,)
    dilation: int
    activation: str  # "identity" or "tanh"


@dataclass(frozen=True)
class StaticStack:
    """Convolutions, one after another, at ``oversampling`` times the sample rate."""

    layers: tuple[StaticConv, ...]
    oversampling: int
    sample_rate: int


@dataclass(frozen=True)
class StaticRecurrent:
    """A GRU or LSTM, mono in, mono out; `training/models/cell.py` has the planes' order."""

    kind: str  # "gru" or "lstm"
    input_weight: Array  # (4 H,)
    state_weight: Array  # (3 H, H) of a GRU, (4 H, H) of an LSTM
    bias: Array  # (4 H,)
    head_weight: Array  # (H,)
    head_bias: float
    skip: float  # of the input, added to the output
    silent: Array  # (H,) or, of an LSTM, (2 H,): the state that silence leaves, h, then c
    sample_rate: int

    @property
    def hidden(self) -> int:
        return len(self.head_weight)
