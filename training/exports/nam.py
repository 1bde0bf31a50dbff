"""Snapshots as `.nam` files (version 0.7.0), which any player of Neural Amp Modeler loads.

The layout is what neural-amp-modeler 0.13 writes. The loudness that it adds is left out: it is
measured on a recording of that package, which is not ours to ship.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rigs.errors import UserError
from rigs.nam.wavenet_file import FILMS
from training.exports.files import write_export
from training.models.static import StaticWaveNet

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
    input_level_dbu: float | None = None,
    output_level_dbu: float | None = None,
) -> dict[str, Any]:
    """NAM's metadata for a snapshot of ``model`` at ``setting``; what is None is left out.

    Raises UserError for a gear or tone type that NAM does not have.
    """
    _check_choice("gear type", gear_type, GEAR_TYPES)
    _check_choice("tone type", tone_type, TONE_TYPES)
    parts = ("year", "month", "day", "hour", "minute", "second")
    fields: dict[str, Any] = {
        "date": {part: getattr(date, part) for part in parts},
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


def _check_choice(what: str, given: str | None, choices: tuple[str, ...]) -> None:
    if given is not None and given not in choices:
        raise UserError(f"NAM has no {what} {given!r}; choose one of {', '.join(choices)}.")


def to_nam(net: StaticWaveNet, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The contents of a `.nam` file; raises UserError if a weight is not finite."""
    count = len(net.layers)
    inactive = {"active": False, "shift": True, "groups": 1}
    array = {
        "input_size": 1,
        "condition_size": 1,
        "head": {"out_channels": 1, "kernel_size": net.head_weight.shape[1], "bias": True},
        "channels": net.channels,
        "kernel_sizes": [layer.conv_weight.shape[2] for layer in net.layers],
        "dilations": [layer.dilation for layer in net.layers],
        "activation": [
            {"type": "LeakyReLU", "negative_slope": net.negative_slope} for _ in net.layers
        ],
        "bottleneck": net.channels,
        "head1x1": {"active": False, "out_channels": 1, "groups": 1},
        "layer1x1": {"active": True, "groups": 1},
        "groups_input": 1,
        "groups_input_mixin": 1,
        **{position: dict(inactive) for position in FILMS},
        "gating_mode": ["none"] * count,
        "secondary_activation": [None] * count,
        "slimmable": None,
    }
    return {
        "version": VERSION,
        "metadata": dict(metadata),
        "architecture": "WaveNet",
        "config": {"layers": [array], "head": None, "head_scale": 1.0},
        "weights": _weights(net).tolist(),
        "sample_rate": float(net.sample_rate),
    }


def _weights(net: StaticWaveNet) -> NDArray[np.float32]:
    """All weights in NAM's order; the last is the head scale."""
    parts: list[Any] = [net.rechannel_weight]
    for layer in net.layers:
        parts += [
            layer.conv_weight,
            layer.conv_bias,
            layer.mixin_weight,
            layer.residual_weight,
            layer.residual_bias,
        ]
    parts += [net.head_weight, net.head_bias, 1.0]
    weights = np.concatenate([np.ravel(part).astype(np.float32) for part in parts])
    if not np.isfinite(weights).all():
        raise UserError("The model holds a weight that is not a number; train it again.")
    return weights


def write_nam(path: Path, net: StaticWaveNet, metadata: Mapping[str, Any]) -> None:
    """Write a `.nam` file; raises UserError if it cannot be written.

    Every weight is printed as the float64 that equals it, so a player reads back the same float32.
    """
    write_export(path, json.dumps(to_nam(net, metadata), allow_nan=False).encode())
