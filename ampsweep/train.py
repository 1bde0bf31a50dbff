"""`ampsweep train`: learn a model that has the amp's knobs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from ampsweep.projects import read_section
from dataset.store import Dataset
from rigs.config import explain
from rigs.errors import UserError
from training.fit import Status
from training.options import TrainOptions
from training.run import train_model, trained


def train(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="The device's folder.")],
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="The model's folder, to write.")],
    params: Annotated[Path, typer.Option(help="The recipe; its section `train`.")] = Path(
        "params.yaml"
    ),
) -> None:
    """Train on DATA and write MODEL; goes on where an interrupted training stopped."""
    options = read_options(params)
    dataset = Dataset.open(data)
    if trained(model, dataset, options):
        typer.echo(f"{model} is already trained on this dataset by this recipe.")
        return
    columns = (
        TextColumn("training"),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %"),
        TextColumn("{task.description}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns) as bar:
        task = bar.add_task("", total=1.0)

        def report(status: Status) -> None:
            words = f"step {status.step}, loss {status.loss:.3f}, best ESR {status.best:.3f}"
            bar.update(task, completed=status.fraction, description=words)
            if status.validation is not None and not bar.console.is_terminal:
                bar.console.print(f"{status.fraction:.0%}: {words}")

        made = train_model(model, dataset, options, report)
    facts = made.training
    typer.echo(
        f"{model}: {facts['steps']} steps in {facts['seconds'] / 60:.1f} minutes, "
        f"ESR on validation settings {facts['validation_esr']:.3f}."
    )


def read_options(params: Path) -> TrainOptions:
    """The `train` section; raises UserError if anything in it is wrong."""
    try:
        return TrainOptions.model_validate(read_section(params, "train"))
    except ValidationError as error:
        raise UserError(f"{params}, train: {explain(error)}.") from None
