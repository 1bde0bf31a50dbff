"""`ampsweep dataset coverage`: how well the settings cover the panel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Column, Table

from ampsweep.dataset_verbs.argument import Data
from ampsweep.dataset_verbs.words import cell, plain
from ampsweep.progress import progress
from dataset.coverage import Coverage, Neighbour, cover, draw, neighbours
from dataset.store import Dataset
from rigs.files import make_folder, write_whole


def coverage(
    data: Data,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.svg", help="Write the picture there.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """How evenly the settings lie, where the largest gaps are, and how far apart neighbours sound.

    Distances count a knob's whole range as 1. An ESR of neighbours needs captures of the same dry
    at different settings.
    """
    dataset = Dataset.open(data)
    found = cover(dataset)
    with progress() as bar:
        task = bar.add_task("comparing neighbours", total=None)
        pairs = neighbours(dataset, lambda a, b: bar.update(task, completed=a, total=b))
    if out is not None:
        make_folder(out.parent)
        write_whole(out, draw(found, pairs, dataset.device).encode())
    if as_json:
        typer.echo(json.dumps(_plain(found, pairs), indent=2))
        return
    console = Console(highlight=False)
    typer.echo(
        f"Discrepancy {found.discrepancy:.3g}: {found.evenness:.0%} of that of as many random "
        "settings."
    )
    for role, away in found.distances.items():
        typer.echo(
            f"{role}: {away.min():.2f} to {away.max():.2f}, median {np.median(away):.2f}, from the "
            "nearest train setting."
        )
    console.print(_gaps(found))
    console.print(_knobs(found))
    _say(pairs)
    if out is not None:
        typer.echo(f"{out} shows it.")


def _say(pairs: list[Neighbour]) -> None:
    if not pairs:
        typer.echo("No two settings played the same dry, so neighbours cannot be compared.")
        return
    ratios = np.array([pair.esr for pair in pairs])
    worst = pairs[int(np.argmax(ratios))]
    typer.echo(
        f"ESR of {len(pairs)} settings against their nearest: median {np.median(ratios):.2g}, "
        f"largest {worst.esr:.2g} ({plain(worst.capture_id)} and {plain(worst.nearest)}, "
        f"{worst.distance:.2f} apart)."
    )


def _gaps(found: Coverage) -> Table:
    title = "largest empty balls: what to capture next"
    names = [Column(cell(name)) for name in found.knobs.names]
    table = Table("radius", *names, title=title, title_justify="left")
    for gap in found.gaps:
        table.add_row(
            f"{gap.radius:.2f}", *(f"{round(value, 1):g}" for value in gap.setting.values())
        )
    return table


def _knobs(found: Coverage) -> Table:
    title = "seconds of train along each knob, from its lowest end up"
    table = Table("knob", "", title=title, title_justify="left")
    for name, (_, seconds) in found.histograms.items():
        shown = seconds.get("train", sum(seconds.values()))
        table.add_row(cell(name), " ".join(f"{value:.0f}" for value in np.atleast_1d(shown)))
    return table


def _plain(found: Coverage, pairs: list[Neighbour]) -> dict[str, Any]:
    return {
        "captures": found.captures,
        "discrepancy": found.discrepancy,
        "by_chance": found.by_chance,
        "gaps": [{"radius": gap.radius, "setting": gap.setting} for gap in found.gaps],
        "distances": {role: away.tolist() for role, away in found.distances.items()},
        "histograms": {
            name: {"edges": edges.tolist(), "seconds": {r: s.tolist() for r, s in by.items()}}
            for name, (edges, by) in found.histograms.items()
        },
        "neighbours": [
            {"a": p.capture_id, "b": p.nearest, "distance": p.distance, "esr": p.esr} for p in pairs
        ],
    }
