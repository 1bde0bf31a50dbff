"""`ampsweep export onnx`: a model, with its knobs, for whatever runs ONNX."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from rigs.audio import read_wav
from training.checkpoint import load_model
from training.exports.onnx import OPSET, write_onnx


def onnx(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="The model's folder.")],
    out: Annotated[Path, typer.Option(help="The file to write.")],
    int8: Annotated[
        bool, typer.Option("--int8", help="Weights of 8 bits, what goes through them of 16.")
    ] = False,
    audio: Annotated[
        Path | None,
        typer.Option(help="A dry guitar to calibrate on and judge by; made playing, if none."),
    ] = None,
    licence: Annotated[
        str | None, typer.Option(help="What others may do with it, as in CC-BY-4.0.")
    ] = None,
    modeled_by: Annotated[str | None, typer.Option(help="Who made the model.")] = None,
) -> None:
    """Write MODEL as an ONNX file that streams, with knobs and state as inputs.

    It is played beside the model itself; how far they differ is said, here and in the file.
    """
    loaded = load_model(model)
    dry = None if audio is None else read_wav(audio)[0]
    given = {"licence": licence, "modeled_by": modeled_by}
    said = {name: text for name, text in given.items() if text is not None}
    with Console().status("writing and judging"):
        found = write_onnx(out, loaded, int8=int8, audio=dry, said=said)
    typer.echo(
        f"{out}: {loaded.device}, opset {OPSET}, {out.stat().st_size / 1024:.0f} KiB; beside the "
        f"model itself an ESR of {found.median:.1e}, at worst {found.worst:.1e}, over "
        f"{found.trials} trials."
    )
