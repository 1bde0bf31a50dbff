"""Nets of one line, of which theory says what they sound like."""

from __future__ import annotations

import torch

from rigs.audio import SAMPLE_RATE
from rigs.knobs import Knob, KnobTable
from training.checkpoint import Model
from training.models.net import Net, NetConfig


class _Sizes(NetConfig):
    field: int = 1

    @property
    def receptive_field(self) -> int:
        return self.field

    @property
    def macs_per_sample(self) -> int:
        return 1


class Toy(Net):
    """To be given a ``forward``; it cannot be folded."""

    def __init__(self, field: int = 1) -> None:
        super().__init__(_Sizes(field=field), 1)
        self.weight = torch.nn.Parameter(torch.zeros(1))  # so that it has a device

    def fold(self, knobs: object, sample_rate: int) -> None:
        raise NotImplementedError


def toy_model(net: Toy, knob: str) -> Model:
    return Model("toy", "amp", KnobTable((Knob(knob),)), SAMPLE_RATE, "toy", net, {})
