"""`ampsweep doctor`: what this machine can capture with, and what is missing."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from rigs.inventory import PATIENCE, Section, inventory

FEW = 5


def doctor(
    everything: Annotated[
        bool, typer.Option("--all", help="Every device and plugin, not just the first few.")
    ] = False,
) -> None:
    """Look for audio devices, serial ports, plugins and MIDI, and say how to get what is missing.

    Nothing is played, moved or changed.
    """
    console = Console(highlight=False)
    for section in inventory(patience=PATIENCE):
        _print(console, section, everything)


def _print(console: Console, section: Section, everything: bool) -> None:
    count = f" ({len(section.found)})" if len(section.found) > FEW else ""
    console.print(Text(section.title + count, style="bold"))
    shown = section.found if everything else section.found[:FEW]
    for name, about in shown:
        _line(console, "  ", f"{name}  {about}".rstrip())
    if len(shown) < len(section.found):
        _line(console, "  ", f"… and {len(section.found) - len(shown)} more: --all shows them")
    for sentence in section.missing:
        _line(console, "  ! ", sentence, "yellow")


def _line(console: Console, mark: str, line: str, style: str = "") -> None:
    # Names of devices come from outside: nothing in them may steer the terminal.
    clean = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)
    console.print(Text(mark + clean, style=style), soft_wrap=not console.is_terminal)
