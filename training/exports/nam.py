"""Snapshots as `.nam` files (version 0.7.0), which any player of Neural Amp Modeler loads.

The layout is what neural-amp-modeler 0.13 writes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from rigs.errors import UserError
from rigs.nam.wavenet_file import FILMS
from training.exports.files import write_export
from training.models.static import StaticArray, StaticRecurrent, StaticWaveNet

VERSION = "0.7.0"
GEAR_TYPES = ("amp", "pedal", "pedal_amp", "amp_cab", "amp_pedal_cab", "preamp", "studio")
TONE_TYPES = ("clean", "overdrive", "crunch", "hi_gain", "fuzz")


def snapshot_metadata(
    *,
    name: str,
    device: str,
    model: str,
    setting: Mapping[str, float],
    date: datetime,
    modeled_by: str | None = None,
    gear_type: str | None = None,
    gear_make: str | None = None,
    gear_model: str | None = None,
    tone_type: str | None = None,
    loudness: float | None = None,
    input_level_dbu: float | None = None,
    output_level_dbu: float | None = None,
) -> dict[str, Any]:
    """NAM's metadata for a snapshot of ``model`` at ``setting``; what is None is left out.

    Raises UserError for a gear or tone type that NAM does not have.
    """
    check_types(gear_type, tone_type)
    parts = ("year", "month", "day", "hour", "minute", "second")
    fields: dict[str, Any] = {
        "date": {part: getattr(date, part) for part in parts},
        "loudness": loudness,
        "name": name,
        "modeled_by": modeled_by,
        "gear_type": gear_type,
        "gear_make": gear_make,
        "gear_model": gear_model,
        "tone_type": tone_type,
        "input_level_dbu": input_level_dbu,
        "output_level_dbu": output_level_dbu,
        "ampsweep": {"device": device, "model": model, "setting": dict(setting)},
    }
    return {key: value for key, value in fields.items() if value is not None}


def check_types(gear_type: str | None, tone_type: str | None) -> None:
    """Raises UserError for a gear or tone type that NAM does not have."""
    for what, given, choices in (
        ("gear type", gear_type, GEAR_TYPES),
        ("tone type", tone_type, TONE_TYPES),
    ):
        if given is not None and given not in choices:
            raise UserError(f"NAM has no {what} {given!r}; choose one of {', '.join(choices)}.")


def to_nam(net: Any, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The contents of a `.nam` file, of a folded net.

    Raises UserError if NAM has no such net, or a weight is not finite.
    """
    if isinstance(net, StaticWaveNet):
        architecture, parts = "WaveNet", _wavenet_weights(net)
        config: dict[str, Any] = {
            "layers": [*map(_array, net.arrays)],
            "head": None,
            "head_scale": 1.0,
        }
    elif isinstance(net, StaticRecurrent) and net.kind == "lstm" and net.skip == 0:
        architecture, parts = "LSTM", _lstm_weights(net)
        config = {"input_size": 1, "hidden_size": net.hidden, "num_layers": 1}
    else:
        raise UserError(
            "This model cannot be written as .nam: NAM's players have WaveNets and LSTMs without a "
            "skip connection; train one of these."
        )
    weights = np.concatenate([np.ravel(part).astype(np.float32) for part in parts])
    if not np.isfinite(weights).all():
        raise UserError("The model holds a weight that is not a number; train it again.")
    return {
        "version": VERSION,
        "metadata": dict(metadata),
        "architecture": architecture,
        "config": config,
        "weights": weights.tolist(),
        "sample_rate": float(net.sample_rate),
    }


def _array(array: StaticArray) -> dict[str, Any]:
    """How NAM describes a layer array."""
    count = len(array.layers)
    inactive = {"active": False, "shift": True, "groups": 1}
    outputs, _, taps = array.head_weight.shape
    activation: dict[str, Any] = {"type": "Tanh"}
    if array.activation == "leaky_relu":
        activation = {"type": "LeakyReLU", "negative_slope": array.negative_slope}
    return {
        "input_size": array.rechannel_weight.shape[1],
        "condition_size": 1,
        "head": {
            "out_channels": outputs,
            "kernel_size": taps,
            "bias": array.head_bias is not None,
        },
        "channels": array.channels,
        "kernel_sizes": [layer.conv_weight.shape[2] for layer in array.layers],
        "dilations": [layer.dilation for layer in array.layers],
        "activation": [dict(activation) for _ in array.layers],
        "bottleneck": array.channels,
        "head1x1": {"active": False, "out_channels": 1, "groups": 1},
        "layer1x1": {"active": True, "groups": 1},
        "groups_input": 1,
        "groups_input_mixin": 1,
        **{position: dict(inactive) for position in FILMS},
        "gating_mode": ["none"] * count,
        "secondary_activation": [None] * count,
        "slimmable": None,
    }


def _wavenet_weights(net: StaticWaveNet) -> list[Any]:
    """All weights in NAM's order; the last is the head scale."""
    parts: list[Any] = []
    for array in net.arrays:
        parts.append(array.rechannel_weight)
        for layer in array.layers:
            parts += [
                layer.conv_weight,
                layer.conv_bias,
                layer.mixin_weight,
                layer.residual_weight,
                layer.residual_bias,
            ]
        parts.append(array.head_weight)
        if array.head_bias is not None:
            parts.append(array.head_bias)
    return [*parts, 1.0]


def _lstm_weights(net: StaticRecurrent) -> list[Any]:
    """All weights in NAM's order: cell, the state from which it starts, head."""
    matrix = np.column_stack([net.input_weight, net.state_weight])
    return [matrix, net.bias, net.silent, net.head_weight, net.head_bias]


def write_nam(path: Path, net: Any, metadata: Mapping[str, Any]) -> None:
    """Write a `.nam` file; raises UserError if it cannot be written.

    Every weight is printed as the float64 that equals it, so a player reads back the same float32.
    """
    write_export(path, json.dumps(to_nam(net, metadata), allow_nan=False).encode())
