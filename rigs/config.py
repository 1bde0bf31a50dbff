"""Reading a rig's TOML: the edge where everything is checked once."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rigs.errors import UserError
from rigs.knobs import Knob, KnobTable
from rigs.registry import ACTUATORS, PATHS, build
from rigs.rig import Rig

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
"""Names that become folder names: nothing in them that a path could be made of."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=False, allow_inf_nan=False)


class _Half(BaseModel):
    model_config = ConfigDict(extra="allow", allow_inf_nan=False)
    type: str

    @property
    def options(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class _Knob(_Strict):
    minimum: float | None = None
    maximum: float | None = None
    default: float | None = None
    unit: str | None = None
    taper: str | None = None
    detents: tuple[str, ...] | None = None


class _Levels(_Strict):
    input_dbu: float | None = None
    output_dbu: float | None = None


class _RigFile(_Strict):
    name: str = Field(pattern=NAME)
    device: str = Field(pattern=NAME)
    actuator: _Half
    path: _Half
    knobs: dict[str, _Knob] = {}
    levels: _Levels = _Levels()
    checks: dict[str, float] = {}


def explain(error: ValidationError) -> str:
    """The first thing pydantic found wrong, as `where: what`."""
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"])) or "the file"
    return f"{where}: {first['msg'].removeprefix('Value error, ').lower()}"


def read_toml(path: Path) -> dict[str, Any]:
    """Raises UserError if the file is missing, not a file, or not TOML."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise UserError(f"There is no file {path}; name a rig's TOML file.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"{path} cannot be read as TOML: {error}.") from None


def _knob_table(panel: KnobTable | None, given: dict[str, _Knob]) -> KnobTable:
    if panel is None:
        return KnobTable(
            tuple(Knob(name, **k.model_dump(exclude_none=True)) for name, k in given.items())
        )
    changes = {panel[name].name: knob.model_dump(exclude_none=True) for name, knob in given.items()}
    knobs = []
    for knob in panel:
        change = changes.get(knob.name, {})
        low, high = change.get("minimum", knob.minimum), change.get("maximum", knob.maximum)
        if low < knob.minimum or high > knob.maximum:
            raise UserError(
                f"{knob.name} is given the range {low:g} to {high:g}, but the device's own is "
                f"{knob.minimum:g} to {knob.maximum:g}."
            )
        if low < high and "default" not in change:
            change["default"] = min(max(knob.default, low), high)
        knobs.append(replace(knob, **change))
    return KnobTable(tuple(knobs))


def load_rig(path: Path) -> Rig:
    """The rig that the TOML file describes; raises UserError if anything in it is wrong."""
    raw = read_toml(path)
    try:
        file = _RigFile.model_validate(raw)
    except ValidationError as error:
        raise UserError(f"{path}: {explain(error)}.") from None
    actuator = build(ACTUATORS, file.actuator.type, file.actuator.options, f"{path} [actuator]")
    signal_path = build(PATHS, file.path.type, file.path.options, f"{path} [path]")
    try:
        knobs = _knob_table(signal_path.knobs, file.knobs)
    except UserError as error:
        raise UserError(f"{path} [knobs]: {error}") from None
    return Rig(
        name=file.name,
        device=file.device,
        knobs=knobs,
        actuator=actuator,
        path=signal_path,
        input_level_dbu=file.levels.input_dbu,
        output_level_dbu=file.levels.output_dbu,
        checks=file.checks,
    )
