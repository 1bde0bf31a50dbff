"""`ampsweep dataset import`: captures made elsewhere, or exported before."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import SpinnerColumn, TextColumn

from ampsweep.dataset_verbs.argument import Data
from ampsweep.progress import progress
from dataset.imports import IMPORTS, Options, kind_of
from dataset.imports.named import read_options
from rigs.errors import UserError


def import_(
    data: Data,
    source: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the captures are.")],
    kind: Annotated[
        str | None,
        typer.Option("--from", help=f"One of {', '.join(IMPORTS)}; found out if not said."),
    ] = None,
    options: Annotated[
        Path | None,
        typer.Option(metavar="TOML", help="For WAVs with settings in their names: a [path]."),
    ] = None,
    dry: Annotated[
        str | None, typer.Option(help="What was played, a file seen from FOLDER.")
    ] = None,
    pattern: Annotated[
        str | None, typer.Option(help="Where knobs stand in the names: G(?P<Gain>[0-9]+)")
    ] = None,
    files: Annotated[str | None, typer.Option(help="Which files, as in *ChA*.wav.")] = None,
    align: Annotated[str | None, typer.Option(help="auto, none, clicks or correlation.")] = None,
    cut: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Cut recordings into pieces.")
    ] = None,
) -> None:
    """Add captures to a device's folder, which is made if it is not there.

    FOLDER is another ampsweep dataset of the same device, an export of one, or recordings of one
    dry at settings that their names say. The same folder again adds nothing.
    """
    found = kind or kind_of(source)
    if found not in IMPORTS:
        raise UserError(f"There is no import {found!r}; imports are {', '.join(IMPORTS)}.")
    said = {"dry": dry, "pattern": pattern, "files": files, "align": align, "cut": cut}
    changes = {name: value for name, value in said.items() if value is not None}
    if found != "names" and (changes or options):
        name = next(iter(changes), "options")
        raise UserError(f"{source} says itself what it holds; leave --{name} out.")
    pack = read_options(options, changes) if found == "names" else None
    with progress(SpinnerColumn(), TextColumn("{task.description}")) as bar:
        task = bar.add_task("reading")
        done = IMPORTS[found](
            data,
            source,
            Options(pack, lambda done: bar.update(task, description=f"{done} captures")),
        )
    for note in done.notes:
        typer.echo(note)
    held = f" ({done.held} were there already)" if done.held else ""
    typer.echo(f"{done.added} captures added to {data}{held}.")
