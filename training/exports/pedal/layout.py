"""The byte layout of the pedal image, version 1; docs/pedal-image.md describes it."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

MAGIC = b"ASPD"
VERSION = 1
LARGEST_IMAGE = 512 * 1024
POTS = 6
SHORT_NAME = 11

LARGEST_TEXT = 255
"""Bytes of UTF-8."""
LARGEST_HISTORY = 1 << 20
"""Floats of past audio that a player must keep: 4 MiB."""
LIMITS = {
    "sections": (1, 16),
    "knobs": (1, 32),
    "detents": (0, 256),
    "control interval": (1, 4096),
    "sample rate": (8000, 384_000),
    "control layers": (1, 8),
    "control layer inputs": (1, 256),
    "control layer outputs": (1, 9281),
    "channels": (1, 64),
    "layers": (1, 64),
    "kernel": (1, 64),
    "dilation": (1, 4096),
    "head kernel": (1, 64),
    "bases": (1, 16),
    "units": (1, 64),
    "layer arrays": (2, 4),
}
"""The least and the most of everything that is counted: a reader trusts nothing beyond them."""


class Section(IntEnum):
    TEXT = 1
    MODEL = 2
    KNOBS = 3
    CONTROL = 4
    AUDIO = 5


OPTIONAL = 1 << 31
"""A reader skips a section that it does not know if its id has this bit, else rejects the image."""


class Kind(IntEnum):
    """What a network is."""

    DENSE = 0
    WAVENET = 1
    GRU = 2
    LSTM = 3
    ARRAYS = 4
    """A WaveNet of several layer arrays."""


class Format(IntEnum):
    """How weights are stored."""

    FLOAT32 = 0


class Conditioning(IntEnum):
    """What the control network's outputs do: those of training/models/conditioning that play."""

    FILM = 0
    BASIS = 1


class Activation(IntEnum):
    IDENTITY = 0
    SOFTSIGN = 1
    LEAKY_RELU = 2
    TANH = 3


HEADER = struct.Struct("<4s3I")  # magic, version, total size, CRC-32 of all that follows
COUNT = struct.Struct("<I")  # sections
ENTRY = struct.Struct("<3I")  # id, offset, size
MODEL = struct.Struct("<7I2f")  # two texts, rate, control interval, flags, levels
HAS_INPUT_LEVEL, HAS_OUTPUT_LEVEL = 1, 2
KNOB_COUNTS = struct.Struct("<2I")  # knobs, detents
KNOB = struct.Struct("<4I12s3f3I")  # two texts, short, range, default, pot, first, count
DETENT = struct.Struct("<2I12s")  # text, short
CONTROL = struct.Struct("<5I")  # kind, format, inputs, outputs, layers
DENSE = struct.Struct("<5I")  # inputs, outputs, activation, array
WAVENET = struct.Struct("<6If6I")  # kind to activation, slope, head kernel, two arrays, bases
LAYER = struct.Struct("<4I")  # kernel, dilation, array
RECURRENT = struct.Struct("<7I")  # kind, format, conditioning, units, bases, an array
ARRAYS = struct.Struct("<3I")  # kind, format, layer arrays; each then as a WaveNet of one


@dataclass(frozen=True)
class CellMap:
    """One linear map of a cell: its rows, and what it hears. The input's column is the last."""

    rows: int
    state: bool
    input: bool

    def columns(self, units: int) -> int:
        return units * self.state + self.input


def cell_maps(kind: Kind, units: int) -> tuple[CellMap, ...]:
    """The maps of a GRU or an LSTM, in the order of the image."""
    if kind is Kind.LSTM:
        return (CellMap(4 * units, True, True),)
    rows = CellMap(2 * units, True, True), CellMap(units, True, False)
    return (*rows, CellMap(units, False, True))


def history(
    channels: int, kernels: Sequence[int], dilations: Sequence[int], head_kernel: int
) -> int:
    """Values of the past that all convolutions together look back on."""
    taps = sum((k - 1) * d for k, d in zip(kernels, dilations, strict=True))
    return channels * (taps + head_kernel - 1)
