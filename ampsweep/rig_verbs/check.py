"""`ampsweep rigs check`: a dress rehearsal."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.table import Table

from ampsweep.asking import ask_beside
from ampsweep.progress import progress
from dataset.checks import judge, thresholds
from dataset.signals import make
from rigs.config import load_rig
from rigs.errors import UserError
from rigs.findings import SILENCE, faults, level, ratio, remarks
from rigs.rehearsal import Rehearsal, Step, rehearse


def check(
    rig: Annotated[Path, typer.Argument(metavar="RIG.toml", help="The rig to rehearse with.")],
    seconds: Annotated[
        float, typer.Option(min=1, max=60, help="How long to play at each setting.")
    ] = 1.0,
    seed: Annotated[int, typer.Option(min=0, help="Another seed: another playing.")] = 0,
) -> None:
    """Home the knobs, go to each end and noon, play a second of audio there, and judge it all.

    Every knob turns through its whole range, and the device sounds.
    """
    loaded = load_rig(rig)
    if loaded.path.notice:
        typer.echo(loaded.path.notice)
    judged = partial(judge, simulated=loaded.path.simulated, limits=thresholds(loaded.checks))
    dry = make("validation", seconds, seed).audio
    columns = (
        TextColumn("rehearsing"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}"),
    )
    try:
        with progress(*columns) as bar:
            task = bar.add_task("")

            def shown(step: Step) -> None:
                bar.update(
                    task,
                    total=step.total,
                    completed=step.number - 1,
                    description=escape(step.what),
                )

            found = rehearse(loaded, dry, judged, shown, ask_beside(bar))
    except KeyboardInterrupt:
        raise KeyboardInterrupt("Stopped; the rig is silent and its motors are off.") from None
    _print(found)
    for remark in remarks(found):
        typer.echo(f"note: {remark}")
    first, *others = faults(found) or [""]
    for fault in others:
        typer.echo(f"also wrong: {fault}")
    if first:
        raise UserError(f"{rig} is not ready to capture with. {first}")
    typer.echo(f"{rig} is ready to capture with.")


def _print(found: Rehearsal) -> None:
    console = Console()
    takes = Table("setting", "peak dBFS", "RMS dBFS", "latency", "flags")
    for take in found.heard:
        takes.add_row(
            escape(take.name),
            _short(take.verdict.peak_dbfs),
            _short(take.verdict.rms_dbfs),
            f"{take.latency:.2f}",
            escape(", ".join(take.flags)),
        )
    console.print(takes)
    knobs = Table("knob", "end to end changes")
    for effect in found.effects:
        change = "not measured" if effect.change is None else ratio(effect.change)
        knobs.add_row(escape(effect.knob), change)
    console.print(knobs)
    for noise in found.noises:
        motors = f", motors {noise.motors}" if noise.motors else ""
        typer.echo(f"noise floor{motors}: {level(noise.dbfs)}")
    typer.echo(
        f"the same setting again differs by {ratio(found.at_once)}, "
        f"after all knobs have turned by {ratio(found.after_all)}"
    )
    late = "the clicks were not heard" if found.late is None else f"{found.late:.2f} samples"
    typer.echo(f"delay left when latency is removed: {late}")


def _short(dbfs: float) -> str:
    return f"{dbfs:.1f}" if dbfs > SILENCE else "silent"
