"""`ampsweep hardware bom`: what to buy, and what it costs."""

from __future__ import annotations

from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hardware import bom as bills

HEADLINE = "$75–85"
"""What a pedal of this kind is usually said to cost."""


def bom(
    what: Annotated[
        Literal["all", "pedal", "rig"], typer.Argument(help="Which bill of materials.")
    ] = "all",
    knobs: Annotated[int, typer.Option(min=1, max=6, help="Knobs that the rig turns.")] = 3,
) -> None:
    """List what to buy for the pedal and for the knob rig, with totals.

    Prices are in US dollars, of November 2026, and approximate: check them before you order.
    """
    console = Console(highlight=False)
    if what in ("all", "pedal"):
        lines = bills.groups(bills.read(bills.PEDAL))
        _print(console, "The pedal", lines["pedal"], 1)
        console.print(f"total {bills.total(lines['pedal'])}; the usual headline is {HEADLINE}\n")
        _print(console, "What the board can also carry", lines["option"], 1)
        console.print(f"total of the option {bills.total(lines['option'])}\n")
    if what in ("all", "rig"):
        rig = bills.read(bills.RIG)
        _print(console, f"The knob rig, for {knobs}", rig, knobs)
        console.print(f"total for {knobs}: {bills.total(rig, knobs)}")
        others = ", ".join(f"{n}: {bills.total(rig, n)}" for n in range(1, 7))
        console.print(f"by number of knobs: {others}")
    console.print("Approximate, November 2026: check before ordering.")


def _print(console: Console, title: str, lines: tuple[bills.Line, ...], knobs: int) -> None:
    table = Table("quantity", "part", "$", "supplier", "search for", title=title)
    for line in lines:
        times = knobs if line.per == "knob" else 1
        table.add_row(
            str(times * line.quantity),
            escape(line.part),
            str(bills.total([line], knobs)).removeprefix("$"),
            escape(line.supplier),
            escape(line.order),
        )
    console.print(table)
