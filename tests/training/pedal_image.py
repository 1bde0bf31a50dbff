"""A pedal image, and the means to damage it."""

from __future__ import annotations

import struct
import zlib

import pytest

from rigs.knobs import Knob, KnobTable
from tests.training.random_nets import SMALL, TWO_ARRAYS, mixed, random_net
from training.exports.pedal import (
    ModelFacts,
    PedalError,
    PedalImageError,
    read_pedal,
    to_pedal,
)
from training.exports.pedal.layout import Section

KNOBS = KnobTable(
    (
        Knob("Gain"),
        Knob("Présence", -5, 5, 1.5, unit="dB"),
        Knob("Kanäle", 0, 2, 1, detents=("grün", "🔥 heiß", "lead")),
        Knob("Master Volume"),
        Knob("Master Voice", 20, 20_000, 440, unit="Hz"),
        Knob("低音"),
        Knob("Bright", 0, 1, 0, detents=("off", "on")),
    )
)
INPUTS = 5 + 3 + 2
FACTS = ModelFacts("Démo", "virtual-amp", KNOBS, 48_000, 12.25, None)
NET = random_net(SMALL, INPUTS)
IMAGE = to_pedal(NET, FACTS)
MIXED = to_pedal(random_net(mixed(SMALL), INPUTS), FACTS)
"""The image of a net whose knobs mix three bases."""
SEVERAL = to_pedal(random_net(TWO_ARRAYS, INPUTS), FACTS)
"""The image of a net of two layer arrays, the first of two layers."""

HEADER_BYTES, TABLE_AT = 16, 20
U32 = struct.Struct("<I")


def sealed(data: bytes | bytearray) -> bytes:
    """With the CRC that these bytes should have."""
    return bytes(data[:12]) + U32.pack(zlib.crc32(data[HEADER_BYTES:])) + bytes(data[16:])


def put(at: int, value: int | float | bytes, data: bytes = IMAGE) -> bytes:
    """The image with one field overwritten and the CRC made good."""
    raw = (
        value
        if isinstance(value, bytes)
        else struct.pack("<f" if isinstance(value, float) else "<I", value)
    )
    return sealed(data[:at] + raw + data[at + len(raw) :])


def at(section: Section, image: bytes = IMAGE) -> int:
    """Where a section begins."""
    table = struct.iter_unpack("<3I", image[TABLE_AT : TABLE_AT + 12 * len(Section)])
    return next(offset for name, offset, _ in table if name == section)


def word(offset: int, image: bytes = IMAGE) -> int:
    return int(U32.unpack_from(image, offset)[0])


MODEL, KNOB, CONTROL, AUDIO = map(
    at, (Section.MODEL, Section.KNOBS, Section.CONTROL, Section.AUDIO)
)
FIRST_KNOB = KNOB + 8
SWITCH = FIRST_KNOB + 2 * 52
FIRST_DETENT = FIRST_KNOB + 7 * 52
FIRST_DENSE = CONTROL + 20
FIRST_LAYER = AUDIO + 52


def code_of(data: bytes) -> PedalError:
    with pytest.raises(PedalImageError) as caught:
        read_pedal(data)
    assert str(caught.value).startswith("The pedal image ")
    assert str(caught.value).endswith(
        f"(error {caught.value.code.value}, {caught.value.code.name})."
    )
    return caught.value.code
