"""`ampsweep hardware verify`: a finished pedal against the model that it plays."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.table import Table

from ampsweep.asking import ask_beside
from ampsweep.images import ModelOrImage, image_of
from ampsweep.progress import progress
from dataset.signals import make, noise
from hardware.pedal import verdict
from hardware.pedal import verify as measuring
from rigs import clicks
from rigs.audio import SAMPLE_RATE, quantise24
from rigs.config import load_rig
from rigs.errors import UserError
from rigs.files import make_folder, write_whole
from rigs.knobs import KnobTable, Setting
from rigs.opened import Opened
from rigs.rig import Audio, Rig
from training.native.engine import NativeEngine

HISS = 0.25
"""Seconds of noise after the playing."""


def verify(
    model: ModelOrImage,
    rig: Annotated[
        Path, typer.Argument(metavar="RIG.toml", help="A rig whose device is the pedal.")
    ],
    out: Annotated[Path, typer.Option(help="The folder for the page, verify.md.")] = Path("verify"),
    seconds: Annotated[
        float, typer.Option(min=1, max=60, help="How long to play at each setting.")
    ] = 2.0,
    settings: Annotated[
        int, typer.Option(min=1, max=100, help="How many settings to compare, beside the pots'.")
    ] = 6,
    seed: Annotated[int, typer.Option(min=0, help="Another seed: other settings.")] = 0,
) -> None:
    """Play through the finished pedal, turn its pots, and compare it with its model.

    The rig turns the pots (or you do, told by it) and passes the audio. Measured are where each pot
    stands by its sound, noise, level, latency, the audio path, and the ESR; one page says what
    passed. Calibrate the rig first, with `ampsweep rigs calibrate`, or the level is not judged.
    """
    image, facts = image_of(model)
    loaded = load_rig(rig)
    _same_knobs(rig, loaded.knobs, facts.knobs)
    engine = NativeEngine(image, str(model))

    def player(dry: Audio, setting: Setting) -> Audio:
        return engine.render(dry.astype(np.float32), facts.knobs.to_array(setting))

    levels = measuring.Levels(
        loaded.input_level_dbu,
        loaded.output_level_dbu,
        facts.input_level_dbu,
        facts.output_level_dbu,
    )
    if loaded.path.notice:
        typer.echo(loaded.path.notice)
    found = _measured(loaded, player, seconds, settings, seed, levels)
    checks = verdict.judge(found)
    _print(checks)
    make_folder(out)
    page = out / "verify.md"
    write_whole(page, verdict.page(f"{facts.name} on {loaded.device}", found, checks).encode())
    typer.echo(f"{page} is the page.")
    failed = [check.what for check in checks if check.passed is False]
    if failed:
        raise UserError(f"The pedal does not pass: {', '.join(failed)}; {page} has the figures.")
    typer.echo("The pedal passes.")


def _same_knobs(path: Path, have: KnobTable, need: KnobTable) -> None:
    """Raises UserError unless the rig turns the model's knobs, over their ranges, and no others."""
    if set(have.names) != set(need.names):
        raise UserError(
            f"{path} turns {', '.join(have.names)}, but the model has {', '.join(need.names)}; "
            "write the pedal's knobs into the rig's file by the model's names."
        )
    for knob in need:
        mine = have[knob.name]
        if (mine.minimum, mine.maximum, len(mine.detents)) != (
            knob.minimum,
            knob.maximum,
            len(knob.detents),
        ):
            raise UserError(
                f"{path} has {knob.name} from {mine.minimum:g} to {mine.maximum:g}, and the model "
                f"from {knob.minimum:g} to {knob.maximum:g}; write the model's range into the file."
            )


def _measured(
    rig: Rig,
    player: measuring.Player,
    seconds: float,
    settings: int,
    seed: int,
    levels: measuring.Levels,
) -> measuring.Found:
    # Without the clicks that it begins with: a take brings its own. Noise, in which the top of the
    # band is, shows the audio path's corner.
    playing = make("validation", seconds + clicks.FRAMES / SAMPLE_RATE, seed).audio[clicks.FRAMES :]
    hiss = noise(HISS, -15, np.random.default_rng(seed))
    dry = quantise24(np.concatenate([playing, hiss]))
    others = measuring.settings_for(rig.knobs, settings, seed)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    try:
        with progress(*columns) as bar:
            task = bar.add_task("")

            def shown(what: str, number: int, total: int) -> None:
                bar.update(task, total=total, completed=number, description=escape(what))

            with Opened(rig, ask_beside(bar)):
                return measuring.measure(rig, player, dry, others, levels, shown)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("Stopped; the pedal is silent, and nothing was written.") from None


def _print(checks: list[verdict.Check]) -> None:
    table = Table("what", "measured", "limit", "")
    for check in checks:
        style = {True: "green", False: "red", None: ""}[check.passed]
        table.add_row(
            escape(check.what), check.value, check.limit, f"[{style}]{check.word}[/]" if style else
            check.word,
        )  # fmt: skip
    Console().print(table)
