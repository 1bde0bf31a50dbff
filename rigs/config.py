"""Reading a rig's TOML: the edge where everything is checked once."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rigs.errors import UserError
from rigs.knobs import Knob, KnobTable
from rigs.registry import ACTUATORS, PATHS, find
from rigs.rig import Rig
from rigs.toml_lines import find_line

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
    what = first["msg"].removeprefix("Value error, ")
    return f"{where}: {what[:1].lower()}{what[1:].rstrip('.')}"


class _Text:
    """The file's text: it tells on which line something is wrong."""

    def __init__(self, path: Path, text: str) -> None:
        self._path, self._text = path, text

    def wrong(self, what: str, *where: object) -> UserError:
        line = find_line(self._text, where)
        return UserError(f"{self._path}{f', line {line}' if line else ''}: {what.rstrip('.')}.")

    def invalid(self, error: ValidationError, *within: object) -> UserError:
        return self.wrong(explain(error), *within, *error.errors()[0]["loc"])


def read_toml(path: Path) -> dict[str, Any]:
    """Raises UserError if the file is missing, not a file, or not TOML."""
    return _read(path)[0]


def _read(path: Path) -> tuple[dict[str, Any], _Text]:
    try:
        text = path.read_text("utf-8")
        return tomllib.loads(text), _Text(path, text)
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


def _half(registry: dict[str, str], half: _Half, at: str, folder: Path, text: _Text) -> Any:
    try:
        kind = find(registry, half.type)
    except UserError as error:
        raise text.wrong(f"{at}.type: {error}", at, "type") from None
    try:
        options = kind.options_type.model_validate(half.options)
    except ValidationError as error:
        raise text.invalid(error, at) from None
    try:
        return kind(options, folder)
    except UserError as error:
        raise text.wrong(str(error), at) from None


def load_rig(path: Path) -> Rig:
    """The rig that the TOML file describes, not yet open.

    Raises UserError, with file and line, if anything in it is wrong.
    """
    raw, text = _read(path)
    try:
        file = _RigFile.model_validate(raw)
    except ValidationError as error:
        raise text.invalid(error) from None
    folder = path.absolute().parent
    actuator = _half(ACTUATORS, file.actuator, "actuator", folder, text)
    signal_path = _half(PATHS, file.path, "path", folder, text)
    try:
        knobs = _knob_table(signal_path.knobs, file.knobs)
    except UserError as error:
        raise text.wrong(str(error), "knobs") from None
    try:
        actuator.check(knobs)
    except UserError as error:
        raise text.wrong(str(error), "actuator") from None
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
