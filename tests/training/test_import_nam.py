"""A `.nam` file as a net to go on from."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from amp_on_disk import SMALL, settings, write

from rigs import nam
from rigs.audio import esr
from rigs.errors import UserError
from rigs.rig import Audio
from tests.rigs import nam_files
from tests.rigs.nam_files import DATA
from tests.training.random_nets import plucked, random_net
from training.checkpoint import build_net
from training.exports.nam import write_nam
from training.imports.nam import Start, net_from_nam
from training.models import WaveNetConfig
from training.options import TrainOptions
from training.play import play
from training.run import train_model, trained

pytestmark = pytest.mark.usefixtures("one_thread")

DRY = plucked(9_600)
INPUTS = 3
A2 = WaveNetConfig(
    arrays=[{"channels": 4, "kernel_sizes": [6, 15], "dilations": [41, 3]}], head_kernel=16
)
ARRAYS = WaveNetConfig.model_validate(
    {
        "arrays": [
            {"channels": 4, "kernel_sizes": [3, 3], "dilations": [1, 9], "activation": "tanh"},
            {"channels": 2, "kernel_sizes": [2], "dilations": [5], "activation": "tanh"},
        ],
        "head_kernel": 3,
    }
)


def file_of(config: WaveNetConfig, path) -> Audio:
    """Write a random net at a setting as a file; what it plays."""
    net, knobs = random_net(config, 2), np.array([0.4, -0.9], np.float32)
    write_nam(path, net.fold(knobs, 48_000), {})
    wet = play(net, DRY, knobs)
    assert np.ptp(wet) > 0.02
    return wet


def plays(start: Start, knobs: list[float]) -> Audio:
    return play(start.net, DRY, np.array(knobs))


@pytest.mark.parametrize("conditioning", ["film", "concat", "basis", "hyper"])
@pytest.mark.parametrize("config", [A2, ARRAYS], ids=["A2", "two arrays"])
def test_it_plays_what_the_file_plays_at_every_setting(config, conditioning, tmp_path):
    wet = file_of(config, tmp_path / "x.nam")
    start = net_from_nam(tmp_path / "x.nam", INPUTS, {"conditioning": conditioning, "hidden": 5})
    for knobs in ([0, 0, 0], [1, -1, 0.3]):
        assert np.abs(plays(start, knobs) - wet).max() < 1e-5
    assert start.config["conditioning"] == conditioning
    again = build_net(start.kind, start.config, INPUTS, "here")
    again.load_state_dict(start.net.state_dict())
    assert np.array_equal(play(again, DRY, np.zeros(INPUTS)), plays(start, [0, 0, 0]))


@pytest.mark.parametrize("conditioning", ["film", "concat", "basis", "hyper"])
def test_an_lstm_plays_what_its_file_plays(conditioning, tmp_path):
    torch.manual_seed(1)
    source = build_net("lstm", {"units": 5}, 2, "here").eval()
    with torch.no_grad():
        source.weights[0].mul_(2)
    knobs = np.array([0.4, -0.9], np.float32)
    write_nam(tmp_path / "x.nam", source.fold(knobs, 48_000), {})
    wet = play(source, DRY, knobs)
    assert np.ptp(wet) > 0.02
    start = net_from_nam(tmp_path / "x.nam", INPUTS, {"conditioning": conditioning})
    assert start.kind == "lstm"
    for knobs in ([0, 0, 0], [1, -1, 0.3]):
        assert np.abs(plays(start, knobs) - wet).max() < 1e-5


@pytest.mark.parametrize("conditioning", ["film", "concat", "basis", "hyper"])
def test_its_knobs_can_be_taught(conditioning, tmp_path):
    """What begins at identity has a gradient that leads away from it."""
    file_of(ARRAYS, tmp_path / "x.nam")
    net = net_from_nam(tmp_path / "x.nam", INPUTS, {"conditioning": conditioning}).net
    knobs = torch.tensor([[[0.5, -1.0, 1.0]]])
    net(torch.from_numpy(DRY)[None], knobs).square().mean().backward()
    taught = [net.control.layers[-1].weight, *net.conditioning.parameters()]
    assert max(float(p.grad.abs().max()) for p in taught if p.grad is not None) > 1e-6


@pytest.mark.parametrize(
    ("name", "closeness"),
    [
        ("BossWN-a2", 1e-10),
        ("A2", 1e-10),
        ("BossWN-standard", 1e-4),
        ("BossWN-nano", 1e-4),
    ],
)
def test_files_of_others(name, closeness):
    path = DATA / "nam/examples" / f"{name}.nam"
    if not path.exists():
        pytest.skip(f"test material absent: {path.name}")
    assert esr(nam.load(path).play(DRY), plays(net_from_nam(path, INPUTS), [0, 1, 0])) < closeness


def _changed(change) -> dict:
    content = json.loads(json.dumps(nam_files.a1(1, 4)))
    change(content)
    return content


GATES = {"gating_mode": ["gated"] * 3, "secondary_activation": ["Sigmoid"] * 3}
SKIP = {"head1x1": {"active": True, "out_channels": 6, "groups": 1}}
UNLIKE = {"activation": ["ReLU", "Tanh", "Tanh"]}
TAIL = {"channels": 3, "out_channels": 1, "kernel_sizes": [2], "activation": "Tanh"}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (nam_files.lstm(1, 2, 2), "2 layers of LSTM, not one"),
        (nam_files.lstm(1, 99, 1), "less than or equal to 64"),
        (nam_files.model("ConvNet", {}, []), "its architecture is ConvNet, and only"),
        (nam_files.a2(**GATES), "with gates"),
        (nam_files.a2(**SKIP), "with a head1x1"),
        (nam_files.a2(bottleneck=3), "with a bottleneck"),
        (nam_files.a2(**UNLIKE), "with a different activation in each layer"),
        (nam_files.a2(activation="ReLU"), "with the activation ReLU"),
        (nam_files.a2(channels=1, bottleneck=1), "greater than or equal to 2"),
        (nam_files.wavenet({"layers": [nam_files.array()], "head": TAIL}), "a further head"),
        (_changed(lambda c: c["weights"].pop()), "needs more than"),
        (_changed(lambda c: c.update(sample_rate=44_100)), "captured at 44100 Hz"),
    ],
)
def test_what_cannot_be_begun_with(content, sentence, tmp_path):
    nam_files.write(tmp_path / "x.nam", content)
    with pytest.raises(UserError, match=sentence):
        net_from_nam(tmp_path / "x.nam", INPUTS)


def test_a_recipe_that_is_none(tmp_path):
    file_of(ARRAYS, tmp_path / "x.nam")
    with pytest.raises(UserError, match="there is no 'telepathy'"):
        net_from_nam(tmp_path / "x.nam", INPUTS, {"conditioning": "telepathy"})


def test_training_begins_with_it(tmp_path):
    path = tmp_path / "x.nam"
    wet = file_of(A2, path)
    dataset = write(tmp_path / "amp", settings(6))
    few = {"steps": 1, "learning_rate": 1e-9, "start_from": str(path)}
    recipe = {name: value for name, value in SMALL.items() if name != "network"}
    chosen = TrainOptions.model_validate({**recipe, **few})
    model = train_model(tmp_path / "m", dataset, chosen, lambda _: None)
    assert model.net.config.arrays == A2.arrays
    knobs = model.knobs.to_inputs(np.array([9.0, 1.0, 1.0]))
    assert np.abs(play(model.net, DRY, knobs) - wet).max() < 1e-4
    assert trained(tmp_path / "m", dataset, chosen)
    file_of(A2.model_copy(update={"head_kernel": 2}), path)
    assert not trained(tmp_path / "m", dataset, chosen)
