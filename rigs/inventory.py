"""What this machine can capture with, and what is missing.

What loads a driver is looked at in a process of its own, side by side: a driver that crashes, hangs
or prints takes down nothing but its own answer.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rigs.child.start import start
from rigs.errors import UserError
from rigs.registry import EXTRAS

PATIENCE = 4.5
"""Seconds that all sections together may take."""
MOST = 2000
"""Lines of a section that are shown, whatever a driver says."""


@dataclass
class Findings:
    """What a probe found: the name that a rig's file would give it, and what it is. What is
    missing: a sentence each, with its remedy."""

    found: list[tuple[str, str]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Section:
    title: str
    found: tuple[tuple[str, str], ...] = ()
    missing: tuple[str, ...] = ()


def _software(said: Findings) -> None:
    python = ".".join(map(str, sys.version_info[:3]))
    said.found.append(("Python", python))
    said.found.append(("ampsweep", _version("ampsweep") or "from a checkout"))
    for extra in dict.fromkeys(EXTRAS.values()):
        wanted = [name for name, brought in EXTRAS.items() if brought == extra]
        lacking = [name for name in wanted if not _version(_DISTRIBUTIONS.get(name, name))]
        if lacking:
            said.missing.append(
                f'{_FOR[extra]} needs {", ".join(lacking)}: run pip install "ampsweep[{extra}]".'
            )
        else:
            versions = (f"{name} {_version(_DISTRIBUTIONS.get(name, name))}" for name in wanted)
            said.found.append((_FOR[extra], ", ".join(versions)))


_DISTRIBUTIONS = {"rtmidi": "python-rtmidi"}
_FOR = {"train": "Training", "plugins": "VST3 plugins", "midi": "MIDI"}


def _tools(said: Findings) -> None:
    compiler = shutil.which(os.environ.get("CXX", "c++"))
    for name, path, without in (
        ("git", shutil.which("git"), "no project can be started (apt install git)"),
        (
            "C++ compiler",
            compiler,
            "training is slower (apt install g++)",
        ),
        ("ngspice", shutil.which("ngspice"), "no circuit can be captured (apt install ngspice)"),
    ):
        if path:
            said.found.append((name, path))
        else:
            said.missing.append(f"There is no {name}: without one {without}.")
    if _version("dvc"):
        said.found.append(("DVC", _version("dvc")))
    else:
        said.missing.append("There is no DVC: run pip install dvc.")


def _audio(said: Findings) -> None:
    try:
        import sounddevice
    except OSError:
        said.missing.append(
            "sounddevice does not find the PortAudio library: apt install libportaudio2."
        )
        return
    systems = sounddevice.query_hostapis()
    for device in sounddevice.query_devices():
        about = (
            f"{systems[device['hostapi']]['name']}, {device['max_input_channels']} in, "
            f"{device['max_output_channels']} out, {device['default_samplerate']:g} Hz"
        )
        said.found.append((device["name"], about))
    if not said.found:
        names = ", ".join(system["name"] for system in systems)
        said.missing.append(
            f"No sound card is seen by {names or 'PortAudio'}: plug an interface in, close what "
            "else is using it, or start the JACK server that it belongs to."
        )
    _look_at_group(said, Path("/dev/snd"), "audio", "the sound cards")


def _serial(said: Findings) -> None:
    from rigs.ports import list_ports

    ports = list_ports()
    said.found += [(port.path, port.description) for port in ports]
    if not ports:
        said.missing.append(
            "There is no serial port: a motor controller shows up as one when its USB cable is in."
        )
    locked = [p.device for p in ports if not os.access(p.device, os.R_OK | os.W_OK)]
    if locked:
        said.missing.append(
            f"You may not use {', '.join(locked)}: run sudo usermod -aG dialout $USER, "
            "then log out and in again."
        )


def _lv2(said: Findings) -> None:
    from rigs.lv2.catalogue import installed

    plugins = installed()
    said.found += [(plugin.uri, plugin.name) for plugin in plugins if plugin.captures]
    if not plugins:
        said.missing.append(
            "There is no LV2 plugin: apt install guitarix-lv2 brings many amps, for one."
        )
    elif not said.found:
        said.missing.append(
            f"None of the {len(plugins)} LV2 plugins here has audio in, audio out and a knob."
        )


def _vst3(said: Findings) -> None:
    from rigs.vst3.catalogue import folders, installed

    said.found += [(str(path), "") for path in installed()]
    if not said.found:
        places = ", ".join(map(str, folders()))
        said.missing.append(f"There is no VST3 plugin in {places}; install one there.")


def _midi(said: Findings) -> None:
    from rigs.midi_ports import OUT, ports

    importlib.import_module("mido")  # ports are found without it, but nothing is said to them
    systems = ports(OUT)
    said.found += [(name, system) for system, names in systems.items() for name in names]
    if not systems:
        said.missing.append(
            "No MIDI runs here: on Linux load its sequencer with sudo modprobe snd-seq, or start "
            "JACK."
        )
    elif not said.found:
        said.missing.append("There is no MIDI output: plug the device or a MIDI interface in.")


PROBES: dict[str, tuple[str, Callable[[Findings], None]]] = {
    "software": ("Software", _software),
    "tools": ("Tools", _tools),
    "audio": ("Audio devices", _audio),
    "serial": ("Serial ports", _serial),
    "lv2": ("LV2 plugins", _lv2),
    "vst3": ("VST3 plugins", _vst3),
    "midi": ("MIDI outputs", _midi),
}


HARMLESS = ("software", "tools", "serial")
"""Sections that load no driver: they need no process of their own."""


def inventory(
    keys: Iterable[str] = tuple(PROBES), patience: float = PATIENCE
) -> tuple[Section, ...]:
    """Look at the sections ``keys`` for ``patience`` seconds at most. Raises nothing."""
    end = time.monotonic() + patience
    keys = tuple(keys)
    with ExitStack() as started:
        running = {key: started.enter_context(_asked(key)) for key in keys if key not in HARMLESS}
        harmless = {key: probe(key) for key in keys if key in HARMLESS}
        return tuple(
            _answer(key, running[key], end)
            if key in running
            else Section(PROBES[key][0], tuple(harmless[key].found), tuple(harmless[key].missing))
            for key in keys
        )


@contextmanager
def _asked(key: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that looks at one section, and that is gone afterwards."""
    with start("rigs.inventory", key, stdin=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def _answer(key: str, process: subprocess.Popen[bytes], end: float) -> Section:
    title = PROBES[key][0]
    try:
        out, _ = process.communicate(timeout=max(0.1, end - time.monotonic()))
    except subprocess.TimeoutExpired:
        return Section(
            title,
            missing=("This did not answer in time: a driver hangs, or the machine is busy.",),
        )
    try:
        answer = json.loads(out)
        found = tuple((str(name), str(about)) for name, about in answer["found"])
        return Section(title, found, tuple(map(str, answer["missing"])))
    except (ValueError, KeyError, TypeError):  # it died with its answer half said
        how = f"signal {-process.returncode}" if process.returncode < 0 else "no answer"
        return Section(
            title,
            missing=(f"A driver crashed while it was looked at ({how}); update or remove it.",),
        )


def probe(key: str) -> Findings:
    """Look at one section, here and now: whatever goes wrong is a sentence."""
    said = Findings()
    try:
        PROBES[key][1](said)
    except UserError as error:
        said.missing.append(str(error))
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        extra = f"[{EXTRAS[package]}]" if package in EXTRAS else ""
        said.missing.append(f'{package} is not installed: run pip install "ampsweep{extra}".')
    except Exception as error:
        what = f"{type(error).__name__}: {error}".rstrip(".")
        said.missing.append(f"This could not be looked at ({what}).")
    return said


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _look_at_group(said: Findings, folder: Path, group: str, what: str) -> None:
    """Say so if the system's files under ``folder`` are for members of ``group`` only."""
    files = [path for path in folder.glob("*") if path.is_char_device()]
    if files and not any(os.access(path, os.R_OK | os.W_OK) for path in files):
        said.missing.append(
            f"You may not use {what}: run sudo usermod -aG {group} $USER, then log out and in "
            "again."
        )


def _main(key: str) -> None:
    # Drivers print; the answer goes out by a way of its own.
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    said = probe(key)
    json.dump({"found": said.found[:MOST], "missing": said.missing[:MOST]}, answer)
    answer.close()
    os._exit(0)  # nor may a driver crash on its way out


if __name__ == "__main__":
    _main(sys.argv[1])
