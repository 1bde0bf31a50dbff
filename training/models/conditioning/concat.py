"""Concatenation: the knobs as further inputs of every map, as PANAMA and GuitarML give them.

A knob that is an input like any other is multiplied by a weight of its own and added: at a setting
it is part of the bias. There is no control network but for the output's level.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from training.models.conditioning.base import ConditionedConfig, Conditioning, Map, ScaleShift


class Concat(Conditioning):
    """W(θ) = W and b(θ) = b + K θ."""

    scales_input = False

    def __init__(self, maps: Sequence[Map], inputs: int, config: ConditionedConfig) -> None:
        super().__init__(maps, inputs, config)
        self.knobs = nn.ModuleList(nn.Linear(inputs, out, bias=False) for out, _ in maps)

    @property
    def sizes(self) -> list[int]:
        return [0] * len(self.maps)

    def values(self, outputs: Sequence[Tensor], knobs: Tensor) -> list[Tensor]:
        return [layer(knobs) for layer in self.knobs]

    def weights(
        self, index: int, weight: Tensor, bias: Tensor, values: Tensor
    ) -> tuple[Tensor, Tensor]:
        return weight.expand(*values.shape[:-1], *weight.shape), bias + values

    def scale_shift(self, index: int, values: Tensor) -> ScaleShift:
        return None, values
