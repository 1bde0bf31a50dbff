"""A pedal image in memory, and the reasons why one is rejected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rigs.errors import UserError
from rigs.knobs import Knob, KnobTable
from training.exports.pedal.cell import PedalCell
from training.exports.pedal.layout import Activation
from training.models.static import Array, StaticLayer, StaticRecurrent, StaticWaveNet


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
    """A pedal image, read and checked. ``base`` is the net before conditioning.

    ``bases``: of each layer of a WaveNet, array by array, R further convolutions, (R, C, C, K), and
    mix-ins, (R, C); R is 0 if the conditioning mixes none.
    """

    facts: ModelFacts
    knobs: tuple[PedalKnob, ...]
    control_interval: int
    control: tuple[DenseLayer, ...]
    base: StaticWaveNet | PedalCell
    bases: tuple[tuple[Array, Array], ...]

    def conditions(self, inputs: NDArray[Any]) -> NDArray[np.float64]:
        """What the control network puts out for encoded knobs, shape (inputs,)."""
        values = np.asarray(inputs, np.float64)
        if values.shape != (self.facts.knobs.inputs,):
            raise ValueError(
                f"{self.facts.knobs.inputs} inputs, but values of shape {values.shape}"
            )
        for layer in self.control:
            values = layer.weight.astype(np.float64) @ values + layer.bias
            if layer.activation is Activation.SOFTSIGN:
                values = values / (1 + np.abs(values))
        return values

    def fold(self, knobs: Mapping[str, float] | NDArray[Any]) -> StaticWaveNet | StaticRecurrent:
        """The static net at a setting, or at inputs of shape (inputs,); folded in float64.

        Raises UserError if a setting does not fit the knobs.
        """
        if isinstance(knobs, Mapping):
            table = self.facts.knobs
            knobs = table.to_inputs(table.to_array(table.check(knobs)))
        outputs = self.conditions(knobs)
        if isinstance(self.base, PedalCell):
            return self.base.fold(outputs, self.facts.sample_rate)
        arrays, bases, rest = [], self.bases, outputs
        for base in self.base.arrays:
            channels, count = base.channels, len(base.layers)
            size = sum(len(more) + 2 * channels for more, _ in bases[:count])
            rechannel, of_layers, rest = np.split(rest, [channels, channels + size])
            layers = map(_fold_layer, base.layers, bases, of_layers.reshape(count, -1))
            entry = _single(np.exp(rechannel)[:, None] * base.rechannel_weight)
            arrays.append(replace(base, rechannel_weight=entry, layers=tuple(layers)))
            bases = bases[count:]
        head = _single(np.exp(rest) * arrays[-1].head_weight)
        return StaticWaveNet(
            (*arrays[:-1], replace(arrays[-1], head_weight=head)), self.base.sample_rate
        )


def _fold_layer(
    layer: StaticLayer, bases: tuple[Array, Array], outputs: NDArray[np.float64]
) -> StaticLayer:
    """``outputs``: the control network's for this layer: mixture, scale, shift."""
    count, channels = bases[1].shape
    mix, scale, shift = np.split(outputs, [count, count + channels])
    conv = layer.conv_weight + np.tensordot(mix, bases[0], 1)
    return replace(
        layer,
        conv_weight=_single((1 + scale)[:, None, None] * conv),
        conv_bias=_single((1 + scale) * layer.conv_bias + shift),
        mixin_weight=_single((1 + scale) * (layer.mixin_weight + mix @ bases[1])),
    )


def _single(values: NDArray[np.float64]) -> Array:
    return values.astype(np.float32)
