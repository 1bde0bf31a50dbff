"""What a conditioning is: from the setting to the weights of the audio path's linear maps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from pydantic import Field, field_validator
from torch import Tensor, nn

from training.models.net import NetConfig

Map = tuple[int, int]
"""A linear map of the audio path: how many values it gives, how many it takes."""
ScaleShift = tuple[Tensor | None, Tensor]
"""A factor (None: 1) and a summand for each value that a map gives: (..., out)."""


class ConditionedConfig(NetConfig):
    """How knobs reach the audio path: the part of a net's configuration that all nets share."""

    conditioning: str = "film"
    hidden: int = Field(40, ge=1, le=256)
    """Width of the control network."""
    bases: int = Field(4, ge=1, le=16)
    """Of `basis`: weight bases a map."""
    rank: int = Field(2, ge=1, le=16)
    """Of `hyper`: rank of the generated weights."""

    @field_validator("conditioning")
    @classmethod
    def _known(cls, name: str) -> str:
        from training.models.conditioning import CONDITIONINGS

        if name not in CONDITIONINGS:
            raise ValueError(f"there is no {name!r}; there are {', '.join(CONDITIONINGS)}")
        return name


class Conditioning(nn.Module, ABC):
    """Weights that follow the knobs, for the maps of a net; chosen by name.

    The control network gives each map ``sizes[i]`` outputs at each control frame. From these and
    the encoded knobs, :meth:`values` makes what the other methods are given: shapes (..., n), one
    tensor a map, the leading dimensions those of the frames.
    """

    scales_input = True
    """Whether the level going in follows the knobs, too, by a factor of its own."""

    def __init__(self, maps: Sequence[Map], inputs: int, config: ConditionedConfig) -> None:
        super().__init__()
        self.maps = tuple(maps)

    @property
    @abstractmethod
    def sizes(self) -> list[int]:
        """How many outputs of the control network each map takes."""

    def values(self, outputs: Sequence[Tensor], knobs: Tensor) -> list[Tensor]:
        """``outputs``: the control network's, (..., sizes[i]) each; ``knobs``: (..., inputs)."""
        return list(outputs)

    @abstractmethod
    def weights(
        self, index: int, weight: Tensor, bias: Tensor, values: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Map ``index`` at the frames: weights (..., out, in) and biases (..., out).

        ``weight``, (out, in), and ``bias``, (out,), are what the net has learnt for all settings;
        ``values``: the map's, (..., n).
        """

    def scale_shift(self, index: int, values: Tensor) -> ScaleShift | None:
        """The same as a factor and a summand on what the map gives, if it can be said so.

        That is cheaper while knobs move: the map itself stands still.
        """
        return None


class ControlNetwork(nn.Module):
    """Encoded knobs, shape (..., inputs), to conditioning values, shape (..., outputs).

    The activation is x / (1 + |x|): smooth, bounded, and one division on a microcontroller. The
    last layer starts at a tenth of the usual scale, so that training begins near an amp without
    knobs.
    """

    def __init__(self, inputs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            [nn.Linear(inputs, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, outputs)]
        )
        with torch.no_grad():
            for parameter in self.layers[-1].parameters():
                parameter.mul_(0.1)

    def forward(self, knobs: Tensor) -> Tensor:
        values = knobs
        for layer in self.layers[:-1]:
            values = nn.functional.softsign(layer(values))
        out: Tensor = self.layers[-1](values)
        return out
