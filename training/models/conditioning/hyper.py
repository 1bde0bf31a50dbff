"""Hypernetwork: the control network generates weights, of low rank so that they are few.

Ha, Dai and Le, HyperNetworks, 2017; low rank as in Hu et al., LoRA, 2022.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from training.models.conditioning.base import ConditionedConfig, Conditioning, Map


class Hyper(Conditioning):
    """W(θ) = W + U(θ) (V₀ + V(θ))ᵀ and b(θ) = b + t(θ).

    V₀ is learnt and starts at random: with both factors near 0, neither would learn.
    """

    def __init__(self, maps: Sequence[Map], inputs: int, config: ConditionedConfig) -> None:
        super().__init__(maps, inputs, config)
        self.rank = config.rank
        self.directions = nn.ParameterList(
            (2 * torch.rand(width, config.rank) - 1) / width**0.5 for _, width in maps
        )

    @property
    def sizes(self) -> list[int]:
        return [self.rank * (out + width) + out for out, width in self.maps]

    def weights(
        self, index: int, weight: Tensor, bias: Tensor, values: Tensor
    ) -> tuple[Tensor, Tensor]:
        out, width = self.maps[index]
        ends = [self.rank * out, self.rank * (out + width)]
        left, right, shift = values.tensor_split(ends, dim=-1)
        left = torch.unflatten(left, -1, (out, self.rank))
        right = torch.unflatten(right, -1, (width, self.rank)) + self.directions[index]
        return weight + left @ right.transpose(-1, -2), bias + shift
