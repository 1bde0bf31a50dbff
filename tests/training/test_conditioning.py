"""Every conditioning folds to a static net, and between two settings its weights are linear."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch

from rigs.audio import esr
from tests.training.random_nets import forward, noise, positions, stir
from tests.training.static_nets import play_moving
from tests.training.test_models import play_static
from training.models import ConditionedWaveNet, WaveNetConfig
from training.models.conditioning import CONDITIONINGS, conditioning_of
from training.models.control import CONTROL_INTERVAL, frames_for
from training.play import play

pytestmark = pytest.mark.usefixtures("one_thread")

INPUTS = 3
SAMPLES = 5 * CONTROL_INTERVAL
trajectory = partial(positions, inputs=INPUTS)
ONE = {"channels": 3, "kernel_sizes": (3, 2), "dilations": (1, 7), "head_kernel": 3}
TWO = {
    "arrays": [
        {"channels": 4, "kernel_sizes": (3, 3), "dilations": (1, 2), "activation": "tanh"},
        {"channels": 2, "kernel_sizes": (2, 3), "dilations": (4, 1), "negative_slope": 0.2},
    ],
    "head_kernel": 2,
}


@pytest.fixture(params=list(CONDITIONINGS))
def name(request) -> str:
    return request.param


@pytest.fixture(params=[ONE, TWO], ids=["one array", "two arrays"])
def net(request, name) -> ConditionedWaveNet:
    return lively(request.param, name)


def lively(sizes: dict, name: str) -> ConditionedWaveNet:
    """A net whose knobs matter, with a sound of about full scale."""
    torch.manual_seed(1)
    config = WaveNetConfig.model_validate({**sizes, "conditioning": name, "hidden": 8})
    net = ConditionedWaveNet(config, INPUTS)
    stir(net, 10)
    with torch.no_grad():
        for parameter in net.conditioning.parameters():
            parameter.mul_(2)
        net.head.weight.mul_(4)
    return net.eval()


def test_folded_it_sounds_the_same(net):
    dry = noise(SAMPLES)
    wets = [play(net, dry, knobs) for knobs in trajectory(3)]
    for knobs, wet in zip(trajectory(3), wets, strict=True):
        assert np.abs(wet - play_static(net.fold(knobs, 48_000), dry)).max() < 1e-5
    assert esr(wets[0], wets[1]) > 0.01, "the knobs do little, so the test says little"


def test_moving_its_weights_are_linear_between_frames(net):
    dry, knobs = noise(SAMPLES), trajectory(frames_for(SAMPLES))
    folds = [net.fold(position, 48_000) for position in knobs]
    expected = play_moving(folds, dry)[net.receptive_field - 1 :]
    assert np.abs(forward(net, dry, knobs) - expected).max() < 1e-5
    still = play_moving([folds[0]] * len(folds), dry)[net.receptive_field - 1 :]
    assert esr(expected, still) > 0.01, "the knobs do little, so the test says little"


def test_still_knobs_are_a_constant_trajectory(net):
    dry, knobs = noise(SAMPLES), trajectory(1)
    constant = np.repeat(knobs, frames_for(SAMPLES), 0)
    assert np.abs(forward(net, dry, knobs) - forward(net, dry, constant)).max() < 1e-6


@pytest.mark.parametrize("moving", [False, True], ids=["still", "moving"])
@pytest.mark.parametrize("sizes", [ONE, TWO], ids=["one array", "two arrays"])
@pytest.mark.parametrize("name", ["film", "concat"])
def test_scale_and_shift_are_what_weights_are(name, sizes, moving, monkeypatch):
    monkeypatch.setattr("training.native.wavenet.library", lambda: None)
    net = lively(sizes, name)
    dry, knobs = noise(SAMPLES), trajectory(frames_for(SAMPLES) if moving else 1)
    audio = torch.from_numpy(dry)[None], torch.from_numpy(knobs)[None]

    def result() -> list[torch.Tensor]:
        wet = net(*audio)
        parameters = [p for p in net.parameters() if p.requires_grad]
        grads = torch.autograd.grad(wet.square().sum(), parameters, allow_unused=True)
        return [wet.detach(), *(g for g in grads if g is not None)]

    cheap = result()
    monkeypatch.setattr(type(net.conditioning), "scale_shift", lambda *_: None)
    for ours, theirs in zip(cheap, result(), strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-3, atol=1e-5 * float(theirs.abs().max()))


def test_every_parameter_learns(net):
    knobs = torch.from_numpy(trajectory(frames_for(SAMPLES)))[None]
    net(torch.from_numpy(noise(SAMPLES))[None], knobs).square().mean().backward()
    deaf = f"layers.{len(net.layers) - 1}.residual"  # in NAM's layout, but nothing hears it
    for name, parameter in net.named_parameters():
        if not name.startswith(deaf) and name != "head.bias":
            assert parameter.grad is not None, name
            assert parameter.grad.abs().max() > 0, name


def test_concatenation_is_the_knobs_as_further_inputs():
    """Of each layer: the knobs, constant channels, go through weights of their own."""
    net, knobs = lively(ONE, "concat"), trajectory(1)[0]
    with torch.no_grad():  # so that nothing but the layers' biases can follow the knobs
        net.control.layers[-1].weight.zero_()
    layers = net.fold(knobs, 48_000).arrays[0].layers
    noon = net.fold(np.zeros(INPUTS, np.float32), 48_000).arrays[0].layers
    for i, (here, there) in enumerate(zip(layers, noon, strict=True)):
        added = net.conditioning.knobs[i].weight.detach().numpy() @ knobs
        assert np.allclose(here.conv_bias - there.conv_bias, added, atol=1e-6)
        assert np.array_equal(here.conv_weight, there.conv_weight)


def test_each_has_a_level_of_its_own(name):
    net = lively(ONE, name)
    stir(net, 0)
    with torch.no_grad():
        for parameter in net.conditioning.parameters():
            parameter.zero_()
        quiet = play(net, noise(SAMPLES), np.zeros(INPUTS))
        net.control.layers[-1].bias[-1] = np.log(10.0)
        loud = play(net, noise(SAMPLES), np.zeros(INPUTS))
    assert np.allclose(loud, 10 * quiet, rtol=1e-4)


def test_a_map_without_time_is_conditioned_too(name):
    """What recurrent cells do: weights (out, in) at each frame."""
    config = WaveNetConfig.model_validate({"conditioning": name})
    maps = [(8, 3), (1, 8)]
    conditioning = conditioning_of(config, maps, INPUTS)
    outputs = [torch.randn(2, 5, size) for size in conditioning.sizes]
    values = conditioning.values(outputs, torch.randn(2, 5, INPUTS))
    for index, (out, width) in enumerate(maps):
        weight, bias = torch.randn(out, width), torch.randn(out)
        weights, biases = conditioning.weights(index, weight, bias, values[index])
        assert weights.shape == (2, 5, out, width)
        assert biases.shape == (2, 5, out)


def test_a_name_that_there_is_not():
    with pytest.raises(ValueError, match="no 'magic'; there are film, concat, basis, hyper"):
        WaveNetConfig.model_validate({"conditioning": "magic"})
