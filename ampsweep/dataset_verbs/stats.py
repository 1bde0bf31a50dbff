"""`ampsweep dataset stats`: a dataset's levels, noise, latency, flags and repeatability."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from ampsweep.dataset_verbs.argument import Data
from ampsweep.dataset_verbs.words import cell, plain
from dataset.stats import RoleStats, Spread, by_role, by_session, floor, repeats
from dataset.store import Dataset

SILENCE = -150.0
"""dBFS: 24 bits hold nothing below."""


def stats(
    data: Data,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Levels, noise, latency and flags of each role, and how well the sentinels repeat.

    Spreads are the least, the median and the most. The noise is that of the quietest moments.
    """
    found = Dataset.open(data)
    roles, sentinels = by_role(found), repeats(found)
    if as_json:
        whole = {
            "device": found.device,
            "roles": [asdict(role) for role in roles],
            "sessions": [asdict(session) for session in by_session(found)],
            "sentinels": [asdict(repeat) for repeat in sentinels],
            "floor": floor(sentinels),
        }
        typer.echo(json.dumps(whole, indent=2))
        return
    console = Console(highlight=False)
    console.print(_levels(roles))
    for role in roles:
        notes = [f"{count} {flag}" for flag, count in role.flags.items()]
        notes += [f"{role.silent} silent"] if role.silent else []
        notes += [f"{role.excluded} excluded"] if role.excluded else []
        if notes:
            console.print(cell(f"{role.role}: {', '.join(notes)}"), soft_wrap=True)
    lowest = floor(sentinels)
    if lowest is None:
        typer.echo("No sentinel was captured twice, so nothing is known of how well it repeats.")
    else:
        worst = max(sentinels, key=lambda repeat: repeat.esr)
        typer.echo(
            f"ESR of {len(sentinels)} sentinels against the first: median {lowest:.2g}, "
            f"worst {worst.esr:.2g} ({plain(worst.capture_id)}): the floor of any model's ESR."
        )


def _levels(roles: list[RoleStats]) -> Table:
    table = Table(
        "role", "", *(Column(name, justify="right") for name in ("least", "median", "most"))
    )
    for role in roles:
        moving = f", {role.moving} moving" if role.moving else ""
        counts = (f"{role.captures}, {role.minutes:.1f} min{moving}", "", "")
        spreads = (
            ("peak, dBFS", role.peak),
            ("RMS, dBFS", role.rms),
            ("noise, dBFS", role.noise),
            ("latency, samples", role.latency),
        )
        names = (role.role, *counts)
        for name, (what, spread) in zip(names, spreads, strict=True):
            table.add_row(name, what, *_words(spread))
        table.add_section()
    return table


def _words(spread: Spread | None) -> list[str]:
    if spread is None:
        return ["–"] * 3
    values = (spread.least, spread.median, spread.most)
    return [f"{value:.1f}" if value > SILENCE else f"< {SILENCE:g}" for value in values]
