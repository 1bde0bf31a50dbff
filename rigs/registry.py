"""What a rig's TOML may name. A new actuator or signal path is one file and one line here."""

from __future__ import annotations

import importlib
from typing import Any

from rigs.errors import UserError

ACTUATORS = {
    "parameters": "rigs.actuators.parameters:Parameters",
    "grbl": "rigs.actuators.grbl:Grbl",
    "midi": "rigs.actuators.midi:Midi",
    "person": "rigs.actuators.person:Person",
}

PATHS = {
    "virtual-amp": "rigs.paths.virtual:VirtualAmpPath",
    "lv2": "rigs.paths.lv2:Lv2Path",
    "vst3": "rigs.paths.vst3:Vst3Path",
    "nam-pack": "rigs.paths.nam_pack:NamPack",
    "circuit": "rigs.paths.circuit:Circuit",
    "audio-interface": "rigs.paths.interface:AudioInterface",
}

EXTRAS = {
    "torch": "train",
    "safetensors": "train",
    "jinja2": "train",
    "matplotlib": "train",
    "onnx": "train",
    "onnxruntime": "train",
    "pedalboard": "plugins",
    "mido": "midi",
    "rtmidi": "midi",
    "ray": "cluster",
    "build123d": "cad",
    "ezdxf": "cad",
    "rtree": "cad",
    "trimesh": "cad",
}
"""Packages that not everyone needs, and the extra of ampsweep that brings each."""


def find(registry: dict[str, str], kind: str) -> Any:
    """The class that ``kind`` names; raises UserError if there is none or it lacks a package."""
    if kind not in registry:
        raise UserError(f"there is no type {kind!r}; there are {', '.join(registry)}")
    module, _, name = registry[kind].partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRAS:
            raise
        raise UserError(
            f"type {kind!r} needs {package}, which is not installed: "
            f'run pip install "ampsweep[{EXTRAS[package]}]"'
        ) from None
