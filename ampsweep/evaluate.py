"""`ampsweep evaluate`: judge a model on settings and playing that it never saw."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ampsweep.judging import judging
from dataset.store import Dataset
from rigs.files import make_folder
from training.checkpoint import load_model
from training.evaluate.metrics import metrics, write
from training.evaluate.whole import evaluate as judge_all
from training.report import CoverageItem, write_report


def evaluate(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="The model's folder.")],
    data: Annotated[Path, typer.Argument(metavar="DATA", help="The device's folder.")],
) -> None:
    """Write metrics/evaluation.json, plots/*.csv and report/ with report.html in this folder."""
    judged = load_model(model)
    dataset = Dataset.open(data)
    with judging("nothing was judged to the end, and what lay here is as it was") as tell:
        found = judge_all(judged, dataset, str(model), tell)
        numbers = metrics(found)
        coverage = [
            CoverageItem(
                str(row["role"]), dataset.trajectory(row).positions, float(row["frames"]) / 48000
            )
            for row in dataset.select().rows()
        ]
        tell("drawing", 1.0)
        make_folder(Path("report"))
        write_report(Path("report/report.html"), found, numbers, coverage)
        write(Path(), found)
    esr = numbers["esr"]
    typer.echo(
        f"ESR over {numbers['settings']} settings: median {esr['median']:.3f}, 90th percentile "
        f"{esr['p90']:.3f}, worst {esr['worst']:.3f}; see report/report.html."
    )
