"""`ampsweep demo`: the whole pipeline on the built-in virtual amp, in a folder of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from ampsweep.init import Names, check_free, render, scaffold
from dataset.versions import DVC, environment
from rigs.errors import UserError

NAMES = Names(device="virtual-amp", rig="virtual", model="demo")

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def demo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make.")] = Path(
        "demo"
    ),
    full: Annotated[
        bool, typer.Option("--full", help="The full recipe: about an hour, and better.")
    ] = False,
) -> None:
    """Plan, capture, check, train, evaluate and export a virtual amp in DIR.

    Stopped at any moment, the same command goes on. DIR is an ordinary project, as `ampsweep init`
    makes one: look around in it.
    """
    if is_demo(folder):
        typer.echo(f"{folder} is a demo already; going on with it.")
    else:
        check_free(folder)
        scaffold(folder, model=NAMES.model)
    if full:
        _write_if_new(folder / "params.yaml", render("params.full.yaml", NAMES))
    lock = folder / "dvc.lock"
    before = lock.read_bytes() if lock.exists() else None
    code, signals = _repro(folder)
    if signals and code != 0:
        if signals[0] != signal.SIGINT:
            raise SystemExit(128 + signals[0])
        raise KeyboardInterrupt(f"Stopped; `ampsweep demo {folder}` goes on where it stopped.")
    if code != 0:
        raise UserError(
            f"The demo in {folder} did not finish: mend what is said above, then run "
            f"`ampsweep demo {folder}` again, which goes on from there."
        )
    if before is not None and lock.read_bytes() == before:
        typer.echo("It was finished already: nothing had changed, so nothing was done again.")
    _tell(folder)


def is_demo(folder: Path) -> bool:
    """Whether ``folder`` holds the pipeline of a demo, whatever its recipe and progress."""
    try:
        return (folder / "dvc.yaml").read_text("utf-8") == render("dvc.yaml", NAMES)
    except (OSError, UnicodeDecodeError):
        return False


def _is_full(folder: Path) -> bool:
    """Whether the recipe is the full one, so that there is no longer one to offer."""
    return (folder / "params.yaml").read_text("utf-8") == render("params.full.yaml", NAMES)


def _write_if_new(path: Path, text: str) -> None:
    if not path.exists() or path.read_text("utf-8") != text:
        path.write_text(text, "utf-8")


def _repro(folder: Path) -> tuple[int, list[int]]:
    """Run `dvc repro` in view; returns its exit code and the signals that came meanwhile.

    It gets a process group of its own, so that each signal reaches the stage that runs exactly
    once, whether it came from the keyboard or was sent to us alone; and we wait, for a stage that
    is stopped still has to put away what it has.
    """
    received: list[int] = []
    process: subprocess.Popen[bytes] | None = None

    def pass_on(number: int, _: FrameType | None) -> None:
        received.append(number)
        if process is not None and process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)

    before = {number: signal.signal(number, pass_on) for number in _SIGNALS}
    try:
        process = subprocess.Popen(
            [*DVC, "repro"],
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            process_group=0,
        )
        for number in received[:1]:  # it came before there was anybody to pass it on to
            os.killpg(process.pid, number)
        return process.wait(), received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell(folder: Path) -> None:
    """What was made, how good it is, and what to do with it."""
    metrics = folder / "metrics" / "evaluation.json"
    report = folder / "report" / "report.html"
    try:
        esr = json.loads(metrics.read_text("utf-8"))["esr"]
        reached = ", ".join(f"{name} {esr[name]:.3g}" for name in ("median", "p90", "worst"))
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError(
            f"{metrics} does not say which ESR was reached; remove it and run "
            f"`ampsweep demo {folder}` again."
        ) from None
    longer = f"`ampsweep demo {folder} --full` takes an hour and comes closer;\n         "
    if _is_full(folder):
        longer = ""
    typer.echo(f"""
ESR on settings it has never seen: {reached}  (0 is perfect, 1 is silence)

Report:  {report}  (open it in a browser: figures, and the amp beside the model to listen to)
Listen:  ampsweep render {folder}/models/demo YOUR-GUITAR.wav out.wav --set Gain=7
Files:   {folder}/demo.nam for any NAM player (knobs at noon), {folder}/demo.pedal for the pedal

Next:    {longer}`ampsweep init my-amp` is the way to an amp of your own.""")
