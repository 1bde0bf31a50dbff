"""`ampsweep firmware`: build the pedal's program, put it there, and send models."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ampsweep.progress import progress
from rigs.errors import UserError
from rigs.files import make_folder, write_whole
from rigs.pedal import FileKind, MidiLink, Pedal

FIRMWARE = Path(__file__).parent.parent / "firmware"
PROGRAM_AT = "0x90040000"
"""Where the Daisy's bootloader looks for a program, and the USB number it has then."""
BOOTLOADER = ",0483:df11"

Port = Annotated[str, typer.Option(help="The pedal's MIDI port: its name, or part of it.")]
Api = Annotated[str | None, typer.Option(help="alsa, jack, core or winmm; any, if none.")]


@contextmanager
def _pedal(port: str, api: str | None) -> Iterator[Pedal]:
    link = MidiLink(port, api)
    try:
        yield Pedal(link)
    finally:
        link.close()


def build(
    libdaisy: Annotated[
        Path, typer.Option(metavar="DIR", help="libDaisy's folder, after `make` was run in it.")
    ],
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("pedal.bin"),
) -> None:
    """Compile the pedal's program. Needs make, arm-none-eabi-g++ and libDaisy."""
    if not (FIRMWARE / "Makefile").is_file():
        raise UserError(
            "The firmware's sources are not beside this installation; run this from a checkout "
            "of ampsweep."
        )
    for tool in ("make", "arm-none-eabi-g++"):
        if shutil.which(tool) is None:
            raise UserError(f"There is no {tool} here; install it, then run this again.")
    if not (libdaisy / "build" / "libdaisy.a").is_file():
        raise UserError(
            f"{libdaisy} has no build/libdaisy.a; name libDaisy's folder, and run make in it first."
        )
    folder = make_folder(FIRMWARE.parent / "build" / "firmware")
    command = ["make", "-C", str(FIRMWARE), "daisy", f"LIBDAISY_DIR={libdaisy.resolve()}"]
    with Console(stderr=True).status("compiling"):
        done = subprocess.run(
            [*command, f"BUILD={folder}"], capture_output=True, text=True, errors="replace"
        )
    if done.returncode:
        typer.echo(done.stderr, err=True)
        raise UserError("The pedal's program could not be compiled; above is what make said.")
    write_whole(out, (folder / "pedal.bin").read_bytes())
    typer.echo(f"{out}: {out.stat().st_size / 1024:.0f} KiB; `ampsweep firmware flash {out}`.")


def flash(
    program: Annotated[Path, typer.Argument(metavar="PEDAL.bin", help="What build wrote.")],
    port: Port = "Daisy",
    api: Api = None,
) -> None:
    """Put a program on the pedal, by USB.

    If the pedal runs, it is asked to make itself ready; a new Daisy is ready for some seconds after
    its RESET button is pressed, once it has the Daisy bootloader.
    """
    if not program.is_file():
        raise UserError(f"There is no file {program}; make it with `ampsweep firmware build`.")
    if shutil.which("dfu-util") is None:
        raise UserError("There is no dfu-util here; install it (on Debian: apt install dfu-util).")
    try:
        with _pedal(port, api) as pedal:
            pedal.start_bootloader()
        typer.echo("The pedal makes itself ready.")
    except (UserError, ModuleNotFoundError):
        typer.echo("No pedal answers by MIDI: press RESET on the Daisy.")
    command = ["dfu-util", "-w", "-a", "0", "-s", f"{PROGRAM_AT}:leave", "-D", str(program)]
    done = subprocess.run([*command, "-d", BOOTLOADER], stdout=subprocess.PIPE, text=True)
    # It cannot say goodbye to a program that has left, and calls that an error.
    if "File downloaded successfully" not in done.stdout:
        typer.echo(done.stdout, err=True)
        raise UserError("The program was not written; above is what dfu-util said.")
    typer.echo(f"{program} is on the pedal.")


def send(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A model (.pedal), or a cabinet (a sound file).")
    ],
    name: Annotated[str | None, typer.Option(help="What the pedal shows.")] = None,
    place: Annotated[
        int | None,
        typer.Option(help="1, 2, …; the one of the same name, else a free one, if none.", min=1),
    ] = None,
    port: Port = "Daisy",
    api: Api = None,
) -> None:
    """Send a model or a cabinet to the pedal, by MIDI. What plays there plays on until it is there.

    If this stops half-way, the same command goes on where it stopped.
    """
    kind, data, called = contents(file)
    with (
        _pedal(port, api) as pedal,
        progress() as bar,
    ):
        task = bar.add_task("sending", total=1.0)
        slot = pedal.send(
            kind,
            name or called,
            data,
            None if place is None else place - 1,
            lambda done: bar.update(task, completed=done),
        )
    typer.echo(f"{name or called} is {kind.name.lower()} {slot + 1} on the pedal.")


def contents(file: Path) -> tuple[FileKind, bytes, str]:
    """What to send of ``file``, and what it is called if nobody says otherwise."""
    if not file.is_file():
        raise UserError(f"There is no file {file}; check its name.")
    if file.suffix == ".pedal":
        from training.exports.pedal import load_pedal

        return FileKind.MODEL, file.read_bytes(), load_pedal(file).facts.name
    from ampsweep.cabinet import read_cabinet

    return FileKind.CABINET, read_cabinet(file).astype("<f4").tobytes(), file.stem


def info(port: Port = "Daisy", api: Api = None) -> None:
    """Say what is on the pedal."""
    with _pedal(port, api) as pedal:
        about = pedal.about
        typer.echo(f"firmware {about.firmware}, {about.free / 1024:.0f} KiB free")
        for kind in FileKind:
            for file in pedal.files(kind):
                playing = kind is FileKind.MODEL and file.slot == about.playing
                typer.echo(
                    f"{kind.name.lower()} {file.slot + 1}: {file.name}, {file.size / 1024:.0f} KiB"
                    f"{', playing' if playing else ''}"
                )


def remove(
    name: Annotated[str, typer.Argument(help="Of a model or a cabinet, as info shows it.")],
    port: Port = "Daisy",
    api: Api = None,
) -> None:
    """Remove a model or a cabinet from the pedal."""
    with _pedal(port, api) as pedal:
        there = [file for kind in FileKind for file in pedal.files(kind)]
        files = [file for file in there if file.name == name]
        if len(files) != 1:
            raise UserError(
                f"The pedal has {len(files) or 'nothing'} called {name}; it has "
                f"{', '.join(file.name for file in there) or 'nothing at all'}."
            )
        pedal.remove(files[0])
    typer.echo(f"{name} is no longer on the pedal.")
