"""`ampsweep capture`: play the plan through the rig."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ampsweep.asking import ask_beside
from ampsweep.dry import read_dries
from ampsweep.projects import DATA, DRY, PLAN
from ampsweep.session_view import Shown, View
from ampsweep.stopping import Stop
from dataset.plan import read_plan
from dataset.session import Summary
from dataset.session import capture as run_session
from dataset.session.take import Source as TakeSource
from dataset.workers import WorkerRig, by_workers
from dataset.workers.local import LocalPool
from rigs.config import load_rig


def capture(
    rig: Annotated[Path, typer.Argument(metavar="RIG.toml", help="The rig to capture with.")],
    plan: Annotated[Path, typer.Option(help="The plan to work through.")] = PLAN,
    accept_drift: Annotated[
        bool, typer.Option("--accept-drift", help="Go on where the amp no longer sounds the same.")
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=1024, help="Take an offline rig with so many processes at once."),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Take it on a Ray cluster; local: on this machine."),
    ] = None,
) -> None:
    """Capture what of the plan is not in data/DEVICE yet.

    Ctrl-C finishes the capture in hand and stops; twice, it stops at once.
    """
    loaded = load_rig(rig)
    to_do = read_plan(plan)
    folder = DATA / loaded.device
    if loaded.path.notice:
        typer.echo(loaded.path.notice)
    console = Console(highlight=False)
    with (
        Stop(notice=not console.is_terminal) as stop,
        _takers(WorkerRig(rig.absolute(), to_do.rig), workers, cluster) as source,
    ):
        view = View(loaded.knobs, DATA if DATA.exists() else Path(), stop)
        with Shown(console, view) as shown:
            summary = run_session(
                loaded,
                to_do,
                read_dries(DRY),
                folder,
                shown.event,
                ask=ask_beside(shown),
                stop=stop,
                accept_drift=accept_drift,
                source=source,
            )
    if summary.stopped:
        raise KeyboardInterrupt(
            f"Stopped after {summary.captured} captures, each of them whole; the same command "
            "goes on where it stopped."
        )
    typer.echo(_done(summary, folder))


@contextmanager
def _takers(
    rig: WorkerRig, workers: int | None, cluster: str | None
) -> Iterator[TakeSource | None]:
    """What makes the takes; None: this process, one by one."""
    if cluster is not None:
        from dataset.workers.cluster import ClusterPool

        with ClusterPool(rig, cluster, workers) as pool:
            yield by_workers(pool)
    elif workers is not None:
        with LocalPool(rig, workers) as pool:
            yield by_workers(pool)
    else:
        yield None


def _done(summary: Summary, folder: Path) -> str:
    flagged = f", {summary.flagged} of them with flags" if summary.flagged else ""
    held = f" ({summary.held} were there already)" if summary.held else ""
    log = f"; what happened is in {summary.log.with_suffix('.md')}" if summary.log else ""
    return f"{summary.captured} captures written to {folder}{flagged}{held}{log}."
