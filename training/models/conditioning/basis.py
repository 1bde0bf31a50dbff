"""Basis: FiLM on a mixture of weights. Each map has R more weights, mixed as the knobs say.

Yang et al., CondConv: Conditionally Parameterized Convolutions for Efficient Inference, 2019.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from training.models.conditioning.base import ConditionedConfig, Conditioning, Map


class Basis(Conditioning):
    """W(θ) = s(θ) (W + Σ aᵣ(θ) Bᵣ) and b(θ) = s(θ) b + t(θ)."""

    def __init__(self, maps: Sequence[Map], inputs: int, config: ConditionedConfig) -> None:
        super().__init__(maps, inputs, config)
        self.count = config.bases
        self.bases = nn.ParameterList(
            (2 * torch.rand(config.bases, out, width) - 1) / width**0.5 for out, width in maps
        )

    @property
    def sizes(self) -> list[int]:
        return [self.count + 2 * out for out, _ in self.maps]

    def weights(
        self, index: int, weight: Tensor, bias: Tensor, values: Tensor
    ) -> tuple[Tensor, Tensor]:
        mix, scale, shift = values.tensor_split([self.count, self.count + len(bias)], dim=-1)
        mixed = weight + torch.tensordot(mix, self.bases[index], 1)
        return (1 + scale)[..., None] * mixed, (1 + scale) * bias + shift
