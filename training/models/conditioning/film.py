"""FiLM: a scale and a shift for every value that a map gives.

Perez et al., FiLM: Visual Reasoning with a General Conditioning Layer, 2018.
"""

from __future__ import annotations

from torch import Tensor

from training.models.conditioning.base import Conditioning, ScaleShift


class Film(Conditioning):
    """W(θ) = s(θ) W and b(θ) = s(θ) b + t(θ), row by row; s = 1 + the control network's output."""

    @property
    def sizes(self) -> list[int]:
        return [2 * out for out, _ in self.maps]

    def weights(
        self, index: int, weight: Tensor, bias: Tensor, values: Tensor
    ) -> tuple[Tensor, Tensor]:
        scale, shift = _scale_shift(values)
        return scale[..., None] * weight, scale * bias + shift

    def scale_shift(self, index: int, values: Tensor) -> ScaleShift:
        return _scale_shift(values)


def _scale_shift(values: Tensor) -> tuple[Tensor, Tensor]:
    scale, shift = values.chunk(2, dim=-1)
    return 1 + scale, shift
