"""Bills of materials: CSV files of lines with prices, and what they add up to."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, get_args

from rigs.errors import UserError

Per = Literal["once", "knob"]
FOLDER = Path(__file__).parent
PEDAL, RIG = FOLDER / "pedal/terrarium/bom.csv", FOLDER / "rig/bom.csv"
LARGEST = 1 << 20
"""Bytes of the largest bill that is read."""


@dataclass(frozen=True)
class Line:
    """One line of a bill: ``quantity`` pieces, ``per`` build or per knob, in US dollars for all
    of them together, from ``low`` to ``high``."""

    group: str
    part: str
    quantity: int
    per: Per
    low: float
    high: float
    supplier: str
    order: str
    """What to type into the supplier's search."""
    substitutes: str


@dataclass(frozen=True)
class Total:
    """US dollars, from and to."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"${self.low:.0f}" if self.low == self.high else f"${self.low:.0f}–{self.high:.0f}"


def read(path: Path) -> tuple[Line, ...]:
    """The lines of a bill; raises UserError, with file and line, for anything that is not one."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UserError(f"{path} cannot be read ({reason}); name a bill of materials.") from None
    if len(data) > LARGEST:
        raise UserError(f"{path} is larger than any bill of materials; name another file.")
    try:
        rows = list(csv.DictReader(data.decode("utf-8-sig").splitlines(), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} cannot be read as CSV in UTF-8 ({error}); mend it.") from None
    return tuple(_line(row, f"{path}, line {number}") for number, row in enumerate(rows, 2))


def _line(row: dict[str | None, str | None], where: str) -> Line:
    names = [field.name for field in fields(Line)]
    if set(row) != set(names) or None in row.values():
        raise UserError(f"{where}: the columns must be {', '.join(names)}; mend the line.")
    said = {name: str(row[name]).strip() for name in names}
    try:
        quantity, low, high = int(said["quantity"]), float(said["low"]), float(said["high"])
    except ValueError:
        raise UserError(
            f"{where}: quantity, low and high must be numbers; mend the line."
        ) from None
    if not (said["part"] and said["group"] and quantity > 0 and 0 <= low <= high < 1e6):
        raise UserError(
            f"{where}: a line needs a group, a part, a quantity of 1 or more, and prices from low "
            "to high; mend the line."
        )
    if said["per"] not in get_args(Per):
        raise UserError(f"{where}: per is {said['per']!r}; write once or knob.")
    per: Per = "knob" if said["per"] == "knob" else "once"
    texts = {name: said[name] for name in ("group", "part", "supplier", "order", "substitutes")}
    return Line(**texts, quantity=quantity, per=per, low=low, high=high)


def total(lines: Sequence[Line], knobs: int = 1) -> Total:
    """What ``lines`` cost in all for a build of so many ``knobs``."""
    times = [knobs if line.per == "knob" else 1 for line in lines]
    return Total(
        sum(t * line.low for t, line in zip(times, lines, strict=True)),
        sum(t * line.high for t, line in zip(times, lines, strict=True)),
    )


def groups(lines: Sequence[Line]) -> dict[str, tuple[Line, ...]]:
    """The lines by group, in the order of the file."""
    names = dict.fromkeys(line.group for line in lines)
    return {name: tuple(line for line in lines if line.group == name) for name in names}
