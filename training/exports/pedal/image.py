"""A pedal image in memory, and the reasons why one is rejected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rigs.errors import UserError
from rigs.knobs import Knob, KnobTable
from training.exports.pedal.layout import Activation
from training.models.static import Array, StaticLayer, StaticWaveNet


class PedalError(IntEnum):
    """Why an image is rejected; the C++ reader has the same numbers."""

    MAGIC = 1
    VERSION = 2
    SIZE = 3
    CRC = 4
    SECTION = 5
    DIMENSION = 6
    NUMBER = 7
    KIND = 8
    TEXT = 9
    KNOB = 10


class PedalImageError(UserError):
    """An image that cannot be played, and the ``code`` of the reason."""

    def __init__(self, code: PedalError, where: str, what: str) -> None:
        super().__init__(f"{where} {what}; export it again (error {code.value}, {code.name}).")
        self.code = code


@dataclass(frozen=True)
class ModelFacts:
    """What an image says about its net."""

    name: str
    device: str
    knobs: KnobTable
    sample_rate: int
    input_level_dbu: float | None = None
    output_level_dbu: float | None = None


@dataclass(frozen=True)
class PedalKnob:
    """A knob as the pedal shows it; ``pot`` is 1–6, or None."""

    knob: Knob
    short_name: str
    short_detents: tuple[str, ...]
    pot: int | None


@dataclass(frozen=True, eq=False)
class DenseLayer:
    """A layer of the control network."""

    weight: Array  # (outputs, inputs)
    bias: Array  # (outputs,)
    activation: Activation


@dataclass(frozen=True, eq=False)
class PedalImage:
    """A pedal image, read and checked. ``base`` is the net before conditioning."""

    facts: ModelFacts
    knobs: tuple[PedalKnob, ...]
    control_interval: int
    control: tuple[DenseLayer, ...]
    base: StaticWaveNet

    def conditions(self, unit: NDArray[Any]) -> NDArray[np.float64]:
        """What the control network puts out for ``unit``, shape (knobs,), −1…1."""
        values = np.asarray(unit, np.float64)
        if values.shape != (len(self.knobs),):
            raise ValueError(f"{len(self.knobs)} knobs, but positions of shape {values.shape}")
        for layer in self.control:
            values = layer.weight.astype(np.float64) @ values + layer.bias
            if layer.activation is Activation.SOFTSIGN:
                values = values / (1 + np.abs(values))
        return values

    def fold(self, knobs: Mapping[str, float] | NDArray[Any]) -> StaticWaveNet:
        """The static net at a setting, or at positions −1…1 of shape (knobs,); in float64.

        Raises UserError if a setting does not fit the knobs.
        """
        if isinstance(knobs, Mapping):
            table = self.facts.knobs
            knobs = table.to_unit(table.to_array(table.check(knobs)))
        base, c = self.base, self.base.channels
        rechannel, *films, head = np.split(
            self.conditions(knobs), np.arange(c, c + 2 * c * len(base.layers) + 1, c)
        )
        layers = tuple(
            StaticLayer(
                dilation=layer.dilation,
                conv_weight=_single((1 + scale)[:, None, None] * layer.conv_weight),
                conv_bias=_single((1 + scale) * layer.conv_bias + shift),
                mixin_weight=_single((1 + scale) * layer.mixin_weight),
                residual_weight=layer.residual_weight,
                residual_bias=layer.residual_bias,
            )
            for layer, scale, shift in zip(base.layers, films[::2], films[1::2], strict=True)
        )
        return StaticWaveNet(
            rechannel_weight=_single(np.exp(rechannel) * base.rechannel_weight),
            layers=layers,
            negative_slope=base.negative_slope,
            head_weight=_single(np.exp(head) * base.head_weight),
            head_bias=base.head_bias,
            sample_rate=base.sample_rate,
        )


def _single(values: NDArray[np.float64]) -> Array:
    return values.astype(np.float32)
