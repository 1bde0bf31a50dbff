"""Which pin of the Daisy Seed does what, from `pins.toml`, and the firmware's header of it.

What the Seed's pins can do is from Electrosmith's Daisy Seed datasheet (pinout): D15 to D25 and D28
reach an analogue converter, D11 and D12 are I2C1, D13 and D14 are USART1.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from rigs.errors import UserError

FILE = Path(__file__).parent / "pins.toml"
HEADER = Path(__file__).parents[2] / "firmware/daisy/pins.h"
LAST = 30
"""The Seed has D0 to D30."""
ANALOGUE = frozenset((*range(15, 26), 28))
ONLY = {"display_scl": {11}, "display_sda": {12}, "midi_tx": {13}, "midi_rx": {14},
        "knob": ANALOGUE}  # fmt: skip
"""What can be on these pins only."""

Board = dict[str, int]
"""The D number of each signal: knob1, knob2, …, led1, display_scl."""


def read(path: Path = FILE) -> dict[str, Board]:
    """The boards of the file; raises UserError if a pin is used twice or cannot do its work."""
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read as TOML ({error}); mend it.") from None
    return {name: _board(f"{path}, [{name}]", table) for name, table in tables.items()}


def _board(where: str, table: object) -> Board:
    if not isinstance(table, Mapping):
        raise UserError(f"{where}: that is no table of pins; write signal = number in it.")
    board: Board = {}
    for signal, pin, kind in _signals(table):
        if not isinstance(pin, int) or isinstance(pin, bool) or not 0 <= pin <= LAST:
            raise UserError(f"{where}: {signal} is on {pin!r}; write a number from 0 to {LAST}.")
        if pin in board.values():
            other = next(name for name, used in board.items() if used == pin)
            raise UserError(f"{where}: {signal} and {other} are both on D{pin}; move one.")
        if pin not in ONLY.get(kind, {pin}):
            able = ", ".join(f"D{n}" for n in sorted(ONLY[kind]))
            raise UserError(f"{where}: {signal} cannot be on D{pin}; it needs one of {able}.")
        board[signal] = pin
    return board


def _signals(table: Mapping[str, object]) -> Iterator[tuple[str, object, str]]:
    """Each signal, its pin and its kind; a list's signals are numbered from 1."""
    for kind, given in table.items():
        if isinstance(given, list):
            yield from ((f"{kind}{n}", pin, kind) for n, pin in enumerate(given, 1))
        else:
            yield kind, given, kind


def header_pin(pin: int) -> int:
    """The place of D ``pin`` on the Seed's 40 header pins, counted from 1."""
    return pin + 1 if pin <= 14 else pin + 7


def constant(signal: str) -> str:
    """``signal`` as C++ calls it: display_scl is kDisplayScl."""
    return "k" + "".join(word[:1].upper() + word[1:] for word in signal.split("_"))


def header(boards: Mapping[str, Board]) -> str:
    """The C++ header: a namespace for each board, a constant for each signal."""
    lines = [
        "// Which pin of the Daisy Seed does what, by its D number.",
        "// Made from hardware/pedal/pins.toml by `ampsweep hardware draw`: change it there.",
        "#pragma once",
        "",
        "#include <cstdint>",
    ]
    for name, board in boards.items():
        lines += ["", f"namespace ampsweep::pins::{name} {{", ""]
        lines += [
            f"inline constexpr std::uint8_t {constant(signal)} = {pin};"
            for signal, pin in board.items()
        ]
        lines += ["", f"}}  // namespace ampsweep::pins::{name}"]
    return "\n".join(lines) + "\n"
