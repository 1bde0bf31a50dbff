"""`ampsweep compare`: models side by side on one dataset."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ampsweep.judging import judging
from dataset.store import Dataset
from rigs.errors import UserError
from rigs.files import write_whole
from training.checkpoint import load_model
from training.evaluate.compare import Comparison
from training.evaluate.compare import compare as judge_all
from training.report import write_comparison


def compare(
    models: Annotated[list[Path], typer.Argument(metavar="MODEL...", help="The models' folders.")],
    data: Annotated[Path, typer.Option("--data", help="The device's folder.")],
    json_: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write all figures there.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page with plots there.")
    ] = None,
) -> None:
    """Judge models on the test settings of DATA, and say what each gets wrong and costs.

    Speed is that of rendering on this machine, while nothing else runs.
    """
    for file in (json_, html):
        if file is not None and not file.absolute().parent.is_dir():
            raise UserError(f"{file} cannot be written: its folder is not there; make it first.")
    if len({model.resolve() for model in models}) < len(models):
        raise UserError("A model is named twice; name each once.")
    loaded = [
        (label, load_model(model)) for label, model in zip(labels(models), models, strict=True)
    ]
    dataset = Dataset.open(data)
    with judging("nothing was compared to the end, and nothing was written") as tell:
        found = judge_all(loaded, dataset, tell)
        if html is not None:
            tell("drawing", 1.0)
            write_comparison(html, found)
        if json_ is not None:
            text = json.dumps(found.to_json(), indent=2, allow_nan=False, ensure_ascii=False)
            write_whole(json_, f"{text}\n".encode("utf-8", "replace"))
    show(Console(highlight=False), found)


def labels(models: Sequence[Path]) -> list[str]:
    """What to call each: its folder's name, or as much of the path as tells it from the others."""
    paths = [model.resolve() for model in models]
    for length in range(1, max(len(path.parts) for path in paths) + 1):
        found = ["/".join(path.parts[-length:]) for path in paths]
        if len(set(found)) == len(found):
            break
    return found


def show(console: Console, found: Comparison) -> None:
    """Print what each model gets wrong and what it costs, best median first."""
    lines = [
        {**one.summary(), "best": best}
        for one, best in zip(found.contenders, found.best(), strict=True)
    ]
    lines.sort(key=lambda line: float(line["esr"]["median"]))
    wrong = _table("ESR: median", "p90", "worst", "MRSTFT", "level (dB)", "best at")
    costs = _table("parameters", "MACs/sample", "receptive field", "x real time")
    for line in lines:
        ratios = [f"{line['esr'][key]:.4f}" for key in ("median", "p90", "worst")]
        spectral = f"{line['mrstft']['median']:.3f}" if line["mrstft"] else "–"
        level = f"{line['level_error_db']['median']:.2f}"
        wrong.add_row(Text(line["name"]), *ratios, spectral, level, str(line["best"]))
        whole = [f"{line[key]:,}" for key in ("parameters", "macs_per_sample", "receptive_field")]
        costs.add_row(Text(line["name"]), *whole, f"{line['times_real_time']:.1f}")
    notes = [f"{found.settings} test settings of {found.device}"]
    if found.floor is not None:
        notes.append(f"floor of the ESR {found.floor.esr:.2g}")
    notes.append(f"rendered with {found.threads} thread{'s' if found.threads != 1 else ''}")
    console.print(wrong)
    console.print()
    console.print(costs)
    console.print(Text("; ".join(notes) + "."))


def _table(*columns: str) -> Table:
    """Numbers are shown whole, however narrow the terminal: the names make room."""
    table = Table(box=None, pad_edge=False)
    table.add_column("", overflow="fold")
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True, min_width=len(name))
    return table
