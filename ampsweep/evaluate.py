"""`ampsweep evaluate`: judge a model on settings and playing that it never saw."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import track

from dataset.stats import floor, repeats
from dataset.store import Dataset
from rigs.errors import UserError
from rigs.files import make_folder
from training.checkpoint import load_model
from training.data import still_captures
from training.evaluate import judge, table, write
from training.report import CoverageItem, write_report


def evaluate(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="The model's folder.")],
    data: Annotated[Path, typer.Argument(metavar="DATA", help="The device's folder.")],
) -> None:
    """Write metrics/evaluation.json, plots/*.csv and report/report.html in this folder."""
    judged = load_model(model)
    dataset = Dataset.open(data, judged.device)
    if dataset.knobs != judged.knobs:
        raise UserError(
            f"{data} has other knobs or ranges than {model} was trained with; train it again on "
            "this dataset."
        )
    captures = list(still_captures(dataset, "test"))
    if not captures:
        raise UserError(f"{data} holds no test captures; plan some and capture them.")
    results = [judge(judged, c) for c in track(captures, "evaluating", transient=True)]
    lowest = floor(repeats(dataset))
    found = write(Path(), table(results), judged, lowest)
    coverage = [
        CoverageItem(
            str(row["role"]), dataset.trajectory(row).positions, float(row["frames"]) / 48000
        )
        for row in dataset.select().rows()
    ]
    make_folder(Path("report"))
    write_report(Path("report/report.html"), judged, results, coverage, found, lowest)
    esr = found["esr"]
    typer.echo(
        f"ESR over {found['settings']} settings: median {esr['median']:.3f}, 90th percentile "
        f"{esr['p90']:.3f}, worst {esr['worst']:.3f}; see report/report.html."
    )
