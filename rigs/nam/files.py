"""From a `.nam` file to its JSON, of which nothing is believed yet."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from rigs.audio import SAMPLE_RATE
from rigs.errors import UserError
from rigs.nam.fields import Fields

LARGEST = 32 << 20
"""Bytes; the largest captures that people share are a twentieth of this."""

OLDEST, NEWEST = (0, 5), (0, 7)
"""The file versions that NeuralAmpModelerCore 0.5 plays."""

MOST_SUBMODELS = 64


@dataclass(frozen=True)
class NamFile:
    """One model of a `.nam` file: a container's largest."""

    name: str
    architecture: str
    config: Fields
    weights: list[Any]
    metadata: dict[str, Any]


def read_nam(path: Path) -> NamFile:
    """Raises UserError if the file is missing, too large, not a `.nam` file or not at 48 kHz."""
    top = Fields(_read_json(path), path.name)
    model = _checked(top)
    metadata = _metadata(top)
    if top.values["architecture"] == "SlimmableContainer":
        model = _checked(_full_size(model.within("config")))
        if model.values["architecture"] == "SlimmableContainer":
            raise model.unplayable("a container within a container")
        metadata = {**_metadata(model), **metadata}
    weights = model.values.get("weights")
    if not isinstance(weights, list):
        raise model.wrong("weights is missing, or not a list; get the file again")
    return NamFile(path.name, model.text("architecture"), model.within("config"), weights, metadata)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        if not path.is_file():
            raise UserError(f"There is no file {path}; check its name.")
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}); check its permissions.") from None
    if len(data) > LARGEST:
        raise UserError(
            f"{path.name} is larger than {LARGEST >> 20} MiB, which no capture of an amp is; leave "
            "it out."
        )
    try:
        parsed = json.loads(data, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:  # ValueError: not UTF-8 or not JSON
        why = str(error) or "it is nested too deeply"
        raise UserError(
            f"{path.name} is not a .nam file, or a damaged one ({why}); get it again."
        ) from None
    if not isinstance(parsed, dict):
        raise UserError(f"{path.name} is not a .nam file: it holds no object; get it again.")
    return parsed


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"it holds {constant}, which is not a number")


def _checked(model: Fields) -> Fields:
    """``model``, whose version and sample rate are such as can be played."""
    version = model.text("version")
    parts = re.fullmatch(r"(\d{1,4})\.(\d{1,4})\.\d{1,4}", version, re.ASCII)
    if parts is None or not OLDEST <= (int(parts[1]), int(parts[2])) <= NEWEST:
        raise model.wrong(
            f"its file version is {version[:20]!r}, but versions 0.5 to 0.7 can be played; get "
            "the capture in one of these"
        )
    model.text("architecture")
    # Files from before the rate was written down are at 48 kHz: NAM trained at no other.
    rate = model.number("sample_rate") if model.has("sample_rate") else float(SAMPLE_RATE)
    if rate != SAMPLE_RATE:
        raise model.wrong(
            f"it was captured at {rate:g} Hz, and everything here runs at {SAMPLE_RATE} Hz; get a "
            "capture at that rate"
        )
    return model


def _metadata(model: Fields) -> dict[str, Any]:
    found = model.values.get("metadata")
    return found if isinstance(found, dict) else {}


def _full_size(container: Fields) -> Fields:
    sizes = container.each("submodels", MOST_SUBMODELS)
    return max(sizes, key=lambda size: size.number("max_value")).within("model")
