"""An ONNX file streams what the model itself plays."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TypeVar

import numpy as np
import onnx
import pytest
import torch

from rigs.audio import Audio, esr
from rigs.errors import UserError
from tests.firmware.recurrent_cases import random_cell
from tests.training.models_at_random import PANEL, TINY, random_model
from tests.training.random_nets import plucked
from training.checkpoint import Model
from training.exports.onnx import OPSET, OnnxPlayer, write_onnx
from training.exports.onnx.build import build
from training.models import WaveNetConfig
from training.models.conditioning import ConditionedConfig
from training.models.control import frames_for
from training.models.net import Net
from training.models.recurrent import GruConfig, LstmConfig
from training.play import play

pytestmark = pytest.mark.usefixtures("one_thread")

ARRAYS = WaveNetConfig.model_validate(
    {
        "arrays": [
            {"channels": 4, "kernel_sizes": [3, 3], "dilations": [1, 9], "activation": "tanh"},
            {"channels": 2, "kernel_sizes": [2], "dilations": [5], "activation": "tanh"},
        ],
        "head_kernel": 3,
        "hidden": 4,
    }
)
DRY = plucked(9_650)
Config = TypeVar("Config", bound=ConditionedConfig)


def conditioned(config: Config, name: str) -> Config:
    return config.model_copy(update={"conditioning": name, "bases": 2, "rank": 1})


def moving(samples: int) -> np.ndarray:
    """All knobs on their way, and a switch that jumps twice."""
    way = np.linspace(0, 1, frames_for(samples))
    switch = np.select([way < 0.3, way < 0.6], [0.0, 2.0], 1.0)
    return np.stack([10 * way, 20_000 - 19_800 * way, switch], axis=1)


def torch_plays(model: Model, positions: np.ndarray) -> Audio:
    wet = play(model.net, DRY, model.knobs.to_inputs(positions))
    assert np.ptp(wet) > 0.02
    return wet


@pytest.mark.parametrize("conditioning", ["film", "concat", "basis", "hyper"])
@pytest.mark.parametrize("config", [TINY, ARRAYS], ids=["one array", "two arrays"])
def test_streamed_blocks_are_what_torch_plays(config, conditioning):
    model = random_model(conditioned(config, conditioning))
    player = OnnxPlayer(build(model, {}).SerializeToString())
    still = np.array([7.0, 900.0, 2.0])
    for positions in (still, moving(len(DRY))):
        wanted = torch_plays(model, positions)
        for block in (48, 480, 96 * 48, 48_000):
            assert np.abs(player.play(DRY, positions, block) - wanted).max() < 1e-5
    assert esr(torch_plays(model, still), torch_plays(model, moving(len(DRY)))) > 0.01


@pytest.mark.parametrize("conditioning", ["film", "concat", "basis", "hyper"])
@pytest.mark.parametrize(
    ("kind", "config"),
    [("gru", GruConfig(units=5, hidden=4)), ("lstm", LstmConfig(units=3, hidden=4, skip=True))],
    ids=["gru", "lstm"],
)
def test_recurrent_nets_stream_as_torch_plays_them(kind, config, conditioning):
    net = random_cell(conditioned(config, conditioning), PANEL.inputs)
    model = replace(random_model(), kind=kind, net=net)
    player = OnnxPlayer(build(model, {}).SerializeToString())
    assert player.facts["prime_samples"].isdigit()
    for positions in (np.array([7.0, 900.0, 2.0]), moving(len(DRY))):
        wanted = torch_plays(model, positions)
        for block in (480, 48_000):
            assert np.abs(player.play(DRY, positions, block) - wanted).max() < 1e-5


def test_the_weights_of_a_recurrent_net_are_not_kept_in_8_bits(tmp_path):
    net = random_cell(GruConfig(units=2, hidden=4), PANEL.inputs)
    with pytest.raises(UserError, match=r"recurrent net hears .* without --int8"):
        write_onnx(tmp_path / "x.onnx", replace(random_model(), kind="gru", net=net), int8=True)
    assert list(tmp_path.iterdir()) == []


def test_a_stream_begins_in_the_state_that_silence_leaves_at_its_setting():
    model = random_model()
    player = OnnxPlayer(build(model, {}).SerializeToString())
    ends = [np.array([0.0, 200.0, 0.0]), np.array([10.0, 20_000.0, 2.0])]
    first = [player.play(DRY[:1], positions)[0] for positions in ends]
    assert abs(first[0] - first[1]) > 1e-4
    for positions, sample in zip(ends, first, strict=True):
        wet = play(model.net, DRY[:1], model.knobs.to_inputs(positions))
        assert abs(wet[0] - sample) < 1e-6


def test_positions_beyond_the_panel_are_its_ends():
    player = OnnxPlayer(build(random_model(), {}).SerializeToString())
    inside = player.play(DRY[:960], np.array([10.0, 200.0, 2.0]))
    assert np.array_equal(player.play(DRY[:960], np.array([99.0, -5.0, 7.0])), inside)


def test_the_file_says_what_it_is(tmp_path):
    path, model = tmp_path / "new" / "x.onnx", random_model()
    found = write_onnx(path, model, said={"licence": "CC-BY-4.0"})
    assert found.trials == 9
    assert found.median <= found.worst < 1e-9
    made = onnx.load(path)
    onnx.checker.check_model(made, full_check=True)
    assert [(one.domain, one.version) for one in made.opset_import] == [("", OPSET)]
    facts = OnnxPlayer(path).facts
    assert (facts["name"], facts["device"], facts["sample_rate"]) == ("demo", "my amp", "48000")
    assert (facts["licence"], facts["numbers"]) == ("CC-BY-4.0", "float32")
    assert json.loads(facts["knobs"])[2]["detents"] == ["off", "+3 dB", "on/full"]
    assert float(facts["input_level_dbu"]) == 12.5
    assert "output_level_dbu" not in facts
    assert float(facts["esr_worst"]) == pytest.approx(found.worst, rel=0.01)
    again = tmp_path / "again.onnx"
    write_onnx(again, model, said={"licence": "CC-BY-4.0"})
    assert again.read_bytes() == path.read_bytes()


def test_int8(tmp_path):
    path, model = tmp_path / "x.onnx", random_model()
    found = write_onnx(path, model, int8=True, audio=plucked(48_000))
    assert 1e-8 < found.median < 1e-3
    made = onnx.load(path)
    onnx.checker.check_model(made)
    assert [(one.domain, one.version) for one in made.opset_import] == [("", OPSET)]
    eight = [i for i in made.graph.initializer if i.data_type == onnx.TensorProto.INT8]
    c = TINY.arrays[0].channels
    assert sum(list(i.dims) == [c, c, 4] for i in eight) == 1
    facts = OnnxPlayer(path).facts
    assert facts["device"] == "my amp"
    assert facts["numbers"].startswith("int8")
    wet = OnnxPlayer(path).play(DRY, moving(len(DRY)))
    assert esr(torch_plays(model, moving(len(DRY))), wet) < 2e-3


def test_weights_that_are_mixed_while_playing_are_not_kept_in_8_bits(tmp_path):
    with pytest.raises(UserError, match="without --int8"):
        write_onnx(tmp_path / "x.onnx", random_model(conditioned(TINY, "basis")), int8=True)
    assert list(tmp_path.iterdir()) == []


def test_a_net_that_has_no_graph(tmp_path):
    class Other(Net):
        forward = fold = None

    model = replace(random_model(), kind="other", net=Other(TINY, PANEL.inputs))
    with pytest.raises(UserError, match="kind other cannot be exported to ONNX"):
        write_onnx(tmp_path / "x.onnx", model)
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_is_silent_everywhere(tmp_path):
    model = random_model()
    with torch.no_grad():
        model.net.head.weight.zero_()
        model.net.head.bias.zero_()
    with pytest.raises(UserError, match="silent at all of 8 settings"):
        write_onnx(tmp_path / "x.onnx", model)
