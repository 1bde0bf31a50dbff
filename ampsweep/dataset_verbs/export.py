"""`ampsweep dataset export`: a dataset as other programs read it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ampsweep.dataset_verbs.argument import Data
from ampsweep.progress import progress
from dataset.exports import EXPORTS
from dataset.schema import ROLES
from dataset.store import Dataset
from rigs.errors import UserError


def export(
    data: Data,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A folder that is not there yet.")],
    to: Annotated[str, typer.Option(help=f"One of {', '.join(EXPORTS)}.")],
    role: Annotated[
        list[str] | None, typer.Option(help="Only this role; may be given several times.")
    ] = None,
    flagged: Annotated[bool, typer.Option("--flagged", help="Also captures with faults.")] = False,
) -> None:
    """Write a dataset for NAM's trainer and TONE3000, for Hugging Face, or as WAV and CSV.

    What a review says counts: its roles and flags, and captures that it takes out are left out.
    """
    if to not in EXPORTS:
        raise UserError(f"There is no export {to!r}; exports are {', '.join(EXPORTS)}.")
    found = Dataset.open(data)
    chosen = found.select(role or ROLES, flagged=flagged)
    if not len(chosen):
        raise UserError(f"{data} holds no such captures; choose other roles, or use --flagged.")
    with progress() as bar:
        task = bar.add_task("writing", total=len(chosen))
        done = EXPORTS[to](chosen, out, lambda done: bar.update(task, completed=done))
    typer.echo(f"{done.captures} captures written to {out}.")
    left_out = {**done.left_out, "flagged, excluded or of other roles": len(found) - len(chosen)}
    for reason, count in left_out.items():
        if count:
            typer.echo(f"left out: {count} ({reason})")
