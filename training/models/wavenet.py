"""The conditioned WaveNet: NAM's structure, with weights that follow the knobs.

    for each layer array:
        x = r(θ) P x                                  entry: 1 → C of the first, C → C′ of others
        for each layer:
            z = W(θ) [x; u] + b(θ)                    dilated convolution and input mix-in
            a = f(z)                                  leaky ReLU or tanh
            head += a
            x = x + V a + c                           residual
        head = H head                                 to the next array's width, 1x1
    y = h(θ) conv(head) + d                           the last head

u is the input, and x of the first entry; θ the setting. W(θ) and b(θ) are the conditioning's
(`training/models/conditioning/`): FiLM's, for one, are s(θ) W and s(θ) b + t(θ). Everything that
depends on the setting is a weight, so at any θ the net is an ordinary static WaveNet (van den Oord
et al., WaveNet, 2016; Atkinson, Neural Amp Modeler).

The control network's outputs are, in this order: for each array, the logarithms of r (C of them,
if the conditioning scales the input), then what each of its layers takes; at the end ln h.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import conv1d, leaky_relu

from training.models.conditioning import ControlNetwork, conditioning_of
from training.models.control import Schedule, check_frames
from training.models.net import Net
from training.models.static import StaticArray, StaticLayer, StaticWaveNet
from training.models.wavenet_config import LayerArray, WaveNetConfig
from training.native import wavenet as native


class _Layer(nn.Module):
    """One dilated layer of C channels."""

    def __init__(self, channels: int, kernel_size: int, dilation: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels, channels, kernel_size, dilation=dilation)
        self.mixin = nn.Conv1d(1, channels, 1, bias=False)
        self.residual = nn.Conv1d(channels, channels, 1)

    @property
    def bias(self) -> Tensor:
        return cast(Tensor, self.conv.bias)

    @property
    def weight(self) -> Tensor:
        """Convolution and mix-in as one map: (C, C K + 1)."""
        return torch.cat([self.conv.weight.flatten(1), self.mixin.weight[:, :, 0]], 1)

    def taps(self, x: Tensor, u: Tensor) -> Tensor:
        """What that map is given: (batch, C K + 1, samples)."""
        (kernel,), (dilation,) = self.conv.kernel_size, self.conv.dilation
        n = x.shape[-1] - (kernel - 1) * dilation
        taps = [x[..., k * dilation : k * dilation + n] for k in range(kernel)]
        return torch.cat([torch.stack(taps, 2).flatten(1, 2), u[..., -n:]], 1)


class _Join(nn.Module):
    """From one array to the next: of what its layers summed, and of what went through them."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.head = nn.Conv1d(before, after, 1, bias=False)
        self.rechannel = nn.Conv1d(before, after, 1, bias=False)


@dataclass(frozen=True)
class _Conditions:
    """What follows the knobs: tensors of shape (..., frames, n)."""

    entries: list[Tensor | None]
    """Factors of each array's entry; None: 1."""
    layers: list[Tensor]
    """What the conditioning makes each layer's weights of."""
    level: Tensor
    """The factor of the output."""


class ConditionedWaveNet(Net):
    """A WaveNet whose weights follow the knobs."""

    config: WaveNetConfig

    def __init__(self, config: WaveNetConfig, inputs: int) -> None:
        super().__init__(config, inputs)
        self.rechannel = nn.Conv1d(1, config.arrays[0].channels, 1, bias=False)
        self.layers = nn.ModuleList(_Layer(*sizes) for sizes in config.layers)
        self.joins = nn.ModuleList(
            _Join(before.channels, after.channels) for before, after in pairwise(config.arrays)
        )
        self.head = nn.Conv1d(config.arrays[-1].channels, 1, config.head_kernel)
        # The output's offset is the only number that the head's scale does not reach. It stays 0:
        # one step of training would move it by more than the whole sound of a knob turned down.
        # What offset a device has comes from the shifts t(θ), and follows its level.
        cast(nn.Parameter, self.head.bias).requires_grad_(False).zero_()
        maps = [(c, c * k + 1) for c, k, _ in config.layers]
        self.conditioning = conditioning_of(config, maps, inputs)
        self.control = ControlNetwork(inputs, config.hidden, sum(self._output_sizes))
        self.schedule = Schedule()

    @property
    def _output_sizes(self) -> list[int]:
        """Of the control network's outputs: entry and layers, array by array, then the level."""
        sizes, of_layers = [], iter(self.conditioning.sizes)
        for array in self.config.arrays:
            sizes.append(array.channels if self.conditioning.scales_input else 0)
            sizes += [next(of_layers) for _ in array.dilations]
        return [*sizes, 1]

    def _conditions(self, knobs: Tensor) -> _Conditions:
        """``knobs``: (..., frames, inputs).

        The entries and the level follow the level knobs, whose pots reach over 60 dB: they are
        exponential, so that an error of the control network is one in decibels.
        """
        *outputs, level = self.control(knobs).split(self._output_sizes, dim=-1)
        entries: list[Tensor | None] = []
        layers: list[Tensor] = []
        for array in self.config.arrays:
            entry, *own = outputs[: 1 + len(array.dilations)]
            outputs = outputs[1 + len(array.dilations) :]
            entries.append(torch.exp(entry) if self.conditioning.scales_input else None)
            layers += own
        return _Conditions(entries, self.conditioning.values(layers, knobs), torch.exp(level))

    def _arrays(self) -> Iterator[tuple[LayerArray, nn.Conv1d, list[tuple[int, _Layer]]]]:
        """Each array: its sizes, its entry, its layers with their numbers in the net."""
        layers = enumerate(cast(_Layer, layer) for layer in self.layers)
        entries = [self.rechannel, *(cast(_Join, join).rechannel for join in self.joins)]
        for array, entry in zip(self.config.arrays, entries, strict=True):
            yield array, entry, [next(layers) for _ in array.dilations]

    def forward(self, dry: Tensor, knobs: Tensor) -> Tensor:
        check_frames(dry.shape[1], knobs.shape[1])
        conditions = self._conditions(knobs)
        if self._native_serves(dry):
            return self._forward_native(dry, conditions)
        u = x = dry[:, None]
        total: Tensor | None = None
        for number, (array, rechannel, layers) in enumerate(self._arrays()):
            x = self.schedule.scale_shift(rechannel(x), conditions.entries[number])
            if total is not None:
                total = cast(_Join, self.joins[number - 1]).head(total)
            for index, layer in layers:
                z = self._convolve(index, layer, x, u, conditions.layers[index])
                n = z.shape[-1]
                a = _activate(array, z)
                total = a if total is None else total[..., -n:] + a
                x = x[..., -n:] + layer.residual(a)
        assert total is not None
        mixed = conv1d(total, self.head.weight)
        bias = cast(Tensor, self.head.bias)
        return (self.schedule.scale_shift(mixed, conditions.level) + bias)[:, 0]

    def _convolve(self, index: int, layer: _Layer, x: Tensor, u: Tensor, values: Tensor) -> Tensor:
        """Dilated convolution and mix-in of one layer, as the knobs have it."""
        factors = self.conditioning.scale_shift(index, values)
        if factors is None:
            weights = self.conditioning.weights(index, layer.weight, layer.bias, values)
            return self.schedule.map(layer.taps(x, u), *weights)
        z = layer.conv(x)
        z = z + layer.mixin(u[..., -z.shape[-1] :])
        return self.schedule.scale_shift(z, *factors)

    def _native_serves(self, dry: Tensor) -> bool:
        on_cpu = dry.dtype == torch.float32 and dry.device.type == "cpu"
        return on_cpu and native.library() is not None

    def _forward_native(self, dry: Tensor, conditions: _Conditions) -> Tensor:
        """The same in C++; what goes in which order, :func:`training.native.wavenet.wavenet` says.

        If the conditioning is a factor and a summand on what each map gives, the maps stand still;
        else they come with the control frames.
        """
        weights: list[Tensor] = []
        generated: list[Tensor] = []
        factors: list[Tensor] = []
        heads = [*(cast(_Join, join).head.weight for join in self.joins), self.head.weight]
        for number, (array, rechannel, layers) in enumerate(self._arrays()):
            ones = torch.ones_like(conditions.level).expand(-1, -1, array.channels)
            entry = conditions.entries[number]
            factors.append(ones if entry is None else entry)
            weights.append(rechannel.weight)
            for index, layer in layers:
                values = conditions.layers[index]
                scale_shift = self.conditioning.scale_shift(index, values)
                if scale_shift is None:
                    maps = self.conditioning.weights(index, layer.weight, layer.bias, values)
                    generated += [maps[0].flatten(-2), maps[1]]
                else:
                    scale, shift = scale_shift
                    factors += [ones if scale is None else scale, shift]
                    weights += [layer.weight, layer.bias]
                weights += layer.residual.parameters()
            weights.append(heads[number])
        weights.append(cast(Tensor, self.head.bias))
        return native.wavenet(
            dry,
            torch.cat([weight.flatten() for weight in weights]),
            torch.cat(generated, -1) if generated else None,
            torch.cat([*factors, conditions.level], -1),
            head_kernel=self.config.head_kernel,
            arrays=[
                native.Array(
                    array.channels,
                    array.layers,
                    None if array.activation == "tanh" else array.negative_slope,
                )
                for array in self.config.arrays
            ],
        )

    @torch.no_grad()
    def fold(self, knobs: Tensor | NDArray[np.floating], sample_rate: int) -> StaticWaveNet:
        double = copy.deepcopy(self).cpu().double()
        conditions = double._conditions(torch.as_tensor(knobs).cpu().double())
        heads = [cast(_Join, join).head.weight for join in double.joins]
        heads.append(conditions.level * double.head.weight)
        biases = [None] * len(double.joins) + [_array(cast(Tensor, double.head.bias))]
        arrays = []
        for number, (array, rechannel, layers) in enumerate(double._arrays()):
            entry, scale = rechannel.weight[:, :, 0], conditions.entries[number]
            arrays.append(
                StaticArray(
                    rechannel_weight=_array(entry if scale is None else scale[:, None] * entry),
                    layers=tuple(
                        double._fold_layer(index, layer, conditions.layers[index])
                        for index, layer in layers
                    ),
                    activation=array.activation,
                    negative_slope=array.negative_slope,
                    head_weight=_array(heads[number]),
                    head_bias=biases[number],
                )
            )
        return StaticWaveNet(tuple(arrays), sample_rate)

    def _fold_layer(self, index: int, layer: _Layer, values: Tensor) -> StaticLayer:
        weight, bias = self.conditioning.weights(index, layer.weight, layer.bias, values)
        return StaticLayer(
            dilation=layer.conv.dilation[0],
            conv_weight=_array(weight[:, :-1].reshape(layer.conv.weight.shape)),
            conv_bias=_array(bias),
            mixin_weight=_array(weight[:, -1]),
            residual_weight=_array(layer.residual.weight[:, :, 0]),
            residual_bias=_array(cast(Tensor, layer.residual.bias)),
        )


def _activate(array: LayerArray, z: Tensor) -> Tensor:
    return torch.tanh(z) if array.activation == "tanh" else leaky_relu(z, array.negative_slope)


def _array(tensor: Tensor) -> NDArray[np.float32]:
    return tensor.float().numpy()
