"""Sizes of a WaveNet: layer arrays as Neural Amp Modeler has them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from training.models.conditioning import ConditionedConfig


class LayerArray(BaseModel):
    """Dilated layers of one width."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    channels: int = Field(8, ge=2, le=64)
    kernel_sizes: tuple[int, ...] = (3,) * 10
    dilations: tuple[int, ...] = tuple(2**i for i in range(10))
    activation: Literal["leaky_relu", "tanh"] = "leaky_relu"
    negative_slope: float = Field(0.01, ge=0, lt=1)
    """Of the leaky ReLU."""

    @model_validator(mode="after")
    def _layers(self) -> LayerArray:
        if not 1 <= len(self.dilations) <= 64 or len(self.kernel_sizes) != len(self.dilations):
            raise ValueError("give one kernel size for each dilation, and 1 to 64 of each")
        if not all(1 <= k <= 64 for k in self.kernel_sizes):
            raise ValueError("a kernel size must be 1 to 64")
        if not all(1 <= d <= 4096 for d in self.dilations):
            raise ValueError("a dilation must be 1 to 4096")
        return self

    @property
    def layers(self) -> list[tuple[int, int]]:
        """Kernel size and dilation of each layer."""
        return list(zip(self.kernel_sizes, self.dilations, strict=True))


class WaveNetConfig(ConditionedConfig):
    """Sizes of a conditioned WaveNet.

    What one array has may be given as it is: ``{channels: 8, ...}`` means ``{arrays: [{channels:
    8, ...}]}``. Each array's head gives the next one as many channels as it has, by a 1x1; the
    last one's gives the output, by ``head_kernel`` taps.
    """

    arrays: tuple[LayerArray, ...] = Field(min_length=1, max_length=8)
    head_kernel: int = Field(1, ge=1, le=64)

    @model_validator(mode="before")
    @classmethod
    def _one_array(cls, given: Any) -> Any:
        if not isinstance(given, dict) or "arrays" in given:
            return given
        array = {name: given[name] for name in LayerArray.model_fields if name in given}
        return {**{k: v for k, v in given.items() if k not in array}, "arrays": [array]}

    @property
    def layers(self) -> list[tuple[int, int, int]]:
        """Channels, kernel size and dilation of every layer of all arrays."""
        return [(array.channels, *layer) for array in self.arrays for layer in array.layers]

    @property
    def receptive_field(self) -> int:
        """Samples of input that one sample of output hears."""
        return self.head_kernel + sum((k - 1) * d for _, k, d in self.layers)

    @property
    def macs_per_sample(self) -> int:
        """Multiply–adds for one sample of output, folded."""
        widths = [1, *(array.channels for array in self.arrays)]
        entries = sum(before * after for before, after in pairwise(widths))
        # A head gives as many channels as the next array has, so it costs what that entry does.
        joins = entries - widths[1]
        layers = sum(c * c * k + c + c * c for c, k, _ in self.layers)
        return entries + layers + joins + widths[-1] * self.head_kernel
