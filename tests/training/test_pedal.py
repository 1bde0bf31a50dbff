"""The pedal image holds the whole model, and what does not fit is not written."""

from __future__ import annotations

import dataclasses
import struct
import zlib

import numpy as np
import pytest
import torch

from rigs.errors import UserError
from rigs.knobs import Knob, KnobTable
from tests.training.pedal_image import (
    FACTS,
    FIRST_KNOB,
    IMAGE,
    INPUTS,
    KNOBS,
    MODEL,
    NET,
    TABLE_AT,
    word,
)
from tests.training.random_nets import A2, SMALL, TWO_ARRAYS, mixed, noise, random_net
from tests.training.test_models import play_static
from training.checkpoint import build_net
from training.exports.pedal import (
    PedalImage,
    PedalImageError,
    load_pedal,
    read_pedal,
    to_pedal,
    write_pedal,
)
from training.exports.pedal.image import StaticWaveNet
from training.exports.pedal.layout import LARGEST_IMAGE
from training.models import ConditionedWaveNet, WaveNetConfig
from training.play import play


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
    (base,) = image.base.arrays
    for i, layer in enumerate(base.layers):
        assert layer.dilation == SMALL.layers[i][2]
        assert np.array_equal(layer.conv_weight, state[f"layers.{i}.conv.weight"])
        assert np.array_equal(layer.residual_bias, state[f"layers.{i}.residual.bias"])
    assert np.array_equal(base.head_weight, state["head.weight"])
    assert not base.head_weight.flags.writeable


def test_same_model_same_bytes():
    assert to_pedal(random_net(SMALL, INPUTS), dataclasses.replace(FACTS)) == IMAGE


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
    parts = [net.arrays[-1].head_bias]
    for array in net.arrays:
        parts += [array.rechannel_weight, array.head_weight]
        for layer in array.layers:
            parts += [v for k, v in vars(layer).items() if k != "dilation"]
    return parts


NETS = {
    **{"small": SMALL, "A2": A2, "bases": mixed(SMALL)},
    **{"two arrays": TWO_ARRAYS, "two arrays of bases": mixed(TWO_ARRAYS)},
}


@pytest.mark.parametrize("config", NETS.values(), ids=NETS.keys())
def test_the_image_alone_holds_the_whole_model(config):
    net = random_net(config, INPUTS)
    image = read_pedal(to_pedal(net, FACTS))
    dry = noise(2400)
    rng = np.random.default_rng(4)
    folds = []
    for unit in rng.uniform(-1, 1, (8, INPUTS)).astype(np.float32):
        ours = image.fold(unit)
        theirs = net.fold(torch.from_numpy(unit), 48_000)
        for mine, other in zip(arrays(ours), arrays(theirs), strict=True):
            assert mine.shape == other.shape
            assert np.abs(mine - other).max() <= 1e-6 * max(1, np.abs(other).max())
        for mine, other in zip(ours.arrays, theirs.arrays, strict=True):
            assert mine.activation == other.activation
            assert mine.negative_slope == pytest.approx(other.negative_slope, abs=1e-8)
        assert np.abs(play_static(ours, dry) - play(net, dry, unit)).max() < 1e-5
        folds.append(ours.arrays[0].layers[0].conv_weight)
    assert np.std(folds, axis=0).max() > 0.01, "the knobs do little, so the test says little"


def test_folding_takes_a_setting_too():
    image = read_pedal(IMAGE)
    setting = {"gain": 7.5, "Kanäle": 2, "Master Voice": 10_010}
    unit = np.array([0.5, 0.3, 0, 0, 1, 0, 0, 0, 1, 0])
    for mine, other in zip(arrays(image.fold(setting)), arrays(image.fold(unit)), strict=True):
        assert np.array_equal(mine, other)
    with pytest.raises(UserError, match="cannot be set to 11"):
        image.fold({"Gain": 11})
    with pytest.raises(ValueError, match="10 inputs"):
        image.fold(np.zeros(6))


# What does not fit is not written.


def image_with(net=NET, **facts) -> PedalImage:
    return read_pedal(to_pedal(net, dataclasses.replace(FACTS, **facts)))


def table_of(count: int) -> KnobTable:
    return KnobTable(tuple(Knob(f"Knob {i}") for i in range(count)))


def test_more_than_512_kib():
    config = WaveNetConfig(channels=32, kernel_sizes=(15,) * 9, dilations=(1,) * 9)
    with pytest.raises(UserError, match="KiB, but a pedal loads at most 512"):
        to_pedal(random_net(config, INPUTS), FACTS)


def test_the_largest_that_fits_is_read():
    config = WaveNetConfig(channels=32, kernel_sizes=(13,) * 8, dilations=(1,) * 8, hidden=24)
    data = to_pedal(random_net(config, INPUTS), FACTS)
    assert LARGEST_IMAGE * 0.98 < len(data) <= LARGEST_IMAGE
    assert read_pedal(data).base.arrays[0].channels == 32


@pytest.mark.parametrize(
    ("kind", "network", "words"),
    [
        ("wavenet", {"conditioning": "concat"}, "is conditioned by concat"),
        ("wavenet", {"conditioning": "hyper"}, "is conditioned by hyper"),
        ("convnet", {}, "is neither a WaveNet nor a GRU nor an LSTM"),
    ],
)
def test_what_a_pedal_cannot_play(kind, network, words):
    net = build_net(kind, network, INPUTS, "here")
    with pytest.raises(UserError, match=f"{words}; train one with the preset pedal"):
        to_pedal(net, FACTS)


def test_more_layer_arrays_than_an_image_holds():
    config = {"arrays": [{"kernel_sizes": [2], "dilations": [1]}] * 5}
    with pytest.raises(UserError, match="cannot hold layer arrays 5: it takes 2 to 4"):
        to_pedal(build_net("wavenet", config, INPUTS, "here"), FACTS)


def test_too_long_a_past():
    config = WaveNetConfig(channels=8, kernel_sizes=(64,), dilations=(4096,))
    with pytest.raises(UserError, match="smaller dilations"):
        to_pedal(ConditionedWaveNet(config, INPUTS), FACTS)


def test_a_weight_that_is_not_a_number():
    net = random_net(SMALL, INPUTS)
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
        ({"knobs": KnobTable((*list(KNOBS)[:6], Knob("y"), Knob("x", 0, 1e-50, 0)))}, "too narrow"),
        ({"knobs": KnobTable((*list(KNOBS)[:6], Knob("y"), Knob("x", 0, 1e39, 0)))}, "correct it"),
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
