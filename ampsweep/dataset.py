"""`ampsweep dataset`: look into a dataset."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from dataset.checks import faults
from dataset.store import Dataset
from rigs.errors import UserError
from rigs.files import make_folder, write_whole

Data = Annotated[Path, typer.Argument(metavar="DATA", help="The device's folder, data/DEVICE.")]


def check(
    data: Data,
    metrics: Annotated[Path | None, typer.Option(help="A JSON file to write counts to.")] = None,
) -> None:
    """Decode every capture, hold it against its dry, and count those with flags."""
    found = Dataset.open(data)
    for row in track(list(found.rows()), "checking", transient=True):
        found.audio(row)
        found.dry(row)
        found.trajectory(row)
    flagged = found.captures[found.captures["flags"].map(lambda flags: bool(faults(flags)))]
    for _, row in flagged.iterrows():
        typer.echo(f"{row['capture_id']}: {', '.join(row['flags'])}")
    counts = {
        "captures": len(found),
        "minutes": round(float(found.captures["frames"].sum()) / 48000 / 60, 3),
        "flagged": len(flagged),
        "roles": {str(k): int(v) for k, v in found.captures["role"].value_counts().items()},
    }
    if metrics is not None:
        make_folder(metrics.parent)
        write_whole(metrics, (json.dumps(counts, indent=2, sort_keys=True) + "\n").encode())
    if len(flagged) == len(found):
        raise UserError(f"Every capture in {data} has faults; mend the rig and capture again.")
    typer.echo(f"{len(found)} captures are whole; {len(flagged)} have flags.")


def show(data: Data) -> None:
    """The device's knobs, and what was captured of it."""
    found = Dataset.open(data)
    console = Console()
    knobs = Table("knob", "range", "default", "taper", title=found.device)
    for knob in found.knobs:
        steps = ", ".join(knob.detents) or f"{knob.minimum:g} to {knob.maximum:g} {knob.unit}"
        knobs.add_row(knob.name, steps.strip(), f"{knob.default:g}", knob.taper)
    console.print(knobs)
    roles = Table("role", "captures", "minutes", "with flags")
    for role, rows in found.captures.groupby("role", sort=False):
        minutes = rows["frames"].sum() / 48000 / 60
        flags = int((rows["flags"].map(len) > 0).sum())
        roles.add_row(str(role), str(len(rows)), f"{minutes:.1f}", str(flags))
    console.print(roles)
