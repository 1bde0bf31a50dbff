"""A stack of convolutions, one after another, whose weights follow the knobs.

    x = u
    for each layer:  x = f(W(θ) x + b(θ))             dilated convolution
    y = h(θ) x

The plain nets that others are measured against are of this form: `convnet.py`, `linear.py`,
`wiener_hammerstein.py`. All of it may run at a multiple of the sample rate.
"""

from __future__ import annotations

import copy
from abc import abstractmethod
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from training.models.conditioning import ConditionedConfig, ControlNetwork, conditioning_of
from training.models.control import CONTROL_INTERVAL, Schedule, check_frames
from training.models.net import Net
from training.models.oversampling import Oversampling
from training.models.static import StaticConv, StaticStack


@dataclass(frozen=True)
class Convolution:
    """One layer: channels in and out, taps, samples between them, and the tanh after it."""

    taken: int
    given: int
    kernel: int = 1
    dilation: int = 1
    tanh: bool = False

    @property
    def lag(self) -> int:
        """Samples that its output looks back."""
        return (self.kernel - 1) * self.dilation


class StackConfig(ConditionedConfig):
    """Sizes of a stack."""

    @property
    @abstractmethod
    def convolutions(self) -> list[Convolution]:
        """The layers; the first takes one channel and the last gives one."""

    @property
    def factor(self) -> int:
        """How many samples the stack makes of one."""
        return 1

    @property
    def receptive_field(self) -> int:
        lag = sum(layer.lag for layer in self.convolutions) + Oversampling.lag(self.factor)
        return 1 - -lag // self.factor

    @property
    def macs_per_sample(self) -> int:
        each = sum(layer.taken * layer.given * layer.kernel for layer in self.convolutions)
        return self.factor * each + Oversampling.macs(self.factor)


class Stack(Net):
    """A stack whose weights follow the knobs."""

    config: StackConfig

    def __init__(self, config: StackConfig, inputs: int) -> None:
        super().__init__(config, inputs)
        self.sizes = config.convolutions
        self.layers = nn.ModuleList(
            nn.Conv1d(size.taken, size.given, size.kernel, dilation=size.dilation)
            for size in self.sizes
        )
        maps = [(size.given, size.taken * size.kernel) for size in self.sizes]
        self.conditioning = conditioning_of(config, maps, inputs)
        outputs = sum(self.conditioning.sizes) + 1
        self.control = ControlNetwork(inputs, config.hidden, outputs)
        self.oversampling = Oversampling(config.factor)
        self.schedule = Schedule(CONTROL_INTERVAL * config.factor)

    def _conditions(self, knobs: Tensor) -> tuple[list[Tensor], Tensor]:
        """What each layer's weights are made of, and the output's factor: an error of the control
        network's is one in decibels there, as in `wavenet.py`.
        """
        *outputs, level = self.control(knobs).split([*self.conditioning.sizes, 1], dim=-1)
        return self.conditioning.values(outputs, knobs), torch.exp(level)

    def _typed_layers(self) -> list[nn.Conv1d]:
        return [cast(nn.Conv1d, layer) for layer in self.layers]

    def forward(self, dry: Tensor, knobs: Tensor) -> Tensor:
        check_frames(dry.shape[1], knobs.shape[1])
        values, level = self._conditions(knobs)
        x = self.oversampling.up(dry[:, None])
        for index, (layer, size) in enumerate(zip(self._typed_layers(), self.sizes, strict=True)):
            last = index == len(self.sizes) - 1
            x = self._convolve(index, layer, size, x, values[index], level if last else None)
            x = torch.tanh(x) if size.tanh else x
        return self.oversampling.down(x)[:, 0, -(dry.shape[1] - self.receptive_field + 1) :]

    def _convolve(
        self,
        index: int,
        layer: nn.Conv1d,
        size: Convolution,
        x: Tensor,
        values: Tensor,
        level: Tensor | None,
    ) -> Tensor:
        factors = self.conditioning.scale_shift(index, values)
        if factors is not None:
            scale, shift = factors
            if level is not None:
                scale, shift = level if scale is None else level * scale, level * shift
            return self.schedule.scale_shift(layer(x), scale, shift)
        bias = cast(Tensor, layer.bias)
        weights, biases = self.conditioning.weights(index, layer.weight.flatten(1), bias, values)
        if level is not None:
            weights, biases = level[..., None] * weights, level * biases
        if size.dilation == 1 and size.taken == 1:
            return self.schedule.filter(x, weights, biases)
        n = x.shape[-1] - size.lag
        taps = [x[..., k * size.dilation : k * size.dilation + n] for k in range(size.kernel)]
        return self.schedule.map(torch.stack(taps, 2).flatten(1, 2), weights, biases)

    @torch.no_grad()
    def fold(self, knobs: Tensor | NDArray[np.floating], sample_rate: int) -> StaticStack:
        double = copy.deepcopy(self).cpu().double()
        values, level = double._conditions(torch.as_tensor(knobs).cpu().double())
        layers = []
        for index, (layer, size) in enumerate(zip(double._typed_layers(), self.sizes, strict=True)):
            weight, bias = double.conditioning.weights(
                index, layer.weight.flatten(1), cast(Tensor, layer.bias), values[index]
            )
            if index == len(self.sizes) - 1:
                weight, bias = level * weight, level * bias
            layers.append(
                StaticConv(
                    weight=weight.reshape(layer.weight.shape).float().numpy(),
                    bias=bias.float().numpy(),
                    dilation=size.dilation,
                    activation="tanh" if size.tanh else "identity",
                )
            )
        return StaticStack(tuple(layers), self.config.factor, sample_rate)
