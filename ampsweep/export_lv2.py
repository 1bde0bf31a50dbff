"""`ampsweep export lv2`: a model as a plugin, for whatever hosts LV2."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console

from ampsweep.images import ModelOrImage, image_of
from dataset.store import Dataset
from rigs.errors import UserError
from rigs.knobs import KnobTable, Setting
from training.exports.lv2 import write_bundle

MOST_PRESETS = 100


def lv2(
    model: ModelOrImage,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the bundle goes; hosts look in ~/.lv2.")
    ] = Path("~/.lv2"),
    data: Annotated[
        Path | None,
        typer.Option(metavar="DATA", help="A dataset whose settings become presets."),
    ] = None,
    licence: Annotated[
        str | None, typer.Option(help="What others may do with it, as in CC-BY-4.0.")
    ] = None,
    native: Annotated[
        bool, typer.Option("--native", help="For this processor alone, as fast as it can.")
    ] = False,
) -> None:
    """Write MODEL as an LV2 bundle: a plugin whose ports are the device's knobs.

    It is compiled here and holds all it needs, so it can be copied to machines of the same kind.
    """
    if licence is not None and not re.fullmatch(r"[A-Za-z0-9.+-]{1,64}", licence):
        raise UserError(f"--licence {licence!r} is no SPDX name; give one such as CC-BY-4.0.")
    image, facts = image_of(model)
    presets = [] if data is None else captured(data, facts.knobs)
    with Console().status("compiling"):
        bundle, description = write_bundle(out.expanduser(), image, presets, licence, native=native)
    typer.echo(
        f"{bundle}: {facts.device}, {len(facts.knobs)} knobs, presets: {1 + len(presets)}, "
        f"as {description.uri}."
    )


def captured(folder: Path, knobs: KnobTable) -> list[Setting]:
    """Settings that were captured standing still, each once; some of them, if they are many."""
    dataset = Dataset.open(folder)
    if dataset.knobs.names != knobs.names:
        raise UserError(
            f"{folder} has the knobs {', '.join(dataset.knobs.names)}, but the model "
            f"{', '.join(knobs.names)}; name the dataset that it was trained on."
        )
    chosen = dataset.select()
    still = chosen.captures["trajectory_rate"].isna().to_numpy()
    rows = np.unique(chosen.settings()[still], axis=0)
    if len(rows) > MOST_PRESETS:
        rows = rows[np.linspace(0, len(rows) - 1, MOST_PRESETS).round().astype(int)]
    settings = (knobs.to_setting(row) for row in rows)
    return [setting for setting in settings if setting != knobs.default]
