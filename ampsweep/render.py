"""`ampsweep render`: play a file through a model."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from ampsweep.cabinet import read_cabinet
from ampsweep.export import facts_of
from ampsweep.progress import progress
from ampsweep.settings import HELP, parse
from rigs.audio import SAMPLE_RATE, peak_dbfs, read_wav, write_wav
from rigs.errors import UserError
from rigs.knobs import KnobTable
from rigs.rig import Progress as Report
from training.automation import read_automation
from training.checkpoint import load_model
from training.exports.pedal import load_pedal, to_pedal
from training.native.cabinet import Cabinet
from training.native.engine import NativeEngine
from training.play import play

Audio = NDArray[np.float32]
Player = Callable[[Audio, NDArray[np.float64], Report], Audio]
"""Dry audio and panel positions to wet audio."""


class Engine(StrEnum):
    """What plays a model."""

    native = "native"
    torch = "torch"


def render(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="The model's folder, or a pedal image.")
    ],
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
    engine: Annotated[
        Engine | None,
        typer.Option(
            help="native: what the pedal plays; torch otherwise. Native, if nothing is said and "
            "the model has a pedal image."
        ),
    ] = None,
    ir: Annotated[
        Path | None,
        typer.Option(metavar="CAB.wav", help="A cabinet's impulse response, of up to 43 ms."),
    ] = None,
    floating: Annotated[
        bool, typer.Option("--float", help="Write 32-bit floating point, which never clips.")
    ] = False,
) -> None:
    """Play IN.wav through MODEL into OUT.wav, at one setting or with knobs that move.

    OUT.wav is at 48 kHz and has 24 bits; IN.wav may be at any sample rate.
    """
    knobs, player = _pedal(model, engine) if model.is_file() else _model(model, engine)
    setting = parse(set_, knobs)
    dry, rate = read_wav(source)
    if source.resolve() == target.resolve():
        raise UserError(f"{target} is the dry signal itself; name another file to write.")
    positions: NDArray[np.float64] = knobs.to_array(setting)
    if automation is not None:
        positions = read_automation(automation, knobs, setting, len(dry))
    cabinet = None if ir is None else Cabinet(read_cabinet(ir))
    with progress() as bar:
        task = bar.add_task("rendering", total=len(dry) / SAMPLE_RATE)
        wet = player(dry, positions, lambda done: bar.update(task, completed=done))
    if cabinet is not None:
        wet = cabinet.process(wet)
    clipped = write_wav(target, wet, floating=floating)
    notes = f" (resampled from {rate} Hz)" if rate != SAMPLE_RATE else ""
    if clipped:
        notes += f"; {clipped} samples clipped: write them with --float"
    typer.echo(f"{target}: {len(wet) / SAMPLE_RATE:.1f} s, peak {peak_dbfs(wet):.1f} dBFS{notes}.")


def _pedal(path: Path, engine: Engine | None) -> tuple[KnobTable, Player]:
    """The knobs of a pedal image, and what plays it."""
    facts = load_pedal(path).facts
    if engine is Engine.torch:
        raise UserError(f"{path} is a pedal image, which torch does not play; name its model.")
    if facts.sample_rate != SAMPLE_RATE:
        raise UserError(
            f"{path} plays at {facts.sample_rate} Hz, but audio here is at {SAMPLE_RATE}; "
            "name a model of that rate."
        )
    return facts.knobs, NativeEngine(path.read_bytes(), str(path)).render


def _model(folder: Path, engine: Engine | None) -> tuple[KnobTable, Player]:
    """The knobs of a model, and what plays it: the native engine, if it can and may."""
    loaded = load_model(folder)
    if engine is not Engine.torch:
        try:
            return loaded.knobs, NativeEngine(to_pedal(loaded.net, facts_of(loaded))).render
        except UserError:  # a net without a pedal image, or no compiler
            if engine is Engine.native:
                raise

    def by_torch(dry: Audio, positions: NDArray[np.float64], report: Report) -> Audio:
        return play(loaded.net, dry, loaded.knobs.to_inputs(positions), report)

    return loaded.knobs, by_torch
