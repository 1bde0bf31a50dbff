"""`ampsweep export`: a model as files that others play."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ampsweep.settings import HELP, parse
from training.checkpoint import Model, load_model
from training.exports.nam import snapshot_metadata, write_nam
from training.exports.pedal import ModelFacts, write_pedal

ModelFolder = Annotated[Path, typer.Argument(metavar="MODEL", help="The model's folder.")]
Out = Annotated[Path, typer.Option(help="The file to write.")]


def snapshot(
    model: ModelFolder,
    out: Out,
    set_: Annotated[list[str] | None, typer.Option("--set", help=HELP)] = None,
) -> None:
    """Freeze MODEL at one setting: a .nam file that any NAM player plays."""
    loaded = load_model(model)
    setting = parse(set_, loaded.knobs)
    unit = loaded.knobs.to_unit(loaded.knobs.to_array(setting))
    at = ", ".join(f"{name} {value:g}" for name, value in setting.items())
    metadata = snapshot_metadata(
        name=f"{loaded.device} ({at})",
        device=loaded.device,
        model=loaded.name,
        setting=setting,
        date=_trained_at(model),
        input_level_dbu=loaded.input_level_dbu,
        output_level_dbu=loaded.output_level_dbu,
    )
    write_nam(out, loaded.net.fold(unit, loaded.sample_rate), metadata)
    typer.echo(f"{out}: {loaded.device} at {at}.")


def pedal(model: ModelFolder, out: Out) -> None:
    """Write MODEL with all its knobs as the image that the pedal loads."""
    loaded = load_model(model)
    write_pedal(out, loaded.net, _facts(loaded))
    typer.echo(f"{out}: {loaded.device}, {out.stat().st_size / 1024:.0f} KiB.")


def _facts(model: Model) -> ModelFacts:
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
