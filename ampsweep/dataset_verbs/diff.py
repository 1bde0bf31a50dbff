"""`ampsweep dataset diff`: what came and went between two versions."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ampsweep.dataset_verbs.argument import Data
from ampsweep.dataset_verbs.words import cell, plain
from dataset.difference import Difference, difference
from rigs.knobs import Setting

SHOWN = 20


def diff(
    data: Data,
    old: Annotated[str, typer.Argument(metavar="REV", help="A commit, tag or branch.")],
    new: Annotated[
        str | None, typer.Argument(metavar="[REV2]", help="Another; the files here if not given.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Which captures and settings came or went between two versions of DATA.

    Both are read from DVC's cache; nothing is checked out.
    """
    found = difference(data, old, new)
    if as_json:
        typer.echo(json.dumps(asdict(found), indent=2))
        return
    if found.nothing:
        typer.echo(f"{found.old} and {found.new} hold the same {found.same} captures.")
        return
    console = Console(highlight=False)
    console.print(_counts(found))
    if found.knobs_changed:
        typer.echo("The knobs, their ranges or the device are not the same.")
    for sign, settings in (("+", found.settings_came), ("−", found.settings_went)):
        for setting in settings[:SHOWN]:
            console.print(cell(f"{sign} {_words(setting)}"), soft_wrap=True)
        if len(settings) > SHOWN:
            typer.echo(f"{sign} … and {len(settings) - SHOWN} settings more (--json has all)")
    if found.changed:
        named = ", ".join(found.changed[:SHOWN])
        typer.echo(
            f"Under the same name they hold something else, which none should: {plain(named)}"
        )


def _counts(found: Difference) -> Table:
    table = Table("", "captures", "settings", "roles", title=f"{found.old} → {found.new}")
    rows = (
        ("came", found.came, found.settings_came, found.roles_came),
        ("went", found.went, found.settings_went, found.roles_went),
    )
    for name, captures, settings, roles in rows:
        words = ", ".join(f"{count} {role}" for role, count in roles.items())
        table.add_row(name, str(len(captures)), str(len(settings)), words)
    table.add_row("changed", str(len(found.changed)), "", "")
    table.add_row("the same", str(found.same), "", "")
    return table


def _words(setting: Setting) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in setting.items())
