"""Settings from a CSV file, one a line; with the time of each, if knobs are to move."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rigs.errors import UserError
from rigs.knobs import Knob, KnobTable, Setting

LARGEST = 16 << 20
"""Bytes of the largest file that is read."""


TIME = "time"
"""The first column, in seconds, of a table in which knobs move."""


def read_settings(
    path: Path, knobs: KnobTable, most: int, others: Setting | None = None
) -> NDArray[np.float32]:
    """The settings in ``path``, shape (settings, knobs), at most so many.

    The first line names knobs; those that it does not name stand as ``others`` says, or at their
    default. Columns are parted by commas, semicolons or tabs; a switch's cell holds a detent's
    label or its index. Raises UserError, with line and column, for anything that is not so.
    """
    return _read_table(path, knobs, most, others, timed=False)[1].astype(np.float32)


def read_timed(
    path: Path, knobs: KnobTable, most: int, others: Setting | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times, shape (settings,), in seconds and rising; and settings, as of :func:`read_settings`.

    The first column is `time`. Raises UserError, with line and column.
    """
    return _read_table(path, knobs, most, others, timed=True)


def _read_table(
    path: Path, knobs: KnobTable, most: int, others: Setting | None, timed: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    lines = _read(path).splitlines()
    head = next((line for line in lines if line.strip()), "")
    mark = next((mark for mark in ("\t", ";") if mark in head), ",")
    columns: list[Knob | None] | None = None
    times: list[float] = []
    rows: list[NDArray[np.float64]] = []
    reader = csv.reader(lines, delimiter=mark, strict=True)
    try:
        for cells in reader:
            number = reader.line_num
            if not any(cell.strip() for cell in cells):
                continue
            if columns is None:
                columns = _columns(cells, knobs, f"{path}, line {number}", timed)
                continue
            if len(cells) != len(columns):
                names = ", ".join(TIME if column is None else column.name for column in columns)
                raise UserError(
                    f"{path}, line {number}: there are {len(cells)} cells, but {len(columns)} "
                    f"columns; write one cell for each of {names}."
                )
            if len(rows) == most:
                raise UserError(
                    f"{path}, line {number}: at most {most} settings are taken; split the file."
                )
            setting = dict(others or knobs.default)
            for column, (knob, cell) in enumerate(zip(columns, cells, strict=True), start=1):
                where = f"{path}, line {number}, column {column}"
                if knob is None:
                    times.append(_time(cell.strip(), where, times))
                else:
                    setting[knob.name] = _position(knob, cell.strip(), where)
            rows.append(knobs.to_array(setting))
    except csv.Error as error:
        raise UserError(
            f"{path}, line {reader.line_num}: this cannot be read as CSV ({error}); mend the line."
        ) from None
    if not rows:
        raise UserError(
            f"{path} holds no setting; write the knobs' names on the first line, and a setting on "
            "each line below it."
        )
    return np.array(times), np.array(rows)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise UserError(f"There is no file {path}; check its name.") from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UserError(f"{path} cannot be read ({reason}); name a CSV file.") from None
    if len(data) > LARGEST:
        raise UserError(f"{path} is larger than {LARGEST >> 20} MiB; split it.")
    try:
        # What spreadsheets put before the first character is no part of the text.
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UserError(
            f"{path}, line {line}: this is not UTF-8 text; save the file as UTF-8."
        ) from None


def _columns(cells: list[str], knobs: KnobTable, where: str, timed: bool) -> list[Knob | None]:
    """The knob of each column; None for that of the time."""
    columns: list[Knob | None] = []
    for column, cell in enumerate(cells, start=1):
        try:
            knob = None if timed and column == 1 else knobs[cell.strip()]
        except UserError as error:
            raise UserError(f"{where}, column {column}: {error}") from None
        if knob is not None and knob in columns:
            raise UserError(
                f"{where}, column {column}: {knob.name} has a column already; remove one."
            )
        columns.append(knob)
    if timed and cells[0].strip().casefold() != TIME:
        raise UserError(
            f"{where}, column 1: {cells[0].strip()[:40]!r} should be {TIME!r}: the first column "
            "says when, in seconds."
        )
    if timed and len(columns) == 1:
        raise UserError(f"{where}: no knob has a column; add one for each that moves.")
    return columns


def _time(cell: str, where: str, before: list[float]) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise UserError(f"{where}: {cell[:40]!r} is no time; write seconds, from 0.")
    if before and value <= before[-1]:
        raise UserError(
            f"{where}: {value:g} s does not come after {before[-1]:g} s; put the lines in order."
        )
    return value


def _position(knob: Knob, cell: str, where: str) -> float:
    if cell in knob.detents:
        return float(knob.detents.index(cell))
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        choices = f" or one of {', '.join(knob.detents)}" if knob.detents else ""
        raise UserError(
            f"{where}: {knob.name} cannot be set to {cell[:40]!r}; write a number{choices}."
        )
    try:
        return knob.check(value)
    except UserError as error:
        raise UserError(f"{where}: {error}") from None
