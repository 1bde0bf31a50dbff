"""What a rig's TOML may name. A new actuator or signal path is one file and one line here."""

from __future__ import annotations

import importlib
from typing import Any

from rigs.errors import UserError

ACTUATORS = {
    "parameters": "rigs.actuators.parameters:Parameters",
}

PATHS = {
    "virtual-amp": "rigs.paths.virtual:VirtualAmpPath",
}


def build(registry: dict[str, str], kind: str, options: dict[str, Any], where: str) -> Any:
    """Make what ``kind`` names with ``options``; raises UserError for a name or option unknown."""
    if kind not in registry:
        raise UserError(f"{where}: there is no type {kind!r}; there are {', '.join(registry)}.")
    module, _, name = registry[kind].partition(":")
    factory = getattr(importlib.import_module(module), name)
    try:
        return factory(**options)
    except TypeError as error:
        raise UserError(f"{where}: the options do not fit type {kind!r}: {error}.") from None
