"""Reading a rig's TOML: the edge where everything is checked once."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rigs.errors import UserError
from rigs.knobs import Knob, KnobTable
from rigs.registry import ACTUATORS, PATHS, find
from rigs.rig import Rig
from rigs.toml_lines import find_line
from rigs.toml_words import explain_syntax, explain_value, suggest

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
"""Names that become folder names: nothing in them that a path could be made of."""


LARGEST = 1 << 20
"""Bytes of the largest rig's file that is read."""


_Number = Annotated[float, Field(strict=True)]
"""Not text that reads like one, and neither true nor false."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=False, allow_inf_nan=False)


class _Knob(_Strict):
    minimum: _Number | None = None
    maximum: _Number | None = None
    default: _Number | None = None
    unit: str | None = None
    taper: str | None = None
    detents: tuple[str, ...] | None = None


class _Levels(_Strict):
    input_dbu: _Number | None = None
    output_dbu: _Number | None = None


class _RigFile(_Strict):
    name: str = Field(pattern=NAME)
    device: str = Field(pattern=NAME)
    actuator: dict[str, Any]
    path: dict[str, Any]
    knobs: dict[str, _Knob] = {}
    levels: _Levels = _Levels()
    checks: dict[str, _Number] = {}


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
        # What is missing from the top of the file belongs there: on its first line.
        return self.on_line(find_line(self._text, where) or 1, what)

    def on_line(self, line: int, what: str) -> UserError:
        return UserError(f"{self._path}, line {line}: {what.rstrip('.')}.")

    def not_toml(self, error: ValueError) -> UserError:
        what, line = explain_syntax(self._text, error)
        return self.on_line(line, f"this cannot be read as TOML: {what}")

    def invalid(
        self, error: ValidationError, model: type[BaseModel], given: Any, *within: str
    ) -> UserError:
        what, where = explain_value(error, model, given, within)
        return self.wrong(what, *where)


def _read(path: Path) -> tuple[dict[str, Any], _Text]:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise UserError(f"There is no file {path}; name a rig's TOML file.") from None
    except OSError as error:
        raise UserError(
            f"{path} cannot be read ({(error.strerror or str(error)).lower()}); "
            "name a rig's TOML file."
        ) from None
    if len(data) > LARGEST:
        raise UserError(f"{path} is larger than any rig's file ({LARGEST} bytes); name another.")
    try:
        # What Windows' editors put before the first character is no part of the text.
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UserError(
            f"{path}, line {line}: this is not UTF-8 text; save the file as UTF-8."
        ) from None
    return _parsed(text, path)


def _parsed(text: str, path: Path) -> tuple[dict[str, Any], _Text]:
    lines = _Text(path, text)
    try:
        return tomllib.loads(text), lines
    except RecursionError:
        raise UserError(f"{path} has brackets within brackets without end; mend it.") from None
    except ValueError as error:  # TOMLDecodeError, and numbers of thousands of digits
        raise lines.not_toml(error) from None


def _own_knob(name: str, given: _Knob) -> Knob:
    """A knob that only the file knows of: noon is its default, and a switch's first position."""
    said = given.model_dump(exclude_none=True)
    if given.detents:
        said = {"minimum": 0.0, "maximum": len(given.detents) - 1.0, "default": 0.0, **said}
    low, high = said.get("minimum", Knob.minimum), said.get("maximum", Knob.maximum)
    return Knob(name, **{"default": (low + high) / 2, **said})


def _narrowed(knob: Knob, given: _Knob) -> Knob:
    """The device's ``knob`` as the file changes it: over no more than its own range."""
    change = given.model_dump(exclude_none=True)
    low, high = change.get("minimum", knob.minimum), change.get("maximum", knob.maximum)
    if low < knob.minimum or high > knob.maximum:
        raise UserError(
            f"{knob.name} is given the range {low:g} to {high:g}, but the device's own is "
            f"{knob.minimum:g} to {knob.maximum:g}; stay within it."
        )
    if low < high and "default" not in change:
        change["default"] = min(max(knob.default, low), high)
    return replace(knob, **change)


def _knob_table(panel: KnobTable | None, given: dict[str, _Knob], text: _Text) -> KnobTable:
    """The knobs of the path, ``panel``, as the file changes them; the file's own if it has none."""
    knobs = {} if panel is None else {knob.name: knob for knob in panel}
    named: dict[str, str] = {}
    for name, change in given.items():
        try:
            knob = _own_knob(name, change) if panel is None else _narrowed(panel[name], change)
        except UserError as error:
            raise text.wrong(str(error), "knobs", name) from None
        if knob.name in named:
            raise text.wrong(f"{named[knob.name]} and {name} are one knob", "knobs", name)
        named[knob.name] = name
        knobs[knob.name] = knob
    try:
        return KnobTable(tuple(knobs.values()))
    except UserError as error:
        raise text.wrong(str(error), "knobs") from None


def _half(registry: dict[str, str], raw: dict[str, Any], at: str, folder: Path, text: _Text) -> Any:
    options_given = dict(raw)
    type_ = options_given.pop("type", None)
    if not isinstance(type_, str):
        lack = "lacks type" if type_ is None else f"has the type {type_!r}"
        raise text.wrong(
            f'[{at}] {lack}; write type = "…", one of {", ".join(registry)}', at, "type"
        )
    try:
        kind = find(registry, type_)
    except UserError as error:
        there = {"actuator": PATHS, "path": ACTUATORS}[at]
        hint = suggest(type_, registry)
        if type_ in there:
            hint = f" ({type_!r} goes into [{'path' if at == 'actuator' else 'actuator'}])"
        raise text.wrong(f"[{at}] {str(error).rstrip('.')}{hint}", at, "type") from None
    try:
        options = kind.options_type.model_validate(options_given)
    except ValidationError as error:
        raise text.invalid(error, kind.options_type, options_given, at) from None
    try:
        return kind(options, folder)
    except UserError as error:
        raise text.wrong(str(error), at) from None


def load_rig(path: Path) -> Rig:
    """The rig that the TOML file describes, not yet open.

    Raises UserError, with file and line, if anything in it is wrong.
    """
    return _made(path, *_read(path))


def rig_from(text: str, path: Path) -> Rig:
    """The rig that ``text`` describes, as :func:`load_rig` would find it at ``path``."""
    return _made(path, *_parsed(text, path))


def _made(path: Path, raw: dict[str, Any], text: _Text) -> Rig:
    try:
        file = _RigFile.model_validate(raw)
    except ValidationError as error:
        raise text.invalid(error, _RigFile, raw) from None
    folder = path.absolute().parent
    actuator = _half(ACTUATORS, file.actuator, "actuator", folder, text)
    signal_path = _half(PATHS, file.path, "path", folder, text)
    knobs = _knob_table(signal_path.knobs, file.knobs, text)
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
