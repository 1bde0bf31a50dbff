"""The conditioned net against a plain reference that knows nothing of torch."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from rigs.audio import esr
from tests.training.random_nets import SMALL, forward, noise, positions, random_net
from training.models import ConditionedWaveNet, WaveNetConfig
from training.models.control import CONTROL_INTERVAL, frames_for
from training.models.static import StaticWaveNet
from training.play import play

KNOBS = 2
FIELD = SMALL.receptive_field
SAMPLES = 5 * CONTROL_INTERVAL
trajectory = partial(positions, inputs=KNOBS)
SHAPES = [SMALL, WaveNetConfig(channels=4, kernel_sizes=(3, 1), dilations=(2, 5), hidden=4)]


@pytest.fixture(params=["torch", "as installed"])
def backend(request, monkeypatch):
    """Where there is a compiler, windows of whole blocks go through C++: test both."""
    if request.param == "torch":
        monkeypatch.setattr("training.native.wavenet.library", lambda: None)
    return request.param


@pytest.fixture
def net() -> ConditionedWaveNet:
    return random_net(SMALL, KNOBS)


def reference(
    net: ConditionedWaveNet, dry: NDArray[Any], knobs: NDArray[Any]
) -> NDArray[np.float64]:
    """One sample after another, in float64, with everything before the first taken as zero.

    ``knobs``: (frames, knobs), one row every 48 samples from the first.
    """
    weights = {k: v.detach().double().numpy() for k, v in net.state_dict().items()}
    config, (array,) = net.config, net.config.arrays
    c = array.channels

    def conditions(position):
        h = position.astype(np.float64)
        for i in range(2):
            h = weights[f"control.layers.{i}.weight"] @ h + weights[f"control.layers.{i}.bias"]
            h = h / (1 + np.abs(h))
        out = weights["control.layers.2.weight"] @ h + weights["control.layers.2.bias"]
        films = out[c:-1].reshape(-1, 2, c)
        return np.concatenate(
            [
                np.exp(out[:c]),
                *(np.concatenate([1 + scale, shift]) for scale, shift in films),
                np.exp(out[-1:]),
            ]
        )

    at_frames = [conditions(position) for position in knobs]
    count = len(array.layers)
    inputs: list[list[NDArray[np.float64]]] = [[] for _ in range(count)]
    mixed: list[NDArray[np.float64]] = []
    wet = []

    def past(history, back):
        return history[-1 - back] if back < len(history) else np.zeros(c)

    for t, u in enumerate(np.asarray(dry, np.float64)):
        frame, fraction = t // CONTROL_INTERVAL, t % CONTROL_INTERVAL / CONTROL_INTERVAL
        here = (1 - fraction) * at_frames[frame]
        if fraction:
            here = here + fraction * at_frames[frame + 1]
        films = here[c:-1].reshape(count, 2, c)
        x = here[:c] * weights["rechannel.weight"][:, 0, 0] * u
        total = np.zeros(c)
        for i, (kernel, dilation) in enumerate(array.layers):
            inputs[i].append(x)
            z = weights[f"layers.{i}.conv.bias"] + weights[f"layers.{i}.mixin.weight"][:, 0, 0] * u
            for tap in range(kernel):
                z = z + weights[f"layers.{i}.conv.weight"][:, :, tap] @ past(
                    inputs[i], (kernel - 1 - tap) * dilation
                )
            z = films[i, 0] * z + films[i, 1]
            a = np.where(z > 0, z, array.negative_slope * z)
            total = total + a
            residual = weights[f"layers.{i}.residual.weight"][:, :, 0] @ a
            x = x + residual + weights[f"layers.{i}.residual.bias"]
        mixed.append(total)
        y = sum(
            weights["head.weight"][0, :, tap] @ past(mixed, config.head_kernel - 1 - tap)
            for tap in range(config.head_kernel)
        )
        wet.append(here[-1] * y + weights["head.bias"][0])
    return np.array(wet)


def play_static(net: StaticWaveNet, dry: NDArray[Any]) -> NDArray[np.float64]:
    """A static net in float64, from the state that endless silence leaves."""
    layers = [layer for array in net.arrays for layer in array.layers]
    field = net.arrays[-1].head_weight.shape[2]
    field += sum((layer.conv_weight.shape[2] - 1) * layer.dilation for layer in layers)
    u = np.concatenate([np.zeros(field - 1), np.asarray(dry, np.float64)])
    x, total = u[None], np.zeros((1, 1))
    for array in net.arrays:
        x = array.rechannel_weight @ x
        for layer in array.layers:
            kernel = layer.conv_weight.shape[2]
            n = x.shape[1] - (kernel - 1) * layer.dilation
            z = layer.conv_bias[:, None] + layer.mixin_weight[:, None] * u[-n:]
            for tap in range(kernel):
                z = z + layer.conv_weight[:, :, tap] @ x[:, tap * layer.dilation :][:, :n]
            leaky = np.where(z > 0, z, array.negative_slope * z)
            a = np.tanh(z) if array.activation == "tanh" else leaky
            total = total[:, -n:] + a
            x = x[:, -n:] + layer.residual_weight @ a + layer.residual_bias[:, None]
        taps = array.head_weight.shape[2]
        n = total.shape[1] - taps + 1
        total = sum(array.head_weight[:, :, tap] @ total[:, tap:][:, :n] for tap in range(taps))
        if array.head_bias is not None:
            total = total + array.head_bias[:, None]
    return total[0]


@pytest.mark.parametrize("config", SHAPES, ids=["three layers", "kernel of one"])
def test_moving_knobs_match_the_reference(backend, config):
    net = random_net(config, KNOBS)
    dry, knobs = noise(SAMPLES), trajectory(frames_for(SAMPLES))
    wet, expected = forward(net, dry, knobs), reference(net, dry, knobs)
    assert np.abs(wet - expected[config.receptive_field - 1 :]).max() < 1e-5
    still = reference(net, dry, np.repeat(knobs[:1], len(knobs), 0))
    assert esr(expected, still) > 0.01, "the knobs do little, so the test says little"


def test_still_knobs_match_the_reference_and_a_constant_trajectory(backend, net):
    dry, knobs = noise(SAMPLES), trajectory(1)
    constant = np.repeat(knobs, frames_for(SAMPLES), 0)
    wet = forward(net, dry, knobs)
    assert np.abs(wet - reference(net, dry, constant)[FIELD - 1 :]).max() < 1e-5
    assert np.abs(wet - forward(net, dry, constant)).max() < 1e-6


def test_a_trajectory_of_another_length_is_refused(net):
    with pytest.raises(ValueError, match="do not fit"):
        forward(net, noise(SAMPLES), trajectory(frames_for(SAMPLES) + 1))


def test_play_joins_its_chunks(backend, net, monkeypatch):
    monkeypatch.setattr("training.play.CHUNK", 2 * CONTROL_INTERVAL)
    samples = SAMPLES - 17
    dry, knobs = noise(samples), trajectory(frames_for(samples))
    before = -(-FIELD // CONTROL_INTERVAL)
    silence = np.concatenate([np.zeros(before * CONTROL_INTERVAL, np.float32), dry])
    rest = np.concatenate([np.repeat(knobs[:1], before, 0), knobs])
    expected = reference(net, silence, rest)[-samples:]
    assert np.abs(play(net, dry, knobs) - expected).max() < 1e-5


def test_a_stream_starts_where_endless_silence_leaves_it(backend, net):
    knobs = trajectory(1)[0]
    silence = play(net, np.zeros(SAMPLES, np.float32), knobs)
    assert np.abs(silence - silence[0]).max() < 1e-6
    longer = play(net, np.concatenate([np.zeros(SAMPLES, np.float32), noise(SAMPLES)]), knobs)
    assert np.abs(longer[SAMPLES:] - play(net, noise(SAMPLES), knobs)).max() < 1e-6


@pytest.mark.parametrize("config", SHAPES, ids=["three layers", "kernel of one"])
def test_folded_it_sounds_the_same(backend, config):
    net = random_net(config, KNOBS)
    dry = noise(SAMPLES)
    for knobs in trajectory(4):
        folded = net.fold(torch.from_numpy(knobs), 48_000)
        assert np.abs(play(net, dry, knobs) - play_static(folded, dry)).max() < 1e-5


@pytest.mark.parametrize("frames", [1, frames_for(SAMPLES)], ids=["still", "moving"])
def test_every_parameter_learns(backend, net, frames):
    wet = net(torch.from_numpy(noise(SAMPLES))[None], torch.from_numpy(trajectory(frames))[None])
    wet.square().mean().backward()
    deaf = f"layers.{len(SMALL.layers) - 1}.residual"  # in NAM's layout, but nothing hears it
    for name, parameter in net.named_parameters():
        if name.startswith(deaf) or name == "head.bias":  # which training leaves at 0
            assert parameter.grad is None or parameter.grad.abs().max() == 0, name
        else:
            assert parameter.grad is not None, name
            assert torch.isfinite(parameter.grad).all(), name
            assert parameter.grad.abs().max() > 0, name


def test_both_backends_have_the_same_gradients(net, monkeypatch):
    def gradients():
        net.zero_grad()
        knobs = torch.from_numpy(trajectory(frames_for(SAMPLES)))[None]
        net(torch.from_numpy(noise(SAMPLES))[None], knobs).square().sum().backward()
        return {n: p.grad.clone() for n, p in net.named_parameters() if p.grad is not None}

    installed = gradients()
    monkeypatch.setattr("training.native.wavenet.library", lambda: None)
    for name, gradient in gradients().items():
        close = torch.allclose(installed[name], gradient, rtol=1e-3, atol=1e-4)
        assert close, (name, (installed[name] - gradient).abs().max())


def test_receptive_field_is_what_an_output_hears(backend, net):
    dry = noise(SAMPLES)
    t = FIELD + 30  # the sample of output that is watched
    knobs = trajectory(1)
    heard = forward(net, dry, knobs)[t - FIELD + 1]

    def changed(at):
        other = dry.copy()
        other[at] += 1
        return forward(net, other, knobs)[t - FIELD + 1] != heard

    assert changed(t)
    assert changed(t - FIELD + 1)
    assert not changed(t - FIELD)
    assert not changed(t + 1)
    assert len(forward(net, dry, knobs)) == SAMPLES - FIELD + 1


def test_a_stream_stands_moves_and_stands_again(backend, net):
    """Each stretch as it is given: one frame for still knobs, all of them for moving ones."""
    still, moving = trajectory(1), trajectory(frames_for(SAMPLES))
    moving[0] = still[0]
    dry = noise(5 * SAMPLES)
    rest = np.repeat(moving[-1:], 3 * SAMPLES // CONTROL_INTERVAL, 0)
    whole = np.concatenate([np.repeat(still, SAMPLES // CONTROL_INTERVAL, 0), moving, rest])
    state, parts = net.silent(torch.from_numpy(still)), []
    for number, knobs in enumerate([still, moving, *[moving[-1:]] * 3]):
        stretch = torch.from_numpy(dry[number * SAMPLES : (number + 1) * SAMPLES])[None]
        with torch.no_grad():
            wet, state = net.advance(state, stretch, torch.from_numpy(knobs)[None])
        assert wet.shape == stretch.shape
        parts.append(wet[0].numpy())
    assert np.abs(np.concatenate(parts) - play(net, dry, whole)).max() < 1e-6
