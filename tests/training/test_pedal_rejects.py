"""Nothing that is not a pedal image gets past its reader, and each reason has its own code."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.pedal_image import (
    AUDIO,
    CONTROL,
    FACTS,
    FIRST_DENSE,
    FIRST_DETENT,
    FIRST_KNOB,
    FIRST_LAYER,
    IMAGE,
    INPUTS,
    KNOB,
    KNOBS,
    MIXED,
    MODEL,
    SEVERAL,
    SWITCH,
    TABLE_AT,
    U32,
    at,
    code_of,
    put,
    sealed,
    word,
)
from tests.training.random_nets import random_net
from training.exports.pedal import PedalError, PedalImageError, read_pedal, to_pedal
from training.exports.pedal.layout import LARGEST_IMAGE, OPTIONAL, Section
from training.models import WaveNetConfig

MIXED_AUDIO = at(Section.AUDIO, MIXED)
ARRAYS = at(Section.AUDIO, SEVERAL)
ARRAY = ARRAYS + 12
SECOND = ARRAY + 52 + 2 * 16


def long_past(*dilations: int, channels: int = 20) -> bytes:
    """An image of layer arrays that each look back nine times so far."""
    array = {"channels": channels, "kernel_sizes": (10,), "dilations": (1111,)}
    config = WaveNetConfig.model_validate({"arrays": [array] * len(dilations), "hidden": 2})
    data = to_pedal(random_net(config, INPUTS), FACTS)
    layer = struct.pack("<2I", 10, 1111)
    assert data.count(layer) == len(dilations)
    for dilation in dilations:
        data = put(data.index(layer) + 4, dilation, data)
    return data


PLANTED = {
    "another file": (b"RIFF" + IMAGE[4:], PedalError.MAGIC),
    "nothing": (b"", PedalError.MAGIC),
    "a later version": (put(4, 2), PedalError.VERSION),
    "only a header": (IMAGE[:15], PedalError.SIZE),
    "sixteen bytes that fit": (put(8, 16)[:12] + U32.pack(0), PedalError.SIZE),
    "cut short": (IMAGE[:-4], PedalError.SIZE),
    "too long": (IMAGE + bytes(4), PedalError.SIZE),
    "above 512 KiB": (
        sealed(put(8, LARGEST_IMAGE + 4) + bytes(LARGEST_IMAGE + 4 - len(IMAGE))),
        PedalError.SIZE,
    ),
    "a wrong CRC": (IMAGE[:12] + bytes(4) + IMAGE[16:], PedalError.CRC),
    "a changed weight": (IMAGE[:-1] + bytes([IMAGE[-1] ^ 1]), PedalError.CRC),
    "no sections": (put(16, 0), PedalError.DIMENSION),
    "too many sections": (put(16, 17), PedalError.DIMENSION),
    "a table that runs out": (
        sealed(struct.pack("<4s4I", b"ASPD", 1, 20, 0, 1)),
        PedalError.SECTION,
    ),
    "a section it must know": (put(TABLE_AT + 24, 9), PedalError.SECTION),
    "a section twice": (put(TABLE_AT + 24, 2), PedalError.SECTION),
    "a section missing": (put(TABLE_AT + 24, OPTIONAL | 3), PedalError.SECTION),
    "a section past the end": (put(TABLE_AT + 12 * 4 + 8, 1 << 31), PedalError.SECTION),
    "a section not aligned": (put(TABLE_AT + 4, TABLE_AT + 61), PedalError.SECTION),
    "sections that overlap": (put(TABLE_AT + 16, TABLE_AT + 60), PedalError.SECTION),
    "a sample rate of 0": (put(MODEL + 16, 0), PedalError.DIMENSION),
    "a control interval of 0": (put(MODEL + 20, 0), PedalError.DIMENSION),
    "a level that is not a number": (put(MODEL + 28, float("nan")), PedalError.NUMBER),
    "a name outside its section": (put(MODEL, 0), PedalError.TEXT),
    "a name that runs over": (put(MODEL + 4, 4), PedalError.TEXT),
    "a name too long": (put(MODEL + 4, 256), PedalError.TEXT),
    "a name not in UTF-8": (put(word(MODEL), b"\xff"), PedalError.TEXT),
    "no knobs": (put(KNOB, 0), PedalError.DIMENSION),
    "too many knobs": (put(KNOB, 1 << 31), PedalError.DIMENSION),
    "more knobs than its section": (put(KNOB, 32), PedalError.DIMENSION),
    "a short name that is empty": (put(FIRST_KNOB + 16, bytes(12)), PedalError.TEXT),
    "a short name of twelve": (put(FIRST_KNOB + 16, b"abcdefghijkl"), PedalError.TEXT),
    "a short name not ASCII": (put(FIRST_KNOB + 16, b"\xc3"), PedalError.TEXT),
    "a knob from 10 to 0": (put(FIRST_KNOB + 28, 11.0), PedalError.KNOB),
    "a knob from -inf": (put(FIRST_KNOB + 28, -np.inf), PedalError.NUMBER),
    "a default outside": (put(FIRST_KNOB + 36, 10.5), PedalError.KNOB),
    "a switch between its detents": (put(SWITCH + 36, 0.5), PedalError.KNOB),
    "a pot that is not there": (put(FIRST_KNOB + 40, 7), PedalError.KNOB),
    "a pot for two": (put(FIRST_KNOB + 40, 2), PedalError.KNOB),
    "two knobs of one name": (
        put(FIRST_KNOB + 52, IMAGE[FIRST_KNOB : FIRST_KNOB + 8]),
        PedalError.KNOB,
    ),
    "detents that are not there": (put(SWITCH + 48, 6), PedalError.DIMENSION),
    "a detent too many": (put(SWITCH + 48, 4), PedalError.KNOB),
    "a detent without text": (put(FIRST_DETENT, 0), PedalError.TEXT),
    "another control network": (put(CONTROL, 7), PedalError.KIND),
    "another number format": (put(CONTROL + 4, 1), PedalError.KIND),
    "other inputs": (put(CONTROL + 8, 6), PedalError.DIMENSION),
    "other outputs": (put(CONTROL + 12, 6), PedalError.DIMENSION),
    "no control layers": (put(CONTROL + 16, 0), PedalError.DIMENSION),
    "a control layer less": (put(CONTROL + 16, 2), PedalError.DIMENSION),
    "another control activation": (put(FIRST_DENSE + 8, 2), PedalError.KIND),
    "layers that do not join": (put(FIRST_DENSE + 20, 9), PedalError.DIMENSION),
    "an array not aligned": (
        put(FIRST_DENSE + 12, word(FIRST_DENSE + 12) + 1),
        PedalError.DIMENSION,
    ),
    "an array elsewhere": (put(FIRST_DENSE + 12, MODEL), PedalError.DIMENSION),
    "an array past the end": (put(FIRST_DENSE + 12, (1 << 32) - 4), PedalError.DIMENSION),
    "an array of another count": (put(FIRST_DENSE + 16, 1), PedalError.DIMENSION),
    "a control weight of NaN": (put(word(FIRST_DENSE + 12), float("nan")), PedalError.NUMBER),
    "another audio network": (put(AUDIO, 0), PedalError.KIND),
    "audio weights in another format": (put(AUDIO + 4, 1), PedalError.KIND),
    "another conditioning": (put(AUDIO + 8, 2), PedalError.KIND),
    "a mixture of nothing": (put(AUDIO + 8, 1), PedalError.DIMENSION),
    "bases that nothing mixes": (put(AUDIO + 48, 3), PedalError.DIMENSION),
    "other bases": (put(MIXED_AUDIO + 48, 4, MIXED), PedalError.DIMENSION),
    "bases that are not mixed": (put(MIXED_AUDIO + 8, 0, MIXED), PedalError.DIMENSION),
    "too many bases": (put(MIXED_AUDIO + 48, 17, MIXED), PedalError.DIMENSION),
    "no channels": (put(AUDIO + 12, 0), PedalError.DIMENSION),
    "other channels": (put(AUDIO + 12, 4), PedalError.DIMENSION),
    "too many layers": (put(AUDIO + 16, 65), PedalError.DIMENSION),
    "another activation": (put(AUDIO + 20, 0), PedalError.KIND),
    "a slope above 1": (put(AUDIO + 24, 1.5), PedalError.DIMENSION),
    "a slope of NaN": (put(AUDIO + 24, float("nan")), PedalError.NUMBER),
    "another head kernel": (put(AUDIO + 28, 6), PedalError.DIMENSION),
    "a kernel of 0": (put(FIRST_LAYER, 0), PedalError.DIMENSION),
    "a dilation of 0": (put(FIRST_LAYER + 4, 0), PedalError.DIMENSION),
    "too large a dilation": (put(FIRST_LAYER + 4, 4097), PedalError.DIMENSION),
    "an infinite weight": (put(word(FIRST_LAYER + 8), float("inf")), PedalError.NUMBER),
    "a head bias of NaN": (put(len(IMAGE) - 4, float("nan")), PedalError.NUMBER),
    "too long a past": (long_past(4096, channels=32), PedalError.DIMENSION),
    "too long a past of two arrays": (long_past(4096, 4096), PedalError.DIMENSION),
    "a kind not yet there": (put(AUDIO, 5), PedalError.KIND),
    "arrays in another format": (put(ARRAYS + 4, 1, SEVERAL), PedalError.KIND),
    "several arrays, of which one": (put(ARRAYS + 8, 1, SEVERAL), PedalError.DIMENSION),
    "too many arrays": (put(ARRAYS + 8, 5, SEVERAL), PedalError.DIMENSION),
    "an array more": (put(ARRAYS + 8, 3, SEVERAL), PedalError.DIMENSION),
    "several arrays in one": (put(ARRAY, 4, SEVERAL), PedalError.KIND),
    "a second array that is none": (put(SECOND, 2, SEVERAL), PedalError.KIND),
    "a second array in another format": (put(SECOND + 4, 1, SEVERAL), PedalError.KIND),
    "another conditioning of the second": (put(SECOND + 8, 2, SEVERAL), PedalError.KIND),
    "other channels of the first": (put(ARRAY + 12, 4, SEVERAL), PedalError.DIMENSION),
    "other channels of the second": (put(SECOND + 12, 4, SEVERAL), PedalError.DIMENSION),
    "no layers in the second": (put(SECOND + 16, 0, SEVERAL), PedalError.DIMENSION),
    "taps between arrays": (put(ARRAY + 28, 3, SEVERAL), PedalError.DIMENSION),
    "an entry for the input": (put(SECOND + 36, 5, SEVERAL), PedalError.DIMENSION),
    "a head to the output": (put(ARRAY + 44, 4, SEVERAL), PedalError.DIMENSION),
    "a head for another array": (put(SECOND + 44, 15, SEVERAL), PedalError.DIMENSION),
    "a slope of the second above 1": (put(SECOND + 24, 1.5, SEVERAL), PedalError.DIMENSION),
    "an entry of NaN": (put(word(SECOND + 32, SEVERAL), float("nan"), SEVERAL), PedalError.NUMBER),
    "a head of infinity": (put(word(ARRAY + 40, SEVERAL), np.inf, SEVERAL), PedalError.NUMBER),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_planted(fault):
    data, code = PLANTED[fault]
    assert code_of(data) is code


def puts(changes: dict[int, int]) -> bytes:
    data = IMAGE
    for position, value in changes.items():
        data = put(position, value, data)
    return data


def test_control_layers_must_join_even_if_their_arrays_fit():
    second = FIRST_DENSE + 20
    assert code_of(puts({second: 4, second + 16: 8 * 4 + 8})) is PedalError.DIMENSION


def test_a_control_network_with_fewer_outputs_than_the_audio_needs():
    last, outputs = FIRST_DENSE + 40, word(CONTROL + 12) - 1
    fewer = {CONTROL + 12: outputs, last + 4: outputs, last + 16: 9 * outputs}
    assert code_of(puts(fewer)) is PedalError.DIMENSION


def test_every_code_is_planted():
    assert {code for _, code in PLANTED.values()} == set(PedalError)


def test_a_past_that_is_just_short_enough():
    assert read_pedal(long_past(4096, 1024)).base.arrays[0].layers[0].dilation == 4096


def test_an_optional_section_is_skipped():
    """A later writer puts one behind everything else; what it holds is opaque."""
    assert read_pedal(with_section(OPTIONAL | 77)).facts == FACTS
    assert code_of(with_section(77)) is PedalError.SECTION
    assert code_of(with_section(Section.TEXT)) is PedalError.SECTION


def with_section(name: int) -> bytes:
    """The same model with one more section: every offset grows by its entry in the table."""
    table = list(struct.iter_unpack("<3I", IMAGE[TABLE_AT : TABLE_AT + 60]))
    body = bytearray(IMAGE[TABLE_AT + 60 :])
    detents = range(FIRST_DETENT, CONTROL, 20)
    knobs = [FIRST_KNOB + 52 * i for i in range(len(KNOBS))]
    arrays = [FIRST_DENSE + 20 * i + 12 for i in range(3)]
    arrays += [AUDIO + 32, AUDIO + 40, *(FIRST_LAYER + 16 * i + 8 for i in range(3))]
    texts = [MODEL, MODEL + 8, *knobs, *(at + 8 for at in knobs), *detents]
    for field in texts + arrays:
        U32.pack_into(body, field - TABLE_AT - 60, word(field) + 12)
    entries = [(section, offset + 12, size) for section, offset, size in table]
    entries.append((name, len(IMAGE) + 12, 8))
    rest = U32.pack(6) + b"".join(struct.pack("<3I", *entry) for entry in entries)
    rest += bytes(body) + b"whatever"
    return struct.pack("<4s3I", b"ASPD", 1, 16 + len(rest), zlib.crc32(rest)) + rest


# Random damage.


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(IMAGE) - 1), st.integers(1, 255))
def test_any_changed_byte_is_found(position, flip):
    data = bytearray(IMAGE)
    data[position] ^= flip
    code_of(bytes(data))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(IMAGE) - 1))
def test_any_shorter_image_is_found(length):
    assert code_of(IMAGE[:length]) in (PedalError.MAGIC, PedalError.SIZE)


PLACES = [
    (image, position)
    for image in (IMAGE, MIXED, SEVERAL)
    for position in (
        *range(0, TABLE_AT + 60),
        *range(MODEL, CONTROL + 20 + 60),
        *range(at(Section.AUDIO, image), at(Section.AUDIO, image) + 164),
    )
]
INTERESTING = st.one_of(
    st.integers(0, 70),
    st.sampled_from(
        [1 << 31, (1 << 32) - 1, (1 << 32) - 4, 0x7FC00000, len(IMAGE), len(IMAGE) - 4]
    ),
    st.integers(0, (1 << 32) - 1),
)


@settings(max_examples=1000, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES), INTERESTING), min_size=1, max_size=4))
def test_a_damaged_image_with_a_good_crc_crashes_nothing(changes):
    whole = changes[0][0][0]
    data = bytearray(whole)
    for (_, position), value in changes:
        data[position : position + 4] = U32.pack(value)
    try:
        image = read_pedal(sealed(data[: len(whole)]))
    except PedalImageError:
        return
    with np.errstate(all="ignore"):
        folded = image.fold(np.zeros(INPUTS))
    layers = [[len(array.layers) for array in net.arrays] for net in (folded, image.base)]
    assert layers[0] == layers[1]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_crash_nothing(body):
    head = struct.pack("<4s3I", b"ASPD", 1, 16 + len(body), zlib.crc32(body))
    for data in (body, head + body):
        with pytest.raises(PedalImageError):
            read_pedal(data)


def test_the_layout_document_names_every_code():
    text = Path(__file__).parents[2].joinpath("docs/pedal-image.md").read_text("utf-8")
    for code in PedalError:
        assert f"| {code.value} | `{code.name}` |" in text
