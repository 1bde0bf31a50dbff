"""The command `ampsweep`: finds the verb, and says in one sentence what went wrong.

A verb is a function in a file of its own and one line in VERBS. The file is imported only when
its verb is run, so that help is instant and a machine without torch can do all but training.
"""

from __future__ import annotations

import errno
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from rigs.errors import UserError
from rigs.registry import EXTRAS

VERBS = {
    "demo": ("ampsweep.demo:demo", "The whole pipeline on the built-in virtual amp."),
    "init": ("ampsweep.init:init", "Start a project for an amp: git, DVC, pipeline, rig."),
    "doctor": (
        "ampsweep.doctor:doctor",
        "What this machine can capture with, and what is missing.",
    ),
    "rigs list": (
        "ampsweep.rig_verbs.list:list_rigs",
        "The rigs here, and what a rig can be made of.",
    ),
    "rigs show": ("ampsweep.rig_verbs.show:show", "What a rig's file says, with its knobs."),
    "rigs new": ("ampsweep.rig_verbs.new:new", "Write a rig's file, by asking a few questions."),
    "rigs check": (
        "ampsweep.rig_verbs.check:check",
        "A dress rehearsal: every knob, a second of audio.",
    ),
    "rigs level": (
        "ampsweep.rig_verbs.level:level",
        "Find the hottest clean send and return gain.",
    ),
    "rigs calibrate": (
        "ampsweep.rig_verbs.calibrate:calibrate",
        "Tie dBFS to dBu with a voltmeter.",
    ),
    "rigs home": (
        "ampsweep.rig_verbs.home:home",
        "Drive the knobs to their end stops, and know them.",
    ),
    "rigs jog": ("ampsweep.rig_verbs.jog:jog", "Turn one knob by hand, with the arrow keys."),
    "rigs backlash": (
        "ampsweep.rig_verbs.backlash:backlash",
        "Measure the play between motors and knobs, by sound.",
    ),
    "rigs find-port": (
        "ampsweep.rig_verbs.find_port:find_port",
        "Which serial port is it? Unplug it.",
    ),
    "rigs ir": ("ampsweep.rig_verbs.ir:ir", "Measure a cabinet's impulse response."),
    "plan": ("ampsweep.plan:plan", "Choose the settings to capture and make the dry signal."),
    "capture": ("ampsweep.capture:capture", "Play the plan through the rig; goes on if stopped."),
    "dataset check": (
        "ampsweep.dataset_verbs.check:check",
        "Look for captures that should not be trusted.",
    ),
    "dataset show": ("ampsweep.dataset_verbs.show:show", "Say what a dataset holds."),
    "dataset stats": (
        "ampsweep.dataset_verbs.stats:stats",
        "Levels, noise, latency, flags, and how well it repeats.",
    ),
    "dataset coverage": (
        "ampsweep.dataset_verbs.coverage:coverage",
        "How well the settings cover the panel, with a picture.",
    ),
    "dataset play": ("ampsweep.dataset_verbs.play:play", "Hear a capture, or its dry."),
    "dataset card": (
        "ampsweep.dataset_verbs.card:card",
        "Write the README.md that says what it is and how to load it.",
    ),
    "dataset push": ("ampsweep.dataset_verbs.push:push", "Record it, and copy it to the remote."),
    "dataset pull": ("ampsweep.dataset_verbs.pull:pull", "Bring it here from the remote."),
    "dataset diff": (
        "ampsweep.dataset_verbs.diff:diff",
        "Which captures and settings came or went between versions.",
    ),
    "dataset compact": (
        "ampsweep.dataset_verbs.compact:compact",
        "Merge small parts into large files; no sample changes.",
    ),
    "dataset split": (
        "ampsweep.dataset_verbs.split:split",
        "Give roles to captures, or take some out.",
    ),
    "dataset export": (
        "ampsweep.dataset_verbs.export:export",
        "Write it as NAM's trainer, Hugging Face or WAV readers take it.",
    ),
    "dataset import": (
        "ampsweep.dataset_verbs.import_:import_",
        "Add captures made elsewhere, or another dataset's.",
    ),
    "train": ("ampsweep.train:train", "Learn a model that has the amp's knobs."),
    "evaluate": ("ampsweep.evaluate:evaluate", "Judge a model on settings it has never seen."),
    "compare": ("ampsweep.compare:compare", "Put models side by side on one dataset."),
    "export snapshot": (
        "ampsweep.export:snapshot",
        "A .nam file at one setting, for any player; or a pack.",
    ),
    "export onnx": (
        "ampsweep.export_onnx:onnx",
        "The model with its knobs, for whatever runs ONNX.",
    ),
    "export pedal": ("ampsweep.export:pedal", "The image that the pedal loads, with its knobs."),
    "export lv2": (
        "ampsweep.export_lv2:lv2",
        "A plugin whose ports are the device's knobs, for DAWs and pedalboards.",
    ),
    "export web": ("ampsweep.export_web:web", "A page with its knobs, for any web server."),
    "play": (
        "ampsweep.play:play",
        "Play a model: in the browser, or live from sound card to sound card.",
    ),
    "firmware build": ("ampsweep.firmware:build", "Compile the pedal's program."),
    "firmware flash": ("ampsweep.firmware:flash", "Put a program on the pedal, by USB."),
    "firmware send": ("ampsweep.firmware:send", "Send a model or a cabinet to the pedal, by MIDI."),
    "firmware info": ("ampsweep.firmware:info", "Say what is on the pedal."),
    "firmware remove": ("ampsweep.firmware:remove", "Remove a model or a cabinet from the pedal."),
    "render": ("ampsweep.render:render", "Play a file through a model; its knobs may move."),
    "hardware rig": (
        "ampsweep.hardware_verbs.rig:rig",
        "Parts to print, wiring and files of a knob rig, for a panel.",
    ),
    "hardware bom": ("ampsweep.hardware_verbs.bom:bom", "What to buy, and what it costs."),
    "hardware verify": (
        "ampsweep.hardware_verbs.verify:verify",
        "A finished pedal against its model: one page of pass and fail.",
    ),
    "hardware draw": (
        "ampsweep.hardware_verbs.draw:draw",
        "Make the drawings and drill templates again.",
    ),
}
"""What is typed: where it lives, and its line in the help."""

GROUPS = {
    "rigs": "What turns the knobs and passes the audio.",
    "dataset": "What was captured: look into it, check it, keep it.",
    "export": "Turn a model into a file that something else plays.",
    "firmware": "The pedal: its program, and what it plays.",
    "hardware": "What to build and buy: the knob rig and the pedal.",
}

INTERRUPTED = "Stopped; the same command goes on where it stopped."


class Interrupted(Exception):
    """Ctrl-C, as an ordinary exception: Typer would turn it into a silent exit."""


class LazyGroup(TyperGroup):
    """Lists its verbs without importing them; imports the one that is run."""

    def list_commands(self, ctx: Any) -> list[str]:
        order = [path.split()[0] for path in VERBS]
        return sorted(super().list_commands(ctx), key=lambda n: order.index(n) if n in order else 0)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        path = " ".join([*ctx.command_path.split()[1:], name or ""])
        return name, _load(path) if path in VERBS else command, rest

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as interrupt:
            # A verb that knows better how to go on says so: KeyboardInterrupt("…").
            raise Interrupted(str(interrupt) or INTERRUPTED) from None


def _load(path: str) -> Any:
    module, _, name = VERBS[path][0].partition(":")
    alone = typer.Typer(add_completion=False)
    alone.command(path.split()[-1])(getattr(importlib.import_module(module), name))
    return typer.main.get_command(alone)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"ampsweep {version('ampsweep')}")
        raise typer.Exit


def _top(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Turn an amp's knobs by robot or by automation, and learn one model that has those knobs.

    Begin with `ampsweep demo`; then `ampsweep init DIR` for an amp of your own.
    """


def _unloaded() -> None:
    """Stands for a verb in the help until :func:`_load` brings the verb itself."""


def _build() -> typer.Typer:
    app = typer.Typer(cls=LazyGroup, rich_markup_mode="markdown")
    app.callback()(_top)
    groups = {name: typer.Typer(cls=LazyGroup, help=text) for name, text in GROUPS.items()}
    for path, (_, text) in VERBS.items():
        group, _, name = path.rpartition(" ")
        (groups[group] if group else app).command(name, help=text)(_unloaded)
    for name, group_app in groups.items():
        app.add_typer(group_app, name=name)
    return app


app = _build()


def say(sentence: str) -> None:
    """Print one sentence on stderr: wrapped at words on a terminal, on one line elsewhere."""
    from rich.console import Console
    from rich.text import Text

    # Names of files and knobs come from outside: nothing in them may steer the terminal.
    words = " ".join(sentence.split())
    clean = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in words)
    console = Console(stderr=True, highlight=False)
    console.print(Text(clean, style="red"), soft_wrap=not console.is_terminal)


def run(args: Sequence[str]) -> int:
    """Run the command line ``args``; returns the exit code.

    2 for everything that a person can mend, said in one sentence; 130 if interrupted. Anything
    else that is raised is our own mistake, and keeps its traceback.
    """
    command = typer.main.get_command(app)
    try:
        code = command.main(list(args) or ["--help"], prog_name="ampsweep", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:  # `ampsweep … | head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Interrupted as interrupt:
        say(str(interrupt))
        return 130
    except typer.Abort:
        say(INTERRUPTED)
        return 130
    except Exception as error:
        sentence = _sentence(error, args)
        if sentence is None:
            raise
        say(sentence)
        return 2
    return code if isinstance(code, int) else 0


def _sentence(error: Exception, args: Sequence[str]) -> str | None:
    """What to tell the person whose ``error`` it is; None if it is ours."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, TyperException):
        return _usage(error)
    if isinstance(error, ModuleNotFoundError) and _root(error.name) in EXTRAS:
        verb = next((arg for arg in args if not arg.startswith("-")), "this")
        package = _root(error.name)
        # Two extras bring matplotlib: who draws hardware needs no torch.
        extra = "cad" if (verb, package) == ("hardware", "matplotlib") else EXTRAS[package]
        return (
            f"`ampsweep {verb}` needs {package}, which is not installed: "
            f'run pip install "ampsweep[{extra}]".'
        )
    if _disk_full(error):
        where = f" ({error.filename})" if isinstance(error, OSError) and error.filename else ""
        return f"The disk is full{where}; free some space, then run the same command again."
    if isinstance(error, OSError) and error.filename is not None:
        reason = (error.strerror or "unknown reason").lower()
        return f"{os.fsdecode(error.filename)} cannot be used: {reason}; check the path."
    return None


def _usage(error: TyperException) -> str:
    """A usage error as one sentence: what Typer says, and where the help is."""
    tell = getattr(error, "format_message", lambda: str(error))
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "ampsweep"
    wrong, _, guess = tell().partition(" Did you mean ")
    hint = f" (did you mean {guess.rstrip('?')}?)" if guess else ""
    return f"{wrong.rstrip('.')}{hint}; see `{path} --help`."


def _root(module: str | None) -> str:
    return (module or "").partition(".")[0]


def _disk_full(error: BaseException | None) -> bool:
    """Whether ``error`` or what caused it is a full disk, whichever library says so."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if "No space left on device" in str(error):  # safetensors, Arrow: no errno
            return True
        error = error.__cause__ or error.__context__
    return False


def main() -> None:
    try:
        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # once more, while the first was being seen to
        say(INTERRUPTED)
        code = 130
    # Nothing is left that another could stop; one that is under way is raised by the first line.
    with suppress(KeyboardInterrupt):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(code)
