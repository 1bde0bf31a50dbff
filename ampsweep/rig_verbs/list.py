"""`ampsweep rigs list`: the rigs of a project, and what a rig can be made of."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rigs.config import load_rig
from rigs.errors import UserError
from rigs.registry import ACTUATORS, PATHS, find


def list_rigs(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Where the rigs' files are.")
    ] = Path("rigs"),
) -> None:
    """The rigs in this project, and the actuators and signal paths that one can be made of."""
    console = Console(highlight=False)
    files = sorted(folder.glob("*.toml"))
    if files:
        table, wrong = _rigs(files)
        console.print(table)
        for sentence in wrong:
            console.print(Text(sentence, style="red"), soft_wrap=not console.is_terminal)
    else:
        typer.echo(f"There is no rig in {folder}; `ampsweep rigs new` writes one.")
    console.print(_kinds("actuator: what sets the knobs", ACTUATORS))
    console.print(_kinds("path: what passes the audio", PATHS))


def _rigs(files: list[Path]) -> tuple[Table, list[str]]:
    """A row for each, and what is wrong with those that do not load."""
    wrong: list[str] = []
    table = Table("rig", "device", "actuator", "path", "knobs", "")
    for path in files:
        try:
            rig = load_rig(path)
        except UserError as error:
            wrong.append(str(error))
            table.add_row(Text(str(path)), "", "", "", "", Text("wrong: see below", style="red"))
            continue
        halves = [type_of(ACTUATORS, rig.actuator), type_of(PATHS, rig.path)]
        rig.close()
        row = [str(path), rig.device, *halves, str(len(rig.knobs)), "ok"]
        table.add_row(*map(Text, row))
    return table, wrong


def type_of(registry: dict[str, str], half: object) -> str:
    """The name under which the TOML knows ``half``."""
    place = f"{type(half).__module__}:{type(half).__qualname__}"
    return next((name for name, where in registry.items() if where == place), place)


def _kinds(title: str, registry: dict[str, str]) -> Table:
    table = Table("type", "", title=title, title_justify="left")
    for name in registry:
        table.add_row(name, Text(_about(registry, name)))
    return table


def _about(registry: dict[str, str], name: str) -> str:
    try:
        about = inspect.getdoc(find(registry, name)) or ""
        return " ".join(about.partition("\n\n")[0].split())
    except UserError as error:
        return str(error)
