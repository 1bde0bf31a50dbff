"""`ampsweep render`: play a file through a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from ampsweep.settings import HELP, parse
from rigs.audio import SAMPLE_RATE, peak_dbfs, read_wav, write_wav
from rigs.errors import UserError
from training.checkpoint import load_model
from training.play import play


def render(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="The model's folder.")],
    source: Annotated[Path, typer.Argument(metavar="IN.wav", help="A dry guitar, mono.")],
    target: Annotated[Path, typer.Argument(metavar="OUT.wav", help="The file to write.")],
    set_: Annotated[list[str] | None, typer.Option("--set", help=HELP)] = None,
) -> None:
    """Play IN.wav through MODEL at one setting into OUT.wav, 48 kHz and 24 bits."""
    loaded = load_model(model)
    setting = parse(set_, loaded.knobs)
    dry, rate = read_wav(source)
    if source.resolve() == target.resolve():
        raise UserError(f"{target} is the dry signal itself; name another file to write.")
    knobs = loaded.knobs.to_unit(loaded.knobs.to_array(setting))
    with Progress(transient=True) as bar:
        task = bar.add_task("rendering", total=len(dry) / SAMPLE_RATE)
        wet = play(loaded.net, dry, knobs, lambda done: bar.update(task, completed=done))
    clipped = write_wav(target, wet)
    notes = f" (resampled from {rate} Hz)" if rate != SAMPLE_RATE else ""
    if clipped:
        notes += f"; {clipped} samples clipped: play it softer or turn the model down"
    typer.echo(f"{target}: {len(wet) / SAMPLE_RATE:.1f} s, peak {peak_dbfs(wet):.1f} dBFS{notes}.")
