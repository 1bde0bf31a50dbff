"""The VST3 plugins of this machine."""

from __future__ import annotations

import difflib
import importlib.util
import os
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

from rigs.errors import UserError
from rigs.knobs import Knob, KnobTable
from rigs.plugins.panel import Control, choose
from rigs.plugins.process import PluginProcess

MOST_FILES = 10_000
MOST_BINARIES = 16
DEEPEST = 4
"""Folders below a standard folder in which plugins are looked for."""


def folders() -> tuple[Path, ...]:
    """Where VST3 plugins stand, by Steinberg's rules for each system."""
    home = Path.home()
    if sys.platform == "darwin":
        return (home / "Library/Audio/Plug-Ins/VST3", Path("/Library/Audio/Plug-Ins/VST3"))
    if sys.platform == "win32":
        common = os.environ.get("COMMONPROGRAMFILES", r"C:\Program Files\Common Files")
        local = os.environ.get("LOCALAPPDATA", str(home))
        return (Path(local) / "Programs/Common/VST3", Path(common) / "VST3")
    return (home / ".vst3", Path("/usr/lib/vst3"), Path("/usr/local/lib/vst3"))


def installed() -> list[Path]:
    """Every VST3 plugin in the standard folders, in order of name; none of them is loaded."""
    found: list[Path] = []
    for folder in folders():
        _look(folder, DEEPEST, found)
    return sorted(found, key=lambda path: (path.stem.casefold(), path))


def _look(folder: Path, deeper: int, found: list[Path]) -> None:
    try:
        inside = sorted(folder.iterdir())
    except OSError:
        return
    for path in inside:
        if len(found) >= MOST_FILES:
            return
        if path.suffix.casefold() == ".vst3":
            found.append(path)
        elif deeper and path.is_dir():
            _look(path, deeper - 1, found)


def has_pedalboard() -> bool:
    """Whether the package that hosts VST3 plugins is installed."""
    return importlib.util.find_spec("pedalboard") is not None


def locate(file: Path, folder: Path) -> Path:
    """The plugin that ``file`` means: a path, from ``folder`` if relative, or a name.

    Raises UserError, telling the names that come close, if it is not there.
    """
    path = folder / file.expanduser()
    if path.exists():
        return path
    there = installed()
    if file.parent == Path():
        for path in there:
            if file.name.casefold() in (path.name.casefold(), path.stem.casefold()):
                return path
    by_stem = {path.stem.casefold(): path for path in there}
    close = difflib.get_close_matches(file.stem.casefold(), by_stem, n=1, cutoff=0.5)
    hint = f" (did you mean {by_stem[close[0]]}?)" if close else ""
    raise UserError(
        f"There is no VST3 plugin {file}{hint}; `ampsweep doctor` lists those there are."
    )


def code_of(file: Path) -> tuple[Path, ...]:
    """The binaries of a plugin, which is a file or a folder with one for each kind of computer."""
    if not file.is_dir():
        return (file,)
    inside = (p for p in file.glob("Contents/*/*") if p.parent.name != "Resources" and p.is_file())
    return tuple(sorted(inside))[:MOST_BINARIES]


def read(file: Path, plugin: str) -> tuple[str, tuple[Control, ...]]:
    """A plugin's name and controls; to know them it is loaded, in a process that then ends.

    Raises UserError if it cannot be loaded or crashes.
    """
    path, changed = str(file), file.stat().st_mtime_ns
    return _read(path, plugin, changed)


@lru_cache(maxsize=64)
def _read(file: str, plugin: str, changed: int) -> tuple[str, tuple[Control, ...]]:
    options = {"file": file, "plugin": plugin, "keys": [], "channel": 0}
    process = PluginProcess("vst3", options, file)
    process.close()
    return process.facts["name"], tuple(map(_control, process.facts["controls"]))


def describe(file: Path, plugin: str = "") -> KnobTable:
    """The knobs of a plugin, as they are if its rig's TOML says nothing of them."""
    return choose(read(locate(file, Path()), plugin)[1], None, {}).knobs


def _control(row: dict[str, Any]) -> Control:
    knob = Knob(**{**row["knob"], "detents": tuple(row["knob"]["detents"])})
    lines = {name: tuple(row[name]) for name in ("positions", "values")}
    return Control(**{**row, **lines, "knob": knob})
