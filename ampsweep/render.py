"""`ampsweep render`: play a file through a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from ampsweep.settings import HELP, parse
from rigs.audio import SAMPLE_RATE, peak_dbfs, read_wav, write_wav
from rigs.errors import UserError
from training.automation import read_automation
from training.checkpoint import load_model
from training.play import play


def render(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="The model's folder.")],
    source: Annotated[Path, typer.Argument(metavar="IN.wav", help="A dry guitar, mono.")],
    target: Annotated[Path, typer.Argument(metavar="OUT.wav", help="The file to write.")],
    set_: Annotated[list[str] | None, typer.Option("--set", help=HELP)] = None,
    automation: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv",
            help="Knobs that move: a column time in seconds, then one for each of them.",
        ),
    ] = None,
    floating: Annotated[
        bool, typer.Option("--float", help="Write 32-bit floating point, which never clips.")
    ] = False,
) -> None:
    """Play IN.wav through MODEL into OUT.wav, at one setting or with knobs that move.

    OUT.wav is at 48 kHz and has 24 bits; IN.wav may be at any sample rate.
    """
    loaded = load_model(model)
    setting = parse(set_, loaded.knobs)
    dry, rate = read_wav(source)
    if source.resolve() == target.resolve():
        raise UserError(f"{target} is the dry signal itself; name another file to write.")
    positions: NDArray[np.float64] = loaded.knobs.to_array(setting)
    if automation is not None:
        positions = read_automation(automation, loaded.knobs, setting, len(dry))
    knobs = loaded.knobs.to_inputs(positions)
    console = Console()
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("rendering", total=len(dry) / SAMPLE_RATE)
        wet = play(loaded.net, dry, knobs, lambda done: bar.update(task, completed=done))
    clipped = write_wav(target, wet, floating=floating)
    notes = f" (resampled from {rate} Hz)" if rate != SAMPLE_RATE else ""
    if clipped:
        notes += f"; {clipped} samples clipped: write them with --float"
    typer.echo(f"{target}: {len(wet) / SAMPLE_RATE:.1f} s, peak {peak_dbfs(wet):.1f} dBFS{notes}.")
