"""What is not a `.nam` file, or not one that can be played, is said in one sentence."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rigs import nam
from rigs.errors import UserError
from rigs.nam import files
from tests.rigs import nam_files

SMALL = {
    "A1": nam_files.a1(channels=2, dilations=[1, 2]),
    "A2": nam_files.a2(channels=2, bottleneck=2, kernel_sizes=[2, 1, 3]),
    "LSTM": nam_files.lstm(hidden=2, layers=1),
    "tail": nam_files.wavenet(
        {
            "layers": [nam_files.array(kernel_sizes=[1, 1, 1])],
            "head": {
                "channels": 2,
                "out_channels": 1,
                "kernel_sizes": [1, 2],
                "activation": "ReLU",
            },
        }
    ),
}
SMALL["container"] = nam_files.container(SMALL["LSTM"], SMALL["A2"])

FILE_CASES = {
    "no file": (None, "There is no file"),
    "empty": (b"", "not a .nam file"),
    "text": (b"hello", "not a .nam file"),
    "binary": (b"\xff\xfe\x00\x01", "not a .nam file"),
    "a list": (b"[1, 2]", "holds no object"),
    "an empty object": (b"{}", "version is missing"),
    "deep": (b'{"config": ' + b"[" * 100_000, "not a .nam file"),
    "NaN": (b'{"version": NaN}', "holds NaN, which is not a number"),
    "a number without end": (b'{"version": ' + b"9" * 5000 + b"}", "not a .nam file"),
}


def refusal(path) -> str:
    """The sentence with which a file is refused."""
    with pytest.raises(UserError) as caught:
        nam.load(path)
    said = str(caught.value)
    assert path.name in said
    assert "\n" not in said
    assert said.endswith(".")
    assert len(said) < 400
    return said


@pytest.mark.parametrize(("content", "sentence"), FILE_CASES.values(), ids=FILE_CASES)
def test_not_a_nam_file(content, sentence, tmp_path):
    path = tmp_path / "x.nam"
    if content is not None:
        path.write_bytes(content)
    assert sentence in refusal(path)


def test_a_folder(tmp_path):
    (tmp_path / "x.nam").mkdir()
    assert "There is no file" in refusal(tmp_path / "x.nam")


def test_a_file_too_large(tmp_path, monkeypatch):
    path = nam_files.write(tmp_path / "x.nam", SMALL["A1"])
    monkeypatch.setattr(files, "LARGEST", path.stat().st_size)
    nam.load(path)
    monkeypatch.setattr(files, "LARGEST", path.stat().st_size - 1)
    assert "is larger than" in refusal(path)


LAYER = ("config", "layers", 0)

CASES = {
    "an older version": ("A1", ("version",), "0.4.2", "file version is '0.4.2'"),
    "a newer version": ("A1", ("version",), "0.8.0", "versions 0.5 to 0.7"),
    "no version": ("A1", ("version",), 5, "version is 5; it has to be a text"),
    "another rate": ("A1", ("sample_rate",), 44100, "captured at 44100 Hz"),
    "a ConvNet": ("A1", ("architecture",), "ConvNet", "this is a ConvNet"),
    "no architecture": ("A1", ("architecture",), None, "architecture is missing"),
    "no config": ("A1", ("config",), [], "config is []; it has to be an object"),
    "no weights": ("A1", ("weights",), None, "weights is missing"),
    "text as a weight": ("A1", ("weights", 3), "1.5", "not a number"),
    "a weight too large": ("A1", ("weights", 3), 1e300, "finite numbers"),
    "a list as a weight": ("A1", ("weights", 3), [1.0], "not a number"),
    "no layers": ("A1", ("config", "layers"), [], "a list of 1 to 8 objects"),
    "FiLM": ("A2", (*LAYER, "conv_pre_film", "active"), True, r"with FiLM (conv_pre_film)"),
    "FiLM, in short": ("A1", (*LAYER, "layer1x1_post_film"), {}, r"with FiLM (layer1x1_post"),
    "a condition": ("A1", ("config", "condition_dsp"), {}, "with a condition_dsp"),
    "conditions": ("A1", (*LAYER, "condition_size"), 2, "more than one condition"),
    "slimmable": ("A2", (*LAYER, "slimmable"), {"method": "x"}, "a slimmable WaveNet"),
    "a dilated head": ("A2", (*LAYER, "head", "head_dilation"), 2, "with a head_dilation"),
    "two inputs": ("A1", ("config", "in_channels"), 2, "several inputs"),
    "two outputs": ("tail", ("config", "head", "out_channels"), 2, None),
    "an activation": ("A1", (*LAYER, "activation"), "Swoosh", "the activation 'Swoosh'"),
    "no activation": ("A1", (*LAYER, "activation"), 3, "a name or an object"),
    "activations": ("A2", (*LAYER, "activation"), ["Tanh"], "activation has to be a list of 3"),
    "a gate": ("A2", (*LAYER, "gating_mode"), "half", "the gating_mode 'half'"),
    "channels": ("A1", (*LAYER, "channels"), 0, "channels is 0; it has to be a whole number"),
    "many channels": ("A1", (*LAYER, "channels"), 10**9, "from 1 to 256"),
    "half a channel": ("A1", (*LAYER, "channels"), 2.5, "channels is 2.5"),
    "true channels": ("A1", (*LAYER, "channels"), True, "channels is True"),
    "other channels": ("A1", ("config", "layers", 1, "channels"), 2, "do not fit"),
    "an input": ("A1", ("config", "layers", 1, "input_size"), 7, "input_size has to be 2"),
    "a dilation": ("A1", (*LAYER, "dilations"), [1, -1], "dilations is [1, -1]"),
    "dilations": ("A1", (*LAYER, "dilations"), [1] * 65, "a list of 1 to 64 whole numbers"),
    "a long memory": ("A1", (*LAYER, "dilations"), [1, 60_000], "looks back 120"),
    "kernels": ("A2", (*LAYER, "kernel_sizes"), [2, 1], "2 kernel_sizes for 3 dilations"),
    "a bottleneck": ("A2", (*LAYER, "layer1x1", "active"), False, None),
    "groups": ("A2", (*LAYER, "groups_input"), 3, "3 groups do not divide 2 channels"),
    "a head": ("A1", (*LAYER, "head_bias"), "no", "head_bias is 'no'; it has to be true or"),
    "a layer too many": ("A1", (*LAYER, "dilations"), [1, 1, 1], "needs more than the"),
    "a layer too few": ("A1", (*LAYER, "dilations"), [1], "weights more than the net has"),
    "hidden": ("LSTM", ("config", "hidden_size"), 3, "needs more than the"),
    "layers": ("LSTM", ("config", "num_layers"), "2", "num_layers is '2'"),
    "two inputs of an LSTM": ("LSTM", ("config", "input_size"), 2, "whose input_size is not 1"),
    "a box in a box": (
        "container",
        ("config", "submodels", 1, "model"),
        nam_files.container(SMALL["A1"]),
        "a container within a container",
    ),
    "an empty box": ("container", ("config", "submodels"), [], "a list of 1 to 64 objects"),
}


def changed(name, where, value):
    content = copy.deepcopy(SMALL[name])
    inner = content
    for key in where[:-1]:
        inner = inner[key]
    inner[where[-1]] = value
    return content


@pytest.mark.parametrize(("name", "where", "value", "sentence"), CASES.values(), ids=CASES)
def test_what_cannot_be_played(name, where, value, sentence, tmp_path):
    path = nam_files.write(tmp_path / "x.nam", SMALL[name])
    nam.load(path)
    said = refusal(nam_files.write(path, changed(name, where, value)))
    if sentence:
        assert sentence in said


def test_a_net_too_large(tmp_path):
    """Its weights would fit into a file: groups leave most of its matrices empty."""
    layer = nam_files.array(
        channels=256, bottleneck=256, groups_input=256, kernel_sizes=[128] * 3,
        layer1x1={"active": True, "groups": 256},
    )  # fmt: skip
    path = nam_files.write(tmp_path / "x.nam", nam_files.wavenet({"layers": [layer]}))
    assert "multiply-adds a sample" in refusal(path)


def test_a_net_that_needs_much_memory(tmp_path):
    """Few weights on wide layers: what it keeps is all history."""
    layer = nam_files.array(
        channels=256, bottleneck=1, groups_input=1, kernel_sizes=[1] * 64, dilations=[1] * 64,
        activation="ReLU", gating_mode="none", secondary_activation=None,
    )  # fmt: skip
    path = nam_files.write(tmp_path / "x.nam", nam_files.wavenet({"layers": [layer]}))
    assert "numbers while it plays" in refusal(path)


def test_the_place_is_named(tmp_path):
    path = nam_files.write(tmp_path / "x.nam", changed("A2", (*LAYER, "head", "bias"), 1))
    assert "x.nam, config.layers[0].head: bias is 1; it has to be true or false" in refusal(path)


def test_a_container_is_played_at_its_full_size(tmp_path):
    path = nam_files.write(tmp_path / "x.nam", SMALL["container"])
    capture = nam.load(path)
    assert capture.architecture == "WaveNet"
    sizes = changed("container", ("config", "submodels", 0, "max_value"), 2.0)
    assert nam.load(nam_files.write(path, sizes)).architecture == "LSTM"


def test_what_a_container_says_goes_before_what_its_model_says(tmp_path):
    content = copy.deepcopy(SMALL["container"])
    content["config"]["submodels"][1]["model"]["metadata"] = {
        "loudness": -18,
        "output_level_dbu": 4,
    }
    content["metadata"] = {"loudness": -20}
    capture = nam.load(nam_files.write(tmp_path / "x.nam", content))
    assert (capture.loudness, capture.output_level_dbu) == (-20, 4)


@pytest.mark.parametrize("metadata", [None, [], {"loudness": None, "input_level_dbu": "loud"}])
def test_a_file_that_says_nothing_of_itself(metadata, tmp_path):
    content = {**SMALL["A1"], "metadata": metadata}
    content.pop("sample_rate")
    capture = nam.load(nam_files.write(tmp_path / "x.nam", content))
    assert (capture.loudness, capture.input_level_dbu) == (None, None)
    assert capture.sample_rate == 48_000


def test_a_net_that_runs_away(tmp_path):
    content = copy.deepcopy(SMALL["A1"])
    content["config"]["layers"][0]["activation"] = {"type": "LeakyReLU", "negative_slope": 1e30}
    content["weights"] = [1e20] * len(content["weights"])
    capture = nam.load(nam_files.write(tmp_path / "x.nam", content))
    with pytest.raises(UserError, match=r"x.nam plays samples that are not numbers"):
        capture.play(nam_files.plucks(1000))


def load_and_play(path) -> None:
    """Whatever is in the file: it plays finite audio, or raises UserError."""
    try:
        wet = nam.load(path).play(np.full(64, 0.1, np.float32))
    except UserError:
        return
    assert np.isfinite(wet).all()


def places(content, path=()):
    """Every place in a JSON value, as the keys that lead to it."""
    if path:
        yield path
    rows = content.items() if isinstance(content, dict) else enumerate(content[:5])
    for key, value in rows:
        if isinstance(value, dict | list):
            yield from places(value, (*path, key))
        else:
            yield (*path, key)


PLACES = [(name, place) for name, content in SMALL.items() for place in places(content)]
ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 300),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["Tanh", "gated", "PReLU", "LSTM", "WaveNet", "SlimmableContainer"]),
    st.lists(st.integers(0, 3), max_size=4),
    st.dictionaries(st.sampled_from(["type", "active", "groups"]), st.integers(0, 3), max_size=3),
)
FUZZ = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@FUZZ
@given(place=st.sampled_from(PLACES), value=ANYTHING)
def test_anything_anywhere(place, value, tmp_path):
    load_and_play(nam_files.write(tmp_path / "x.nam", changed(*place, value)))


@FUZZ
@given(data=st.data())
def test_bytes_lost_and_changed(data, tmp_path):
    name = data.draw(st.sampled_from(sorted(SMALL)))
    text = bytearray(json.dumps(SMALL[name]).encode())
    for _ in range(data.draw(st.integers(0, 3))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.one_of(st.none(), st.integers(0, len(text))))
    path = tmp_path / "x.nam"
    path.write_bytes(text[:end])
    load_and_play(path)


def test_every_field_gone(tmp_path):
    path = tmp_path / "x.nam"
    for name, place in PLACES:
        content = copy.deepcopy(SMALL[name])
        inner = content
        for key in place[:-1]:
            inner = inner[key]
        del inner[place[-1]]
        load_and_play(nam_files.write(path, content))
