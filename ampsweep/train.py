"""`ampsweep train`: learn a model that has the amp's knobs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ampsweep.projects import read_section
from ampsweep.stopping import Stop
from dataset.store import Dataset
from rigs.config import explain
from rigs.errors import UserError
from training.checkpoint import Model
from training.fit import Status
from training.machine import Choice
from training.models.presets import PRESETS, figures
from training.options import TrainOptions, minutes_of
from training.run import finish, train_model, trained

LISTED_KNOBS = 6
"""The knobs of a device for which --list says how many parameters a net has."""


def train(
    data: Annotated[
        Path | None, typer.Argument(metavar="DATA", help="The device's folder.")
    ] = None,
    model: Annotated[
        Path | None, typer.Argument(metavar="MODEL", help="The model's folder, to write.")
    ] = None,
    params: Annotated[Path, typer.Option(help="The recipe; its section `train`.")] = Path(
        "params.yaml"
    ),
    time: Annotated[
        str | None, typer.Option(metavar="10m", help="Take so long: 90s, 10m, 1h30m.")
    ] = None,
    preset: Annotated[
        str | None, typer.Option(metavar="NAME", help="The net, by a name of --list.")
    ] = None,
    from_: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="MODEL", help="Begin with the weights of another model, or of a .nam."
        ),
    ] = None,
    teacher: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Learn from this bigger model as well.")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(help="Use so many cores, instead of trying how many.")
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="Log with DVCLive into MODEL/live.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="List the presets, and stop.")] = False,
    finish_: Annotated[
        bool, typer.Option("--finish", help="Make a model of the best of a stopped training.")
    ] = False,
) -> None:
    """Train on DATA and write MODEL; goes on where an interrupted training stopped.

    Options go before what the recipe says.
    """
    if list_:
        _list()
        return
    if data is None or model is None:
        raise UserError("Name the device's folder and the model's: ampsweep train DATA MODEL.")
    given = {
        "minutes": time,
        "preset": preset,
        "start_from": from_,
        "teacher": teacher,
        "threads": threads,
        "live": live or None,
    }
    options = read_options(params, {name: v for name, v in given.items() if v is not None})
    dataset = Dataset.open(data)
    if trained(model, dataset, options):
        typer.echo(f"{model} is already trained on this dataset by this recipe.")
        return
    make = finish if finish_ else _train
    facts = make(model, dataset, options).training
    if _first():
        typer.echo(
            f"{model}: {facts['steps']} steps in {facts['seconds'] / 60:.1f} minutes, "
            f"ESR on validation settings {facts['validation_esr']:.3f}."
        )


def _first() -> bool:
    """Whether this is the only process of a training, or the first: the one that reports."""
    return os.environ.get("RANK", "0") == "0"


def _train(folder: Path, dataset: Dataset, options: TrainOptions) -> Model:
    columns = (
        TextColumn("training"),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %"),
        TextColumn("{task.description}"),
        TimeRemainingColumn(),
    )
    with Stop(notice=False) as stop, Progress(*columns, disable=not _first()) as bar:
        task = bar.add_task("", total=1.0)
        latest = ""

        def began(choice: Choice) -> None:
            if _first():
                bar.console.print(f"On this machine: {choice}.")

        def report(status: Status) -> None:
            nonlocal latest
            if status.validation is not None:
                latest = f", ESR {status.validation:.3f} (best {status.best:.3f})"
            words = f"step {status.step}, loss {status.loss:.3f}{latest}"
            bar.update(task, completed=status.fraction, description=words)
            if status.validation is not None and not bar.console.is_terminal:
                bar.console.print(f"{status.fraction:.0%}: {words}")

        return train_model(folder, dataset, options, report, stop=stop, began=began)


def _list() -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("preset", no_wrap=True)
    for heading in ("parameters", "multiply-adds", "hears"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("runs on")
    for name, preset in PRESETS.items():
        found = figures(preset.kind, preset.network, LISTED_KNOBS)
        table.add_row(
            name,
            f"{found.parameters:,}",
            f"{found.macs_per_sample:,}",
            f"{found.receptive_field:,}",
            preset.runs_on,
        )
    Console().print(table)
    typer.echo(
        f"Parameters are with {LISTED_KNOBS} knobs; multiply-adds a sample, at a still setting;\n"
        "what a sample of output hears, in samples."
    )


def read_options(params: Path, given: dict[str, Any] | None = None) -> TrainOptions:
    """The `train` section, with what was ``given`` in the place of what it says.

    Raises UserError if anything in it is wrong.
    """
    section = read_section(params, "train")
    if isinstance(section, dict):
        section = _changed(section, dict(given or {}))
    try:
        return TrainOptions.model_validate(section)
    except ValidationError as error:
        raise UserError(f"{params}, train: {explain(error)}.") from None


def _changed(section: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The section with ``changes`` made to it, and without what these take the place of."""
    instead: set[str] = set()
    if "minutes" in changes:
        instead = {"steps"}
        try:
            changes["minutes"] = minutes_of(changes["minutes"])
        except ValueError as error:
            raise UserError(f"--time: {error}.") from None
    if changes.keys() & {"preset", "start_from"}:
        instead |= {"kind", "network", "preset"}
    machine = section.get("machine") or {}
    if "threads" in changes and isinstance(machine, dict):
        changes["machine"] = {**machine, "threads": changes.pop("threads")}
    return {k: v for k, v in section.items() if k not in instead} | changes
