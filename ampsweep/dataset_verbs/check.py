"""`ampsweep dataset check`: what of a dataset should not be trusted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ampsweep.dataset_verbs.argument import Data
from ampsweep.dataset_verbs.words import cell, plain
from ampsweep.progress import progress
from ampsweep.projects import PLAN
from dataset.checks import thresholds
from dataset.offline import Finding, Report, recheck
from dataset.offline.report import exclude
from dataset.plan import read_plan
from rigs.config import load_rig
from rigs.errors import UserError
from rigs.files import make_folder, write_whole

LONGEST_TABLE = 100


def check(
    data: Data,
    metrics: Annotated[Path | None, typer.Option(help="A JSON file to write counts to.")] = None,
    rig: Annotated[
        Path | None, typer.Option(metavar="RIG.toml", help="The rig whose [checks] are to be used.")
    ] = None,
    plan: Annotated[
        Path | None, typer.Option(help="The plan that captures are held against; plan.parquet.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Read the rows and the dries; decode no capture.")
    ] = False,
    exclude_: Annotated[
        bool,
        typer.Option("--exclude", help="Exclude captures with faults, in review.parquet."),
    ] = False,
) -> None:
    """Verify every part, dry and capture again, offline; fail if anything is wrong.

    Hashes and lengths, copies, missing dries, parts that were edited or cut short, alignment, and
    the checks of a capture session with today's thresholds. Captures that had flags from the
    start are listed; they are not trained on.
    """
    limits = thresholds(_checks_of(rig)) if rig is not None else None
    held = plan if plan is not None else PLAN if PLAN.is_file() else None
    with progress() as bar:
        task = bar.add_task("reading", total=None)
        report = recheck(
            data,
            listen=not quick,
            limits=limits,
            plan=read_plan(held) if held is not None else None,
            progress=lambda what, done, of: bar.update(
                task, description=what, completed=done, total=of
            ),
        )
    _print(report)
    flagged, captures = len(report.flagged) if len(report.captures) else 0, len(report.captures)
    if metrics is not None and captures:
        make_folder(metrics.parent)
        text = json.dumps(report.counts, indent=2, sort_keys=True) + "\n"
        write_whole(metrics, text.encode())
    if exclude_:
        typer.echo(f"{exclude(report)} captures are excluded in {data / 'review.parquet'} now.")
    if report.faults:
        kinds = ", ".join(f"{count} {kind}" for kind, count in report.kinds.most_common())
        raise UserError(
            f"{len(report.faults)} things are wrong in {data} ({kinds}); mend what the table "
            "names, or leave captures out with --exclude."
        )
    if flagged == captures:
        raise UserError(f"Every capture in {data} has faults; mend the rig and capture again.")
    heard = " as far as their rows tell; nothing was decoded" if quick else ""
    typer.echo(f"{captures} captures are whole{heard}; {flagged} have flags.")


def _checks_of(rig: Path) -> dict[str, float]:
    loaded = load_rig(rig)
    loaded.close()
    return dict(loaded.checks)


def _print(report: Report) -> None:
    if len(report.captures):
        for _, row in report.flagged.iterrows():
            typer.echo(plain(f"{row['capture_id']}: {', '.join(row['flags'])}"))
    console = Console(highlight=False)
    for fault in (True, False):
        rows = [finding for finding in report.findings if finding.fault == fault]
        if rows:
            console.print(_table(rows, "wrong" if fault else "worth knowing"))


def _table(rows: list[Finding], title: str) -> Table:
    table = Table("what", "where", "", title=title, title_justify="left")
    for finding in rows[:LONGEST_TABLE]:
        table.add_row(*map(cell, (finding.what, finding.where, finding.detail)))
    if len(rows) > LONGEST_TABLE:
        table.add_row("…", "", f"and {len(rows) - LONGEST_TABLE} more")
    return table
