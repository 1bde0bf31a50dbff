"""`ampsweep rigs new`: write a rig's file, by asking a few questions or by options."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

import typer

from ampsweep.rig_verbs import questions
from ampsweep.rig_verbs.blanks import BLANKS
from rigs.config import NAME, rig_from
from rigs.errors import UserError
from rigs.files import make_folder, write_whole
from rigs.knobs import Knob
from rigs.registry import ACTUATORS, PATHS
from rigs.starter import compose, describe
from rigs.toml_words import suggest

CAPTURED = {
    "audio-interface": "a real amp or pedal, through a sound card",
    "lv2": "an LV2 plugin",
    "vst3": "a VST3 plugin",
    "nam-pack": "a folder of .nam captures",
    "circuit": "a circuit: an ngspice netlist",
    "virtual-amp": "the built-in virtual amp",
}
TURNED = {
    "grbl": "motors on its shafts",
    "midi": "MIDI messages",
    "person": "me: I am told where to turn them",
}


def new(
    out: Annotated[
        Path | None, typer.Option(help="The file to write; rigs/DEVICE.toml if not given.")
    ] = None,
    path: Annotated[
        str | None, typer.Option(help=f"What passes the audio: {', '.join(PATHS)}.")
    ] = None,
    actuator: Annotated[
        str | None, typer.Option(help=f"What sets the knobs: {', '.join(ACTUATORS)}.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="A name for what is captured.")] = None,
    knob: Annotated[
        list[str] | None,
        typer.Option(help="A knob of a real device, once for each: Gain, or Bright=off/on."),
    ] = None,
    uri: Annotated[str | None, typer.Option(help="lv2: the plugin's URI or name.")] = None,
    file: Annotated[
        str | None, typer.Option(help="vst3: the plugin's file or name. circuit: the netlist.")
    ] = None,
    folder: Annotated[str | None, typer.Option(help="nam-pack: where the files are.")] = None,
    pattern: Annotated[
        str | None, typer.Option(help="nam-pack: how their names tell the setting.")
    ] = None,
    interface: Annotated[
        str | None, typer.Option(help="audio-interface: the sound card's name, or a part of it.")
    ] = None,
    port: Annotated[
        str | None, typer.Option(help="grbl: the serial port. midi: the output's name.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write over a file that is there.")
    ] = False,
) -> None:
    """Write a commented rig file, ready to be edited.

    Asks for what the options do not say. Nothing is opened, moved or played.
    """
    path = _known("--path", path, PATHS) or questions.choose("--path", "Capture", CAPTURED)
    actuator = _known("--actuator", actuator, ACTUATORS) or _actuator(path)
    real = path == "audio-interface"
    if real == (actuator == "parameters"):
        raise UserError(
            f"--path {path} does not go with --actuator {actuator}: the knobs of a plugin, a pack "
            "or a circuit are its parameters, and those of a real device are turned by one of "
            f"{', '.join(TURNED)}."
        )
    given = {
        "uri": uri, "file": file, "folder": folder, "pattern": pattern,
        "interface": interface, "port": port,
    }  # fmt: skip
    values = _values([*BLANKS.get(path, {}).items(), *BLANKS.get(actuator, {}).items()], given)
    device = device or (
        questions.text("--device", "The amp's or pedal's name, as a folder may have it")
        if real
        else _fit("-".join([path, *(_stem(said) for said in [*values.values()][:1] if said)]))
    )
    if not re.fullmatch(NAME, device):
        raise UserError(
            f"--device {device} cannot be a folder's name; begin with a letter or digit, then use "
            "up to 63 letters, digits, dots, dashes and underscores."
        )
    target = out or Path("rigs") / f"{device}.toml"
    if target.exists() and not force:
        raise UserError(f"{target} is there already; name another with --out, or use --force.")
    knobs: list[Knob] = []
    if real:
        asked = "Its knobs, as in: Gain, Bass, Bright=off/on"
        knobs = [_knob(said) for said in knob or questions.words("--knob", asked)]
    values = {name: said and _from(target, said) for name, said in values.items()}
    text = compose(_fit(target.stem), device, actuator, path, values, knobs)
    # The rig's files are looked for from its folder, which therefore has to be there.
    is_new = not target.parent.exists()
    make_folder(target.parent)
    try:
        write_whole(target, _checked(target, text, own=not real).encode())
    except BaseException:
        if is_new:
            target.parent.rmdir()
        raise
    typer.echo(f"{target} is written. Edit it, then: ampsweep rigs check {target}")


def _known(option: str, said: str | None, registry: dict[str, str]) -> str | None:
    if said is not None and said not in registry:
        raise UserError(
            f"{option} {said} is none of {', '.join(registry)}{suggest(said, registry)}."
        )
    return said


def _actuator(path: str) -> str:
    if path != "audio-interface":
        return "parameters"
    return questions.choose("--actuator", "What turns its knobs", TURNED)


def _values(
    blanks: Iterable[tuple[str, tuple[str, Callable[[], str | None]]]], given: dict[str, str | None]
) -> dict[str, str | None]:
    values: dict[str, str | None] = {}
    for blank, (option, question) in blanks:
        said = given[option]
        values[blank] = said if said is not None else question()
    return values


def _knob(said: str) -> Knob:
    """Gain, or Bright=off/on."""
    name, equals, labels = said.partition("=")
    if not equals:
        return Knob(name.strip())
    detents = tuple(label.strip() for label in labels.split("/"))
    if len(detents) < 2 or not all(detents):
        raise UserError(f"--knob {said} is no switch; write its positions as in Bright=off/on.")
    return Knob(name.strip(), 0.0, len(detents) - 1.0, 0.0, detents=detents)


def _stem(said: str) -> str:
    """What of a file's name or a URI tells most."""
    return re.split(r"[/#:]", said.rstrip("/"))[-1].removesuffix(".vst3").removesuffix(".cir")


def _fit(name: str) -> str:
    """``name`` as a folder may have it."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")[:64] or "rig"


def _from(target: Path, said: str) -> str:
    """A file that is here, as ``target`` will find it: a rig's files count from its folder."""
    path = Path(said).expanduser()
    if path.is_absolute() or not path.exists():
        return said
    if path.resolve().is_relative_to(Path.cwd()):
        return os.path.relpath(path.resolve(), target.absolute().parent.resolve())
    return str(path.resolve())


def _checked(target: Path, text: str, *, own: bool) -> str:
    """``text``, with the knobs of the path itself; raises UserError if it would not load."""
    try:
        rig = rig_from(text, target)
        rig.close()
        if own:
            text += describe(rig.knobs)
            rig_from(text, target).close()
        return text
    except UserError as error:
        # The file was not written: where in it the error stands helps nobody.
        reason = re.sub(rf"^{re.escape(str(target))}, line \d+: ", "", str(error))
        raise UserError(f"No rig was written. {reason}") from None
