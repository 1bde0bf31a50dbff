"""Nets by the name of what they run on. A new one is one line here.

Each is what `train.kind` and `train.network` of params.yaml would say; what is said there besides,
such as another conditioning, goes before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from rigs.errors import UserError
from training.models import MODELS, Net

A2_DILATIONS = (1, 3, 7, 17, 41, 101, 239)
"""Those of NAM's A2: primes, so that no two sums of them meet."""


@dataclass(frozen=True)
class Preset:
    """A kind of net and its sizes, and ``runs_on``: what it is for, in a few words."""

    kind: str
    network: Mapping[str, Any]
    runs_on: str


@dataclass(frozen=True)
class Figures:
    """What a net costs: of one sample, folded; ``receptive_field`` in samples."""

    parameters: int
    macs_per_sample: int
    receptive_field: int


PRESETS = {
    "pedal-small": Preset(
        "wavenet",
        {"channels": 4, "kernel_sizes": (6,) * 7, "dilations": A2_DILATIONS},
        "the pedal, with much to spare",
    ),
    "pedal": Preset(
        "wavenet",
        {"channels": 8, "kernel_sizes": (3,) * 10, "dilations": tuple(2**i for i in range(10))},
        "the pedal",
    ),
    "desktop": Preset(
        "wavenet",
        {
            "channels": 8,
            "kernel_sizes": (6,) * 14 + (15, 15) + (6,) * 7,
            "dilations": A2_DILATIONS * 2 + (1, 13) + A2_DILATIONS,
            "head_kernel": 16,
        },
        "a computer; the size of NAM's A2",
    ),
    "nam-standard": Preset(
        "wavenet",
        {
            "arrays": [
                {
                    "channels": channels,
                    "kernel_sizes": (3,) * 10,
                    "dilations": tuple(2**i for i in range(10)),
                    "activation": "tanh",
                }
                for channels in (16, 8)
            ]
        },
        "a computer; NAM's A1 standard",
    ),
    "gru": Preset("gru", {"units": 16}, "the pedal; for devices with a long memory"),
    "lstm": Preset("lstm", {"units": 16}, "the pedal; for devices with a long memory"),
    "convnet": Preset("convnet", {}, "a reference: the small convolutional net"),
    "linear": Preset("linear", {}, "a reference: a filter, no distortion"),
    "wiener-hammerstein": Preset("wiener-hammerstein", {}, "a reference: filter, curve, filter"),
}


def preset(name: str) -> Preset:
    """Raises UserError if there is none of that name."""
    if name not in PRESETS:
        raise UserError(f"There is no preset {name!r}; there are {', '.join(PRESETS)}.")
    return PRESETS[name]


def figures(kind: str, network: Mapping[str, Any], inputs: int) -> Figures:
    """What a net would cost, for ``inputs`` encoded knobs; the random numbers stay as they are."""
    config_class, net_class = MODELS[kind]
    config = config_class.model_validate(dict(network))
    with torch.random.fork_rng(devices=[]):
        net: Net = net_class(config, inputs)
    trained = sum(parameter.numel() for parameter in net.parameters())
    return Figures(trained, net.macs_per_sample, net.receptive_field)
