"""The pedal image holds the whole model, and nothing that is not one gets past its reader."""

from __future__ import annotations

import dataclasses
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rigs.errors import UserError
from rigs.knobs import Knob, KnobTable
from tests.training.random_nets import A2, SMALL, noise, random_net
from tests.training.test_models import play_static
from training.exports.pedal import (
    ModelFacts,
    PedalError,
    PedalImage,
    PedalImageError,
    load_pedal,
    read_pedal,
    to_pedal,
    write_pedal,
)
from training.exports.pedal.image import StaticWaveNet
from training.exports.pedal.layout import LARGEST_IMAGE, OPTIONAL, Section
from training.exports.pedal.names import short_names
from training.models import ConditionedWaveNet, WaveNetConfig
from training.play import play

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
FACTS = ModelFacts("Démo", "virtual-amp", KNOBS, 48_000, 12.25, None)
NET = random_net(SMALL, len(KNOBS))
IMAGE = to_pedal(NET, FACTS)

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


def at(section: Section) -> int:
    """Where a section begins."""
    table = struct.iter_unpack("<3I", IMAGE[TABLE_AT : TABLE_AT + 12 * len(Section)])
    return next(offset for name, offset, _ in table if name == section)


def word(offset: int) -> int:
    return int(U32.unpack_from(IMAGE, offset)[0])


MODEL, KNOB, CONTROL, AUDIO = map(
    at, (Section.MODEL, Section.KNOBS, Section.CONTROL, Section.AUDIO)
)
FIRST_KNOB = KNOB + 8
SWITCH = FIRST_KNOB + 2 * 52
FIRST_DETENT = FIRST_KNOB + 7 * 52
FIRST_DENSE = CONTROL + 20
FIRST_LAYER = AUDIO + 48


def code_of(data: bytes) -> PedalError:
    with pytest.raises(PedalImageError) as caught:
        read_pedal(data)
    assert str(caught.value).startswith("The pedal image ")
    assert str(caught.value).endswith(
        f"(error {caught.value.code.value}, {caught.value.code.name})."
    )
    return caught.value.code


# What is written is what is read.


def test_facts_survive():
    image = read_pedal(IMAGE)
    assert (image.facts.name, image.facts.device) == ("Démo", "virtual-amp")
    assert (image.facts.sample_rate, image.control_interval) == (48_000, 48)
    assert (image.facts.input_level_dbu, image.facts.output_level_dbu) == (12.25, None)


def test_knobs_survive():
    image = read_pedal(IMAGE)
    assert image.facts.knobs == KNOBS
    assert tuple(knob.knob for knob in image.knobs) == tuple(KNOBS)
    assert [knob.pot for knob in image.knobs] == [1, 2, 3, 4, 5, 6, None]
    names = ["Gain", "Presence", "Kanale", "MasterVolum", "MasterVoice", "Knob 6", "Bright"]
    assert [knob.short_name for knob in image.knobs] == names
    assert image.knobs[2].short_detents == ("grun", "heiss", "lead")
    assert image.knobs[0].short_detents == ()


def test_weights_survive_to_the_last_bit():
    image = read_pedal(IMAGE)
    state = {name: tensor.numpy() for name, tensor in NET.state_dict().items()}
    for i, layer in enumerate(image.control):
        assert np.array_equal(layer.weight, state[f"control.layers.{i}.weight"])
        assert np.array_equal(layer.bias, state[f"control.layers.{i}.bias"])
    for i, layer in enumerate(image.base.layers):
        assert layer.dilation == SMALL.dilations[i]
        assert np.array_equal(layer.conv_weight, state[f"layers.{i}.conv.weight"])
        assert np.array_equal(layer.residual_bias, state[f"layers.{i}.residual.bias"])
    assert np.array_equal(image.base.head_weight, state["head.weight"][0])
    assert not image.base.head_weight.flags.writeable


def test_same_model_same_bytes():
    assert to_pedal(random_net(SMALL, len(KNOBS)), dataclasses.replace(FACTS)) == IMAGE


def test_everything_is_where_cpp_can_read_it_in_place():
    assert len(IMAGE) % 4 == 0
    fields = struct.unpack_from("<4s4I", IMAGE)
    assert fields == (b"ASPD", 1, len(IMAGE), zlib.crc32(IMAGE[16:]), 5)
    end = TABLE_AT + 12 * 5
    for _, offset, size in struct.iter_unpack("<3I", IMAGE[TABLE_AT:end]):
        assert offset == end
        assert offset % 4 == size % 4 == 0
        end = offset + size
    assert end == len(IMAGE)
    assert IMAGE[word(MODEL) :].startswith("Démo\0".encode())
    assert IMAGE[FIRST_KNOB + 16 :].startswith(b"Gain\0")


def arrays(net: StaticWaveNet) -> list[np.ndarray]:
    parts = [net.rechannel_weight, net.head_weight, np.float32(net.head_bias)]
    for layer in net.layers:
        parts += [v for k, v in vars(layer).items() if k != "dilation"]
    return parts


@pytest.mark.parametrize("config", [SMALL, A2], ids=["small", "A2"])
def test_the_image_alone_holds_the_whole_model(config):
    net = random_net(config, len(KNOBS))
    image = read_pedal(to_pedal(net, FACTS))
    dry = noise(2400)
    rng = np.random.default_rng(4)
    folds = []
    for unit in rng.uniform(-1, 1, (8, len(KNOBS))).astype(np.float32):
        ours = image.fold(unit)
        theirs = net.fold(torch.from_numpy(unit), 48_000)
        for mine, other in zip(arrays(ours), arrays(theirs), strict=True):
            assert mine.shape == other.shape
            assert np.abs(mine - other).max() <= 1e-6 * max(1, np.abs(other).max())
        assert ours.negative_slope == pytest.approx(theirs.negative_slope, abs=1e-9)
        assert np.abs(play_static(ours, dry) - play(net, dry, unit)).max() < 1e-5
        folds.append(ours.layers[0].conv_weight)
    assert np.std(folds, axis=0).max() > 0.01, "the knobs do little, so the test says little"


def test_folding_takes_a_setting_too():
    image = read_pedal(IMAGE)
    setting = {"gain": 7.5, "Kanäle": 2, "Master Voice": 10_010}
    unit = np.array([0.5, 0.3, 1, 0, 0, 0, -1])
    for mine, other in zip(arrays(image.fold(setting)), arrays(image.fold(unit)), strict=True):
        assert np.array_equal(mine, other)
    with pytest.raises(UserError, match="cannot be set to 11"):
        image.fold({"Gain": 11})
    with pytest.raises(ValueError, match="7 knobs"):
        image.fold(np.zeros(6))


# What does not fit is not written.


def image_with(net=NET, **facts) -> PedalImage:
    return read_pedal(to_pedal(net, dataclasses.replace(FACTS, **facts)))


def table_of(count: int) -> KnobTable:
    return KnobTable(tuple(Knob(f"Knob {i}") for i in range(count)))


def test_more_than_512_kib():
    config = WaveNetConfig(channels=32, kernel_sizes=(15,) * 9, dilations=(1,) * 9)
    with pytest.raises(UserError, match="KiB, but a pedal loads at most 512"):
        to_pedal(random_net(config, 7), FACTS)


def test_the_largest_that_fits_is_read():
    config = WaveNetConfig(channels=32, kernel_sizes=(13,) * 8, dilations=(1,) * 8, hidden=24)
    data = to_pedal(random_net(config, 7), FACTS)
    assert LARGEST_IMAGE * 0.98 < len(data) <= LARGEST_IMAGE
    assert read_pedal(data).base.channels == 32


def test_too_long_a_past():
    config = WaveNetConfig(channels=8, kernel_sizes=(64,), dilations=(4096,))
    with pytest.raises(UserError, match="smaller dilations"):
        to_pedal(ConditionedWaveNet(config, 7), FACTS)


def test_a_weight_that_is_not_a_number():
    net = random_net(SMALL, len(KNOBS))
    net.layers[1].conv.bias.data[0] = torch.nan
    with pytest.raises(UserError, match="not a number"):
        to_pedal(net, FACTS)


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"name": "ß" * 128}, "at most 255 bytes"),
        ({"name": "a\0b"}, "none of them zero"),
        ({"device": "\ud800"}, "valid Unicode"),
        ({"sample_rate": 4000}, "sample rate 4000"),
        ({"output_level_dbu": 1e39}, "output level"),
        ({"knobs": KnobTable((*list(KNOBS)[:6], Knob("x", 0, 1e-50, 0)))}, "too narrow"),
        ({"knobs": KnobTable((*list(KNOBS)[:6], Knob("x", 0, 1e39, 0)))}, "correct it"),
    ],
)
def test_facts_that_do_not_fit(facts, message):
    with pytest.raises(UserError, match=message):
        image_with(**facts)


def test_more_knobs_than_an_image_holds():
    with pytest.raises(UserError, match="knobs 33"):
        image_with(random_net(SMALL, 33), knobs=table_of(33))
    assert len(image_with(random_net(SMALL, 32), knobs=table_of(32)).knobs) == 32


def test_files(tmp_path):
    path = tmp_path / "new" / "amp.pedal"
    write_pedal(path, NET, FACTS)
    assert load_pedal(path).facts == FACTS
    path.write_bytes(IMAGE[:-1])
    with pytest.raises(PedalImageError, match=r"amp\.pedal should have"):
        load_pedal(path)
    with pytest.raises(UserError, match="No such file"):
        load_pedal(tmp_path / "other.pedal")
    with pytest.raises(UserError, match="is a folder"):
        write_pedal(tmp_path, NET, FACTS)


# Short names.


@pytest.mark.parametrize(
    ("names", "shorts"),
    [
        (["Gain", "GAIN 2"], ("Gain", "GAIN 2")),
        (["Überschwinger"], ("Uberschwngr",)),
        (["Low Frequency Cut"], ("LowFrqncyCt",)),
        (["Gain", "Gaïn", "gain"], ("Gain", "Gain2", "gain3")),
        (["Gain2", "Gain", "Gáin"], ("Gain2", "Gain", "Gain3")),
        (["Volume Left A", "Volume Left B"], ("VolumeLeftA", "VolumeLeftB")),
        (["低音", "😀", "\n"], ("Knob 1", "Knob 2", "Knob 3")),
        (["12345678901X", "12345678901Y"], ("12345678901", "12345678902")),
    ],
)
def test_short_names(names, shorts):
    assert short_names(names, "Knob") == shorts


@given(st.lists(st.text(max_size=20), max_size=32))
def test_short_names_always_fit_and_differ(names):
    shorts = short_names(names, "Knob")
    assert len({short.casefold() for short in shorts}) == len(names)
    for short in shorts:
        assert 1 <= len(short) <= 11
        assert short.isascii()
        assert short.isprintable()
        assert short == short.strip()


# Each reason to reject has its own code.


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
    "another conditioning": (put(AUDIO + 8, 1), PedalError.KIND),
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


def test_too_long_a_past_is_rejected():
    config = WaveNetConfig(channels=32, kernel_sizes=(10,), dilations=(1,), hidden=1)
    data = to_pedal(random_net(config, 7), FACTS)
    layer = struct.pack("<2I", 10, 1)
    assert data.count(layer) == 1
    assert code_of(put(data.index(layer) + 4, 4096, data)) is PedalError.DIMENSION


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


RECORDS = [
    *range(0, TABLE_AT + 60),
    *range(MODEL, CONTROL + 20 + 60),
    *range(AUDIO, FIRST_LAYER + 3 * 16),
]
INTERESTING = st.one_of(
    st.integers(0, 70),
    st.sampled_from(
        [1 << 31, (1 << 32) - 1, (1 << 32) - 4, 0x7FC00000, len(IMAGE), len(IMAGE) - 4]
    ),
    st.integers(0, (1 << 32) - 1),
)


@settings(max_examples=1000, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(RECORDS), INTERESTING), min_size=1, max_size=4))
def test_a_damaged_image_with_a_good_crc_crashes_nothing(changes):
    data = bytearray(IMAGE)
    for position, value in changes:
        data[position : position + 4] = U32.pack(value)
    try:
        image = read_pedal(sealed(data[: len(IMAGE)]))
    except PedalImageError:
        return
    with np.errstate(all="ignore"):
        folded = image.fold(np.zeros(len(image.knobs)))
    assert len(folded.layers) == len(image.base.layers)


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
