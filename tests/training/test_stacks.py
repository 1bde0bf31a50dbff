"""The reference nets: what they compute, how far they hear, and what oversampling is worth."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from scipy.signal import lfilter

from tests.training.random_nets import forward, noise, positions, stir
from training.checkpoint import build_net
from training.models import Net
from training.models.conditioning import CONDITIONINGS
from training.models.control import CONTROL_INTERVAL, frames_for
from training.models.oversampling import Oversampling, low_pass
from training.models.static import StaticStack
from training.play import play

INPUTS = 3
SAMPLES = 4 * CONTROL_INTERVAL
trajectory = partial(positions, inputs=INPUTS)
NETS: list[tuple[str, dict[str, Any]]] = [
    ("convnet", {"channels": 4}),
    ("convnet", {"channels": 3, "dilations": (2,), "oversampling": 4}),
    ("linear", {"taps": 60}),
    ("wiener-hammerstein", {"taps": 20, "units": 3}),
]
NAMES = ["convnet", "oversampled", "linear", "wiener-hammerstein"]


@pytest.fixture(params=NETS, ids=NAMES)
def net(request) -> Net:
    return lively(*request.param)


def lively(kind: str, sizes: dict[str, Any]) -> Net:
    torch.manual_seed(1)
    net = build_net(kind, {**sizes, "hidden": 8}, INPUTS, "here")
    stir(net, 10)
    with torch.no_grad():
        for layer in net.layers:
            layer.weight.mul_(2)
    return net.eval()


def play_folds(folds: list[StaticStack], dry: np.ndarray) -> np.ndarray:
    """Folds at the control frames, mixed sample by sample; before the first one is silence."""
    factor = folds[0].oversampling
    x = np.zeros((1, factor * len(dry)))
    x[0, ::factor] = dry
    if factor > 1:
        x = factor * lfilter(low_pass(factor), [1], x)
    place = np.arange(x.shape[1]) / (CONTROL_INTERVAL * factor)
    before, share = place.astype(int), place % 1
    for layers in zip(*(fold.layers for fold in folds), strict=True):
        each = np.stack([_convolved(layer, x) for layer in layers])  # (frames, out, samples)
        after = np.minimum(before + 1, len(folds) - 1)
        at = np.arange(x.shape[1])
        x = (1 - share) * each[before, :, at].T + share * each[after, :, at].T
        if layers[0].activation == "tanh":
            x = np.tanh(x)
    if factor > 1:
        x = lfilter(low_pass(factor), [1], x)
    return x[0, ::factor]


def _convolved(layer: Any, x: np.ndarray) -> np.ndarray:
    total = np.repeat(layer.bias[:, None].astype(np.float64), x.shape[1], 1)
    taps = layer.weight.shape[2]
    for tap in range(taps):
        back = (taps - 1 - tap) * layer.dilation
        late = np.pad(x, ((0, 0), (back, 0)))[:, : x.shape[1]]
        total += layer.weight[:, :, tap].astype(np.float64) @ late
    return total


@pytest.mark.parametrize("name", list(CONDITIONINGS))
@pytest.mark.parametrize(("kind", "sizes"), NETS, ids=NAMES)
def test_moving_it_is_its_folds_mixed(kind, sizes, name):
    net = lively(kind, {**sizes, "conditioning": name})
    dry, knobs = noise(SAMPLES), trajectory(frames_for(SAMPLES))
    folds = [net.fold(position, 48_000) for position in knobs]
    expected = play_folds(folds, dry)[net.receptive_field - 1 :]
    wet = forward(net, dry, knobs)
    assert wet.shape == expected.shape
    scale = max(1, np.abs(expected).max())
    assert np.abs(wet - expected).max() < 2e-5 * scale
    still = play_folds(folds[:1] * len(folds), dry)[net.receptive_field - 1 :]
    assert np.abs(expected - still).max() > 0.01 * scale, "the knobs do little"
    assert np.abs(forward(net, dry, knobs[:1]) - still).max() < 2e-5 * scale


def test_receptive_field_is_what_an_output_hears(net):
    dry, knobs, field = noise(SAMPLES), trajectory(1), net.receptive_field
    t = field + 20

    def heard(at: int) -> bool:
        other = dry.copy()
        other[at] += 10
        first = t - field + 1
        return bool(forward(net, other, knobs)[first] != forward(net, dry, knobs)[first])

    assert heard(t)
    assert not heard(t - field)
    assert not heard(t + 1)
    if net.config.factor == 1:  # the ends of the filters may be too faint for float32
        assert heard(t - field + 1)


def test_a_stream_goes_on_from_where_it_was(net):
    dry, knobs = noise(SAMPLES), trajectory(frames_for(SAMPLES))
    whole = play(net, dry, knobs)
    state, parts = net.silent(torch.from_numpy(knobs[:1])), []
    with torch.no_grad():
        for start in (0, 1, 3):
            stop = {0: 1, 1: 3, 3: 4}[start]
            stretch = torch.from_numpy(dry[start * 48 : stop * 48])[None]
            wet, state = net.advance(
                state, stretch, torch.from_numpy(knobs[start : stop + 1])[None]
            )
            parts.append(wet[0].numpy())
    assert np.abs(np.concatenate(parts) - whole).max() < 1e-6


def test_every_parameter_learns(net):
    knobs = torch.from_numpy(trajectory(frames_for(SAMPLES)))[None]
    net(torch.from_numpy(noise(SAMPLES))[None], knobs).square().mean().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_there_and_back_a_tone_is_the_same_and_nothing_is_above_what_a_rate_can_hold(factor):
    oversampling = Oversampling(factor)
    tone = torch.sin(torch.arange(2048) * (2 * np.pi * 3000 / 48_000))[None, None]
    up = oversampling.up(tone)
    spectrum = torch.fft.rfft(up[0, 0] * torch.blackman_window(up.shape[-1])).abs()
    hz = np.linspace(0, 24_000 * factor, len(spectrum))
    assert spectrum[hz > 26_000].max() < 1e-3 * spectrum.max()
    back = oversampling.down(up)[0, 0, 100:]
    assert back.square().mean() == pytest.approx(0.5, rel=1e-2)


def test_oversampled_it_folds_back_less():
    """A loud high tone: what is not a harmonic of it has been folded back at 24 kHz."""
    sizes = {"channels": 4, "kernel_size": 1, "dilations": (1,)}
    tone = np.sin(np.arange(9600) * (2 * np.pi * 7 * 1000 / 48_000)).astype(np.float32)

    def folded_back(factor: int) -> float:
        torch.manual_seed(1)
        net = build_net("convnet", {**sizes, "oversampling": factor}, INPUTS, "here").eval()
        with torch.no_grad():
            net.layers[0].weight.fill_(5)
        wet = play(net, tone, np.zeros(INPUTS))[4800:] * np.hanning(4800)
        power = np.abs(np.fft.rfft(wet)) ** 2
        hz = np.fft.rfftfreq(4800, 1 / 48_000)
        away = np.min([np.abs(hz - 7000 * k) for k in range(4)], axis=0) > 50
        return float(power[away].sum() / power.sum())

    assert folded_back(8) < 0.02 * folded_back(1)
