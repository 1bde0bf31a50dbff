"""`ampsweep export`: a model as files that others play."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ampsweep import grids
from ampsweep.progress import progress
from ampsweep.settings import HELP, named
from training.checkpoint import Model, load_model
from training.exports.nam import GEAR_TYPES, TONE_TYPES
from training.exports.pack import fingerprint, write_pack
from training.exports.pedal import ModelFacts, write_pedal
from training.exports.snapshot import Labels, said_of, write_snapshot

ModelFolder = Annotated[Path, typer.Argument(metavar="MODEL", help="The model's folder.")]
Out = Annotated[Path, typer.Option(help="The file to write.")]


def snapshot(
    model: ModelFolder,
    out: Annotated[Path, typer.Option(help="The file to write; with --grid, a folder.")],
    set_: Annotated[list[str] | None, typer.Option("--set", help=HELP)] = None,
    grid: Annotated[str | None, typer.Option(help=grids.HELP)] = None,
    modeled_by: Annotated[str | None, typer.Option(help="Who made the model.")] = None,
    gear_make: Annotated[str | None, typer.Option(help="Who made the gear.")] = None,
    gear_model: Annotated[str | None, typer.Option(help="What the gear is called.")] = None,
    gear_type: Annotated[str | None, typer.Option(help=f"{', '.join(GEAR_TYPES)}.")] = None,
    tone_type: Annotated[str | None, typer.Option(help=f"{', '.join(TONE_TYPES)}.")] = None,
) -> None:
    """Freeze MODEL at one setting: a .nam file that any NAM player plays; or at many: a pack."""
    loaded = load_model(model)
    labels = Labels(modeled_by, gear_type, gear_make, gear_model, tone_type)
    fixed = named(set_, loaded.knobs)
    date = _trained_at(model)
    if grid is None:
        setting = loaded.knobs.check(fixed)
        write_snapshot(out, loaded, setting, labels, date)
        typer.echo(f"{out}: {loaded.device} at {said_of(loaded, setting)}.")
        return
    settings = grids.parse_grid(grid, loaded.knobs, fixed)
    made_of = fingerprint(model, settings, labels)
    with progress() as bar:
        task = bar.add_task("freezing", total=len(settings))
        written = write_pack(
            out,
            loaded,
            settings,
            labels,
            date,
            made_of,
            lambda done: bar.update(task, completed=done),
        )
    already = "" if written else ", already there"
    typer.echo(f"{out}: {len(settings)} snapshots of {loaded.device}{already}.")


def pedal(model: ModelFolder, out: Out) -> None:
    """Write MODEL with all its knobs as the image that the pedal loads."""
    loaded = load_model(model)
    write_pedal(out, loaded.net, facts_of(loaded))
    typer.echo(f"{out}: {loaded.device}, {out.stat().st_size / 1024:.0f} KiB.")


def facts_of(model: Model) -> ModelFacts:
    """What an image says about a model."""
    return ModelFacts(
        name=model.name,
        device=model.device,
        knobs=model.knobs,
        sample_rate=model.sample_rate,
        input_level_dbu=model.input_level_dbu,
        output_level_dbu=model.output_level_dbu,
    )


def _trained_at(model: Path) -> datetime:
    """When the model was written, so that the same model gives the same file."""
    return datetime.fromtimestamp((model / "model.json").stat().st_mtime, UTC)
