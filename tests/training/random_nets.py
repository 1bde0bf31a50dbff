"""Nets with random weights whose knobs matter, and audio to play through them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from training.models import ConditionedWaveNet, Net, WaveNetConfig
from training.models.presets import PRESETS
from training.play import play

A2 = WaveNetConfig(
    channels=8,
    kernel_sizes=(6,) * 14 + (15, 15) + (6,) * 7,
    dilations=(1, 3, 7, 17, 41, 101, 239) * 2 + (1, 13) + (1, 3, 7, 17, 41, 101, 239),
    head_kernel=16,
)
"""The sizes of NAM's own A2, which NeuralAmpModelerCore plays with code made for them."""

A1 = WaveNetConfig.model_validate(PRESETS["nam-standard"].network)
"""The sizes of NAM's A1 standard: two arrays, tanh."""

TWO_ARRAYS = WaveNetConfig.model_validate(
    {
        "arrays": [
            {"channels": 3, "kernel_sizes": (3, 2), "dilations": (1, 7), "activation": "tanh"},
            {"channels": 5, "kernel_sizes": (4,), "dilations": (3,), "negative_slope": 0.1},
        ],
        "head_kernel": 3,
        "hidden": 8,
    }
)

TEN_LAYERS = WaveNetConfig(
    channels=8,
    kernel_sizes=(3,) * 10,
    dilations=tuple(2**i for i in range(10)),
    negative_slope=0.2,
)

SMALL = WaveNetConfig(
    channels=3, kernel_sizes=(3, 2, 4), dilations=(1, 7, 3), head_kernel=5, hidden=8
)


def mixed(config: WaveNetConfig) -> WaveNetConfig:
    """The same net, whose knobs mix weights, too."""
    return config.model_copy(update={"conditioning": "basis", "bases": 3})


def stir(net: Any, factor: float) -> None:
    """Have the knobs do so many times as much."""
    with torch.no_grad():
        for parameter in net.control.layers[-1].parameters():
            parameter.mul_(factor)


def random_net(config: WaveNetConfig, knobs: int, seed: int = 1) -> ConditionedWaveNet:
    """A net whose control network moves every scale and shift, with peaks of about full scale."""
    torch.manual_seed(seed)
    net = ConditionedWaveNet(config, knobs)
    with torch.no_grad():
        for parameter in net.control.layers[:-1].parameters():
            parameter.mul_(3)
        stir(net, 30 * min(1.0, 2 / len(config.layers) ** 0.5))
        rng = np.random.default_rng(seed)
        dry = noise(4800)
        peak = max(
            np.abs(play(net, dry, rng.uniform(-1, 1, knobs).astype(np.float32))).max()
            for _ in range(4)
        )
        net.head.weight.div_(peak)
        net.head.bias.div_(peak)
    return net.eval()


def positions(frames: int, inputs: int) -> NDArray[np.float32]:
    """Knobs anywhere at each frame, shape (frames, inputs)."""
    return np.random.default_rng(3).uniform(-1, 1, (frames, inputs)).astype(np.float32)


def forward(net: Net, dry: NDArray[Any], knobs: NDArray[Any]) -> NDArray[np.float32]:
    """One stretch; ``dry``: (samples,), ``knobs``: (frames, inputs)."""
    with torch.no_grad():
        return net(torch.from_numpy(dry)[None], torch.from_numpy(knobs)[None])[0].numpy()


def noise(samples: int, seed: int = 2) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(0, 0.2, samples).clip(-1, 1).astype(np.float32)


def plucked(samples: int) -> NDArray[np.float32]:
    """Four plucked strings: harmonics that start at once and decay."""
    t = np.arange(samples) / 48_000
    strings = np.zeros(samples)
    for i, pitch in enumerate((82.4, 110.0, 196.0, 329.6)):
        since = t - 0.2 * i
        for k in range(1, 9):
            tone = np.sin(2 * np.pi * k * pitch * since) * np.exp(-6 * k * np.maximum(since, 0))
            strings += np.where(since >= 0, tone / k, 0)
    return (0.9 * strings / np.abs(strings).max()).astype(np.float32)
