"""The small convolutional net of the classic open projects: 1 → 32 → 32 → 32 → 1, tanh.

Kernels of 3 with dilations 1, 2 and 4, in windows of 256 samples: a reference point.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from training.models.stack import Convolution, StackConfig


class ConvNetConfig(StackConfig):
    """Sizes of the net; ``oversampling``: how many times the sample rate it runs at."""

    channels: int = Field(32, ge=1, le=64)
    kernel_size: int = Field(3, ge=1, le=64)
    dilations: tuple[int, ...] = (1, 2, 4)
    oversampling: Literal[1, 2, 4, 8] = 1

    @model_validator(mode="after")
    def _layers(self) -> ConvNetConfig:
        if not 1 <= len(self.dilations) <= 32 or not all(1 <= d <= 4096 for d in self.dilations):
            raise ValueError("give 1 to 32 dilations, each 1 to 4096")
        return self

    @property
    def factor(self) -> int:
        return self.oversampling

    @property
    def convolutions(self) -> list[Convolution]:
        widths = [1, *[self.channels] * len(self.dilations)]
        layers = [
            Convolution(taken, self.channels, self.kernel_size, dilation, tanh=True)
            for taken, dilation in zip(widths, self.dilations, strict=False)
        ]
        return [*layers, Convolution(self.channels, 1)]
