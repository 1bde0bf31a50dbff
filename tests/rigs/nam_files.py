"""`.nam` files with random weights, of every layout, and audio to play through them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

DATA = Path(__file__).parents[3] / "shared/data"
EXAMPLES = DATA / "nam/examples"

Json = dict[str, Any]


def plucks(frames: int, seed: int = 2) -> np.ndarray:
    """Strings that start at once and die away, over a little noise; peaks of about 0.4."""
    rng = np.random.default_rng(seed)
    t = np.arange(frames) / 48_000
    wave = 0.01 * rng.standard_normal(frames)
    for start, pitch in ((0.02, 82.4), (0.15, 196.0), (0.3, 110.0)):
        s = np.clip(t - start, 0, None)
        harmonics = sum(np.sin(2 * np.pi * n * pitch * s) / n for n in range(1, 8))
        wave += 0.2 * harmonics * np.exp(-6 * s) * (t >= start)
    return wave.astype(np.float32)


def model(architecture: str, config: Json, weights: Any, version: str = "0.7.0") -> Json:
    return {
        "version": version,
        "architecture": architecture,
        "config": config,
        "weights": np.asarray(weights, np.float32).astype(float).tolist(),
        "sample_rate": 48_000,
    }


def write(path: Path, content: Json) -> Path:
    path.write_text(json.dumps(content))
    return path


def count_wavenet(config: Json) -> int:
    """How many weights a WaveNet has, counted from its config alone."""
    total, width = 1, 0
    for array in config["layers"]:
        c = array["channels"]
        bottleneck = array.get("bottleneck", c)
        count = len(array["dilations"])
        kernels = array.get("kernel_sizes", [array.get("kernel_size")] * count)
        modes = array.get("gating_mode", "gated" if array.get("gated") else "none")
        modes = modes if isinstance(modes, list) else [modes] * count
        residual = array.get("layer1x1", {"active": True, "groups": 1})
        skip = array.get("head1x1", {"active": False})
        total += c * array["input_size"]
        for kernel, mode in zip(kernels, modes, strict=True):
            rows = bottleneck * (1 if mode == "none" else 2)
            total += rows * c * kernel // array.get("groups_input", 1) + rows + rows
            if residual["active"]:
                total += c * bottleneck // residual["groups"] + c
            if skip["active"]:
                total += skip["out_channels"] * bottleneck // skip["groups"] + skip["out_channels"]
        into = skip["out_channels"] if skip["active"] else bottleneck
        head = array.get("head") or {
            "out_channels": array.get("head_size"),
            "kernel_size": 1,
            "bias": array.get("head_bias"),
        }
        width = head["out_channels"]
        total += width * into * head["kernel_size"] + width * head["bias"]
    if config.get("head"):
        tail = config["head"]
        for index, kernel in enumerate(tail["kernel_sizes"]):
            last = index == len(tail["kernel_sizes"]) - 1
            out = tail["out_channels"] if last else tail["channels"]
            total += out * width * kernel + out
            width = out
    return total


def wavenet(config: Json, version: str = "0.7.0", seed: int = 1, size: float = 0.35) -> Json:
    """A WaveNet whose weights are random, of about ``size``, which also scales its output."""
    config = {"head": None, "head_scale": size, **config}
    weights = size * np.random.default_rng(seed).standard_normal(count_wavenet(config))
    weights[-1] = size
    return model("WaveNet", config, weights, version)


def a1(seed: int = 1, channels: int = 8, **changes: Any) -> Json:
    """The old layout: two arrays, one of `channels`, the other of half as many."""
    half = channels // 2
    common = {"condition_size": 1, "kernel_size": 3, "activation": "Tanh", "gated": False}
    first = {**common, "input_size": 1, "channels": channels, "head_size": half,
             "head_bias": False, "dilations": [1, 2, 4, 8, 16, 32, 64, 128]}  # fmt: skip
    second = {**common, "input_size": channels, "channels": half, "head_size": 1,
              "head_bias": True, "dilations": [1, 2, 4, 8, 256, 512]}  # fmt: skip
    return wavenet({"layers": [{**first, **changes}, {**second, **changes}]}, "0.5.4", seed, 0.25)


def array(**changes: Any) -> Json:
    """A layer array in the new layout."""
    return {
        "input_size": 1,
        "condition_size": 1,
        "head": {"out_channels": 1, "kernel_size": 16, "bias": True},
        "channels": 6,
        "kernel_sizes": [6, 3, 15],
        "dilations": [1, 41, 7],
        "activation": [{"type": "LeakyReLU", "negative_slope": 0.01}] * 3,
        "bottleneck": 6,
        "head1x1": {"active": False, "out_channels": 1, "groups": 1},
        "layer1x1": {"active": True, "groups": 1},
        "groups_input": 1,
        "groups_input_mixin": 1,
        "conv_pre_film": {"active": False, "shift": True, "groups": 1},
        "gating_mode": ["none"] * 3,
        "secondary_activation": [None] * 3,
        "slimmable": None,
        **changes,
    }


def a2(seed: int = 1, size: float = 0.35, **changes: Any) -> Json:
    """The new layout, one array."""
    return wavenet({"layers": [array(**changes)]}, seed=seed, size=size)


def lstm(seed: int = 1, hidden: int = 5, layers: int = 2) -> Json:
    rng = np.random.default_rng(seed)
    parts = []
    for layer in range(layers):
        inputs = hidden if layer else 1
        size = 1.5 / hidden**0.5  # larger ones make it chaotic
        parts += [size * rng.standard_normal(4 * hidden * (inputs + hidden))]
        parts += [0.5 * rng.standard_normal(4 * hidden), 0.3 * rng.standard_normal(2 * hidden)]
    parts += [0.3 * rng.standard_normal(hidden + 1)]
    config = {"input_size": 1, "hidden_size": hidden, "num_layers": layers}
    return model("LSTM", config, np.concatenate(parts), "0.5.4")


def container(*models: Json) -> Json:
    sizes = [{"max_value": (i + 1) / len(models), "model": m} for i, m in enumerate(models)]
    return model("SlimmableContainer", {"submodels": sizes}, [])
