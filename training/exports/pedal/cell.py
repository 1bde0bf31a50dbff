"""A GRU or LSTM as a pedal image holds it, and as a setting has it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.exports.pedal.layout import Kind, cell_maps
from training.models.static import Array, StaticRecurrent

SETTLE, UNCHANGED = 96_000, 1e-7
"""As in training/models/recurrent.py: when a state is the one that endless silence leaves."""


@dataclass(frozen=True, eq=False)
class CellMapWeights:
    """One map before conditioning."""

    weight: Array  # (rows, columns)
    bias: Array  # (rows,)
    bases: Array  # (R, rows, columns)


@dataclass(frozen=True, eq=False)
class PedalCell:
    """A cell before conditioning; ``maps`` in the order of `layout.cell_maps`."""

    kind: Kind
    maps: tuple[CellMapWeights, ...]
    head_weight: Array  # (units,)
    head_bias: float
    skip: float

    @property
    def units(self) -> int:
        return len(self.head_weight)

    def fold(self, outputs: NDArray[np.float64], sample_rate: int) -> StaticRecurrent:
        """``outputs``: the control network's. Folded in float64."""
        n, rows, factors_at = self.units, cell_maps(self.kind, self.units), 0
        for shape, each in zip(rows, self.maps, strict=True):
            factors_at += len(each.bases) + 2 * shape.rows
        fed, biases, states = [], [], []
        given, factors = outputs, outputs[factors_at:]
        for shape, each in zip(rows, self.maps, strict=True):
            bases = len(each.bases)
            mix, scale, shift, given = np.split(
                given, np.cumsum([bases, shape.rows, shape.rows]).tolist()
            )
            weight = (1 + scale)[:, None] * (each.weight + np.tensordot(mix, each.bases, 1))
            biases.append((1 + scale) * each.bias + shift)
            if shape.state:
                states.append(weight[:, :n])
            if shape.input:
                fed.append(weight[:, -1] * np.exp(factors[: shape.rows]))
                factors = factors[shape.rows :]
            else:
                fed.append(np.zeros(shape.rows))
        level = np.exp(outputs[-1])
        folded = (np.concatenate(fed), np.concatenate(states), np.concatenate(biases))
        return StaticRecurrent(
            kind=self.kind.name.lower(),
            input_weight=folded[0].astype(np.float32),
            state_weight=folded[1].astype(np.float32),
            bias=folded[2].astype(np.float32),
            head_weight=(level * self.head_weight).astype(np.float32),
            head_bias=float(level * self.head_bias),
            skip=float(level * self.skip),
            silent=_silent(self.kind, folded[1], folded[2]).astype(np.float32),
            sample_rate=sample_rate,
        )


def _silent(
    kind: Kind, weight: NDArray[np.float64], bias: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The state that endless silence leaves: h, then, of an LSTM, c."""
    h = np.zeros(weight.shape[1])
    c = np.zeros_like(h)
    for sample in range(SETTLE):
        if sample % 48 == 0:
            before = np.concatenate([h, c])
        z = bias.copy()
        z[: len(weight)] += weight @ h
        first, second, third, fourth = np.split(z, 4)
        if kind is Kind.GRU:
            candidate = np.tanh(fourth + _sigmoid(first) * third)
            h = candidate + _sigmoid(second) * (h - candidate)
        else:
            c = _sigmoid(second) * c + _sigmoid(first) * np.tanh(third)
            h = _sigmoid(fourth) * np.tanh(c)
        if sample % 48 == 47 and np.abs(np.concatenate([h, c]) - before).max() <= UNCHANGED:
            break
    return h if kind is Kind.GRU else np.concatenate([h, c])


def _sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return 0.5 + 0.5 * np.tanh(0.5 * x)
