"""`ampsweep dataset compact`: merge small parts into large files."""

from __future__ import annotations

from typing import Annotated

import typer

from ampsweep.dataset_verbs.argument import Data
from ampsweep.progress import progress
from dataset.compact import LARGE
from dataset.compact import compact as merge


def compact(
    data: Data,
    everything: Annotated[
        bool, typer.Option("--all", help="Also what is too little for a file of 64 MB.")
    ] = False,
) -> None:
    """Merge parts smaller than 64 MB into files of about 128 MB; no sample changes.

    It may be stopped at any moment, and refuses to begin while a session is capturing.
    """
    with progress() as bar:
        task = bar.add_task("merging", total=None)
        done = merge(
            data,
            everything=everything,
            on_part=lambda done, of: bar.update(task, completed=done, total=of),
        )
    if done.merged:
        files = "one file" if len(done.files) == 1 else f"{len(done.files)} files"
        typer.echo(f"{done.merged} parts became {files}; every capture in them was compared.")
    if done.left > 1:
        typer.echo(
            f"{done.left} small parts stay as they are: together they have "
            f"{done.left_bytes / (1 << 20):.1f} MB, and are merged from {LARGE >> 20} MB on, "
            "or now with --all."
        )
    elif not done.merged:
        typer.echo("There is nothing to merge.")
