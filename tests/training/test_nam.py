"""Snapshots sound the same in NAM's own players as here."""

from __future__ import annotations

import json
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from rigs.audio import esr
from rigs.errors import UserError
from tests.players import nam_core, nam_python
from tests.training.random_nets import (
    A1,
    A2,
    SMALL,
    TEN_LAYERS,
    TWO_ARRAYS,
    noise,
    plucked,
    random_net,
    stir,
)
from training.checkpoint import build_net
from training.exports.nam import snapshot_metadata, to_nam, write_nam
from training.play import play

pytestmark = pytest.mark.usefixtures("one_thread")

KNOBS = 5
METADATA = snapshot_metadata(
    name="Crunch",
    device="virtual-amp",
    model="demo",
    setting={"Gain": 7.0, "Größe": 2.5},
    date=datetime(2026, 7, 1, 12, 30, 5),
    gear_type="amp",
    tone_type="crunch",
    input_level_dbu=12.5,
)


@pytest.fixture(scope="module")
def small():
    return random_net(SMALL, KNOBS).fold(torch.linspace(-1, 1, KNOBS), 48_000)


@pytest.mark.parametrize("config", [A2, TEN_LAYERS], ids=["A2", "ten layers"])
def test_players_agree_over_the_whole_cube(config, tmp_path):
    net = random_net(config, KNOBS)
    dry = np.concatenate([noise(24_000), plucked(24_000)])
    settings = np.random.default_rng(5).uniform(-1, 1, (10, KNOBS)).astype(np.float32)
    settings[0], settings[1] = -1, 1
    wets = []
    for i, knobs in enumerate(settings):
        path = tmp_path / f"{i}.nam"
        write_nam(path, net.fold(torch.from_numpy(knobs), 48_000), METADATA)
        wet = play(net, dry, knobs)
        wets.append(wet)
        assert np.abs(wet).max() > 0.05
        assert np.abs(wet - nam_python.play(path, dry)).max() < 1e-5
        assert np.abs(wet - nam_core.play(path, dry)).max() < 1e-5
    heard = [wet - wet.mean() for wet in wets]
    assert np.median([esr(a, b) for a, b in pairwise(heard)]) > 0.3, "the knobs do little"


def sounds_as_in_nams_trainer(net, dry, path, settings):
    wets = []
    for knobs in np.random.default_rng(5).uniform(-1, 1, (settings, KNOBS)).astype(np.float32):
        write_nam(path, net.fold(knobs, 48_000), METADATA)
        wets.append(play(net, dry, knobs))
        assert np.ptp(wets[-1]) > 0.02
        assert np.abs(wets[-1] - nam_python.play(path, dry)).max() < 1e-5
    assert min(esr(a, b) for a, b in pairwise(wets)) > 0.01, "the knobs do little"


@pytest.mark.parametrize("config", [A1, TWO_ARRAYS], ids=["A1", "two arrays"])
def test_two_arrays_sound_the_same(config, tmp_path):
    """NAM's Python package computes the hyperbolic tangent as torch does."""
    net, dry, path = random_net(config, KNOBS), plucked(24_000), tmp_path / "a1.nam"
    sounds_as_in_nams_trainer(net, dry, path, 4)


@pytest.mark.parametrize("config", [SMALL, TWO_ARRAYS], ids=["small", "two arrays"])
def test_file_is_what_neural_amp_modeler_would_write(config, tmp_path):
    path = tmp_path / "small.nam"
    write_nam(path, random_net(config, KNOBS).fold(np.zeros(KNOBS), 48_000), METADATA)
    ours = json.loads(path.read_text())
    theirs = nam_python.load(path)._get_export_dict()
    assert ours["config"] == theirs["config"]
    assert ours["weights"] == theirs["weights"]
    assert list(ours) == list(theirs)
    for key in ("version", "architecture", "sample_rate"):
        assert ours[key] == theirs[key]


def test_weights_survive_to_the_last_bit(small, tmp_path):
    path = tmp_path / "small.nam"
    write_nam(path, small, METADATA)
    weights = np.array(json.loads(path.read_text())["weights"])
    assert np.array_equal(weights, weights.astype(np.float32))
    (array,) = small.arrays
    first = array.layers[0].conv_weight
    c = array.channels
    assert np.array_equal(weights[:c], array.rechannel_weight[:, 0])
    assert np.array_equal(weights[c : c + first.size], first.ravel())
    assert weights[-2:].tolist() == [*array.head_bias, 1.0]


def test_metadata(small):
    metadata = to_nam(small, METADATA)["metadata"]
    assert metadata["date"]["hour"] == 12
    assert metadata["input_level_dbu"] == 12.5
    assert "output_level_dbu" not in metadata
    assert "loudness" not in metadata
    assert metadata["ampsweep"]["setting"] == {"Gain": 7.0, "Größe": 2.5}


@pytest.mark.parametrize("choice", [{"gear_type": "toaster"}, {"tone_type": "loud"}])
def test_a_type_that_nam_does_not_have(choice):
    with pytest.raises(UserError, match="choose one of"):
        snapshot_metadata(
            name="x", device="x", model="x", setting={}, date=datetime(2026, 1, 1), **choice
        )


def test_an_lstm_sounds_the_same(tmp_path):
    torch.manual_seed(1)
    net = build_net("lstm", {"units": 6, "hidden": 64}, KNOBS, "here")
    dry, path = plucked(9600), tmp_path / "l"
    stir(net, 10)
    sounds_as_in_nams_trainer(net, dry, path, 2)


@pytest.mark.parametrize(
    ("kind", "network"), [("linear", {"taps": 4}), ("gru", {}), ("lstm", {"skip": True})]
)
def test_a_net_that_nam_has_not(kind, network, tmp_path):
    net = build_net(kind, network, KNOBS, "here")
    with pytest.raises(UserError, match="have WaveNets and LSTMs"):
        write_nam(tmp_path / "other.nam", net.fold(np.zeros(KNOBS), 48_000), METADATA)
    assert list(tmp_path.iterdir()) == []


def test_same_net_same_bytes(small, tmp_path):
    for name in "ab":
        write_nam(tmp_path / name, small, METADATA)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_weight_that_is_not_a_number(small, tmp_path):
    small.arrays[0].layers[1].conv_bias[0] = np.inf
    with pytest.raises(UserError, match="not a number"):
        write_nam(tmp_path / "small.nam", small, METADATA)
    small.arrays[0].layers[1].conv_bias[0] = 0
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_made(small, tmp_path):
    write_nam(tmp_path / "new" / "small.nam", small, METADATA)
    assert (tmp_path / "new" / "small.nam").stat().st_size > 1000


def test_a_folder_stands_where_the_file_should_be(small, tmp_path):
    (tmp_path / "small.nam").mkdir()
    with pytest.raises(UserError, match=r"small\.nam is a folder"):
        write_nam(tmp_path / "small.nam", small, METADATA)
    assert list((tmp_path / "small.nam").iterdir()) == []


def test_a_device_is_not_replaced_by_a_file(small):
    with pytest.raises(UserError, match="not an ordinary file"):
        write_nam(Path("/dev/null"), small, METADATA)
    assert Path("/dev/null").is_char_device()


def test_a_full_disk_leaves_what_was_there(small, tmp_path, monkeypatch):
    path = tmp_path / "small.nam"
    path.write_text("before")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UserError, match="No space left on device"):
        write_nam(path, small, METADATA)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]
