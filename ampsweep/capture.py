"""`ampsweep capture`: play the plan through the rig."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ampsweep.asking import ask_beside
from ampsweep.dry import read_dries
from ampsweep.projects import DATA, DRY, PLAN
from dataset.plan import read_plan
from dataset.session import Event, Kept, Paused, Planned, Progressed, Retrying
from dataset.session import capture as run_session
from rigs.config import load_rig


def capture(
    rig: Annotated[Path, typer.Argument(metavar="RIG.toml", help="The rig to capture with.")],
    plan: Annotated[Path, typer.Option(help="The plan to work through.")] = PLAN,
) -> None:
    """Capture what of the plan is not in data/DEVICE yet."""
    loaded = load_rig(rig)
    to_do = read_plan(plan)
    folder = DATA / loaded.device
    if loaded.path.notice:
        typer.echo(loaded.path.notice)
    columns = (
        TextColumn("capturing"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns) as bar:
        shown = _Shown(bar)
        summary = run_session(
            loaded, to_do, read_dries(DRY), folder, shown.event, ask=ask_beside(bar)
        )
    flagged = f", {summary.flagged} of them with flags" if summary.flagged else ""
    held = f" ({summary.held} were there already)" if summary.held else ""
    typer.echo(f"{summary.captured} captures written to {folder}{flagged}{held}.")


class _Shown:
    """A progress bar in seconds of audio."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("")
        self._done = 0.0

    def event(self, event: Event) -> None:
        match event:
            case Planned():
                self._done = event.seconds_held
                self._bar.update(self._task, total=round(event.seconds_total), completed=self._done)
            case Progressed():
                self._bar.update(
                    self._task,
                    completed=round(self._done + event.seconds),
                    description=f"s of audio, {event.entry.role} {event.entry.index}",
                )
            case Kept():
                self._done += event.entry.frames / 48000
                if event.flags:
                    self._bar.console.print(f"{event.path.stem}: {', '.join(event.flags)}")
            case Paused():
                self._bar.console.print(f"paused at capture {event.entry.index}: {event.reason}")
            case Retrying():
                self._bar.console.print(
                    f"capture {event.entry.index} again: {', '.join(event.flags)}"
                )
