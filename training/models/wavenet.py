"""The conditioned WaveNet: NAM's structure, with scales and shifts that follow the knobs.

    x = r(θ) u                                        rechannel, 1 → C
    for each layer:
        z = s(θ) (conv(x) + m u + b) + t(θ)           dilated convolution, input mix-in, FiLM
        a = LeakyReLU(z)
        head += a
        x = x + V a + c                               residual
    y = h(θ) conv(head) + d                           head

Everything that depends on the setting θ multiplies or adds to a weight, so at any θ the net is an
ordinary static WaveNet (van den Oord et al., WaveNet, 2016; Atkinson, Neural Amp Modeler).
"""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn
from torch.nn.functional import conv1d, leaky_relu

from training import native
from training.models.conditioning import CONTROL_INTERVAL, ControlNetwork, Schedule
from training.models.static import StaticLayer, StaticWaveNet


class WaveNetConfig(BaseModel):
    """Sizes of a conditioned WaveNet."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    channels: int = Field(8, ge=2, le=32)
    kernel_sizes: tuple[int, ...] = (6, 6, 6, 6, 6)
    dilations: tuple[int, ...] = (1, 5, 25, 125, 250)
    negative_slope: float = Field(0.01, ge=0, lt=1)
    head_kernel: int = Field(1, ge=1, le=64)
    hidden: int = Field(64, ge=1, le=256)

    @model_validator(mode="after")
    def _layers(self) -> WaveNetConfig:
        if not 1 <= len(self.dilations) <= 64 or len(self.kernel_sizes) != len(self.dilations):
            raise ValueError("give one kernel size for each dilation, and 1 to 64 of each")
        if not all(1 <= k <= 64 for k in self.kernel_sizes):
            raise ValueError("a kernel size must be 1 to 64")
        if not all(1 <= d <= 4096 for d in self.dilations):
            raise ValueError("a dilation must be 1 to 4096")
        return self

    @property
    def receptive_field(self) -> int:
        """Samples of input that one sample of output hears."""
        taps = zip(self.kernel_sizes, self.dilations, strict=True)
        return self.head_kernel + sum((k - 1) * d for k, d in taps)

    @property
    def macs_per_sample(self) -> int:
        """Multiply–adds for one sample of output, folded."""
        c = self.channels
        return c + sum(c * c * k + c + c * c for k in self.kernel_sizes) + c * self.head_kernel


class _Layer(nn.Module):
    """One dilated layer of C channels."""

    def __init__(self, channels: int, kernel_size: int, dilation: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels, channels, kernel_size, dilation=dilation)
        self.mixin = nn.Conv1d(1, channels, 1, bias=False)
        self.residual = nn.Conv1d(channels, channels, 1)


class ConditionedWaveNet(nn.Module):
    """A WaveNet whose weights follow ``knobs`` knobs."""

    def __init__(self, config: WaveNetConfig, knobs: int) -> None:
        super().__init__()
        self.config = config
        self.knobs = knobs
        c = config.channels
        self.rechannel = nn.Conv1d(1, c, 1, bias=False)
        self.layers = nn.ModuleList(
            _Layer(c, k, d) for k, d in zip(config.kernel_sizes, config.dilations, strict=True)
        )
        self.head = nn.Conv1d(c, 1, config.head_kernel)
        # The output's offset is the only number that the head's scale does not reach. It stays 0:
        # one step of training would move it by more than the whole sound of a knob turned down.
        # What offset a device has comes from the shifts t(θ), and follows its level.
        cast(nn.Parameter, self.head.bias).requires_grad_(False).zero_()
        self.control = ControlNetwork(knobs, config.hidden, sum(self._split_sizes))
        self.schedule = Schedule()

    @property
    def receptive_field(self) -> int:
        return self.config.receptive_field

    @property
    def _split_sizes(self) -> list[int]:
        c = self.config.channels
        return [c, *[c, c] * len(self.config.dilations), 1]

    def _conditions(self, knobs: Tensor) -> list[Tensor]:
        """(..., knobs) to the rechannel's scale, each layer's scale and shift, the head's scale.

        The first and last follow the level knobs, whose pots reach over 60 dB: they are
        exponential, so that an error of the control network is one in decibels.
        """
        rechannel, *films, head = self.control(knobs).split(self._split_sizes, dim=-1)
        films = [value if i % 2 else 1 + value for i, value in enumerate(films)]
        return [torch.exp(rechannel), *films, torch.exp(head)]

    def _typed_layers(self) -> list[_Layer]:
        return [cast(_Layer, layer) for layer in self.layers]

    def forward(self, dry: Tensor, knobs: Tensor) -> Tensor:
        """Wet audio, shape (batch, samples - receptive_field + 1), from a stretch of dry.

        ``dry``: (batch, samples). ``knobs``: (batch, frames, knobs), −1…1: one frame if they are
        still, else frames_for(samples) with samples a multiple of the control interval, frame 0
        at sample 0.
        """
        if knobs.shape[1] > 1 and (knobs.shape[1] - 1) * CONTROL_INTERVAL != dry.shape[1]:
            raise ValueError(f"{dry.shape[1]} samples do not fit {knobs.shape[1]} control frames")
        conditions = self._conditions(knobs)
        if self._native_serves(dry):
            return self._forward_native(dry, torch.cat(conditions, -1))
        rechannel, *films, head = conditions
        u = dry[:, None]
        x = self.schedule.scale_shift(self.rechannel(u), rechannel)
        total: Tensor | None = None
        for layer, scale, shift in zip(self._typed_layers(), films[::2], films[1::2], strict=True):
            z = layer.conv(x)
            n = z.shape[-1]
            z = z + layer.mixin(u[..., -n:])
            a = leaky_relu(self.schedule.scale_shift(z, scale, shift), self.config.negative_slope)
            total = a if total is None else total[..., -n:] + a
            x = x[..., -n:] + layer.residual(a)
        assert total is not None
        mixed = conv1d(total, self.head.weight)
        bias = cast(Tensor, self.head.bias)
        return (self.schedule.scale_shift(mixed, head) + bias)[:, 0]

    def _native_serves(self, dry: Tensor) -> bool:
        whole_blocks = dry.shape[1] % CONTROL_INTERVAL == 0
        on_cpu = dry.dtype == torch.float32 and dry.device.type == "cpu"
        return whole_blocks and on_cpu and native.library(self.config.channels) is not None

    def _forward_native(self, dry: Tensor, conditions: Tensor) -> Tensor:
        config = self.config
        in_order = [self.rechannel.weight]
        for layer in self._typed_layers():
            in_order += [*layer.conv.parameters(), layer.mixin.weight, *layer.residual.parameters()]
        in_order += self.head.parameters()
        return native.wavenet(
            dry,
            conditions,
            torch.cat([parameter.flatten() for parameter in in_order]),
            channels=config.channels,
            slope=config.negative_slope,
            head_kernel=config.head_kernel,
            layers=list(zip(config.kernel_sizes, config.dilations, strict=True)),
        )

    @torch.no_grad()
    def fold(self, knobs: Tensor | NDArray[np.floating], sample_rate: int) -> StaticWaveNet:
        """The static net at one setting; ``knobs``: (knobs,), −1…1. Folded in float64."""
        double = ConditionedWaveNet(self.config, self.knobs).double()
        double.load_state_dict(self.state_dict())
        rechannel, *films, head = double._conditions(torch.as_tensor(knobs).double())

        def bias(conv: nn.Conv1d) -> Tensor:
            return cast(Tensor, conv.bias)

        layers = tuple(
            StaticLayer(
                dilation=layer.conv.dilation[0],
                conv_weight=_array(scale[:, None, None] * layer.conv.weight),
                conv_bias=_array(scale * bias(layer.conv) + shift),
                mixin_weight=_array(scale * layer.mixin.weight[:, 0, 0]),
                residual_weight=_array(layer.residual.weight[:, :, 0]),
                residual_bias=_array(bias(layer.residual)),
            )
            for layer, scale, shift in zip(
                double._typed_layers(), films[::2], films[1::2], strict=True
            )
        )
        return StaticWaveNet(
            rechannel_weight=_array(rechannel * double.rechannel.weight[:, 0, 0]),
            layers=layers,
            negative_slope=self.config.negative_slope,
            head_weight=_array(head * double.head.weight[0]),
            head_bias=float(bias(double.head)[0]),
            sample_rate=sample_rate,
        )


def _array(tensor: Tensor) -> NDArray[np.float32]:
    return tensor.float().numpy()
