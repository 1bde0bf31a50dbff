"""The LV2 plugins of this machine: which there are, and what each has."""

from __future__ import annotations

import difflib
import math
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from rigs.errors import UserError
from rigs.knobs import KnobTable
from rigs.lv2.features import SUPPORTED
from rigs.lv2.lilv import EXT, LV2, World, first_number, lilv, taken, text_of, texts
from rigs.lv2.ports import Port, controls_of, read_ports
from rigs.plugins.panel import Control, choose, clean


@dataclass(frozen=True)
class PluginInfo:
    """A plugin as its description has it: no code of its own has run."""

    uri: str
    name: str
    audio_in: int
    audio_out: int
    controls: tuple[Control, ...]
    missing: tuple[str, ...] = ()
    """What it needs and we cannot give; with any, it cannot be captured."""

    @property
    def captures(self) -> bool:
        """Whether it can be captured: audio in, audio out, a knob, and nothing missing."""
        knobs = any(not control.hidden for control in self.controls)
        return bool(self.audio_in and self.audio_out and knobs and not self.missing)


@lru_cache(maxsize=8)
def _world(path: str | None) -> World:
    return World()


def world() -> World:
    """All plugins in LV2_PATH, read once a process: 3 ms for a hundred plugins."""
    return _world(os.environ.get("LV2_PATH"))


@dataclass(frozen=True)
class Plugin:
    """A plugin that is to be hosted."""

    uri: str
    name: str
    ports: tuple[Port, ...]
    shortest_block: int
    longest_block: int
    missing: tuple[str, ...]
    binary: Path | None
    pointer: int

    @property
    def controls(self) -> tuple[Control, ...]:
        return controls_of(self.ports)

    def audio(self, side: str) -> list[Port]:
        """The audio ports of a side, "InputPort" or "OutputPort", in order."""
        return [port for port in self.ports if port.is_a("AudioPort", side)]


def find(uri: str) -> Plugin:
    """The plugin of that URI, or of that name if only one has it.

    Raises UserError if it is not installed, telling the names that come close.
    """
    pointer = world().plugin(uri)
    if pointer is None:
        names = _names()
        same = [u for u, name in names.items() if name.casefold() == uri.casefold()]
        if len(same) != 1:
            raise UserError(_not_there(uri, names, same))
        pointer = world().plugin(same[0])
        assert pointer is not None
    return _read(pointer)


def describe(uri: str) -> KnobTable:
    """The knobs of a plugin, as they are if its rig's TOML says nothing of them."""
    return choose(find(uri).controls, None, {}).knobs


def installed() -> list[PluginInfo]:
    """Every LV2 plugin there is, in order of name; raises UserError without liblilv."""
    found = [_info(_read(pointer)) for pointer in world().plugins()]
    return sorted(found, key=lambda info: (info.name.casefold(), info.uri))


def _info(plugin: Plugin) -> PluginInfo:
    ins, outs = plugin.audio("InputPort"), plugin.audio("OutputPort")
    return PluginInfo(plugin.uri, plugin.name, len(ins), len(outs), plugin.controls, plugin.missing)


def _names() -> dict[str, str]:
    library = lilv()
    return {
        text_of(library.lilv_plugin_get_uri(plugin)): _name(plugin) for plugin in world().plugins()
    }


def _name(plugin: int) -> str:
    return clean(taken(lilv().lilv_plugin_get_name(plugin)), "a plugin without a name")


def _not_there(asked: str, names: dict[str, str], same: list[str]) -> str:
    if same:
        return f"{len(same)} LV2 plugins are named {asked!r}; give the URI of one: " + ", ".join(
            same
        )
    by_word = {uri.casefold(): uri for uri in names}
    by_word |= {name.casefold(): uri for uri, name in names.items()}
    close = difflib.get_close_matches(asked.casefold(), by_word, n=3, cutoff=0.5)
    uris = list(dict.fromkeys(by_word[word] for word in close))
    hint = " (did you mean " + " or ".join(uris) + "?)" if uris else ""
    return f"There is no LV2 plugin {asked!r} here{hint}; `ampsweep doctor` lists those there are."


def _read(pointer: int) -> Plugin:
    library, found = lilv(), world()
    ports = read_ports(found, pointer)
    needed = texts(library.lilv_plugin_get_required_features(pointer))
    missing = [uri for uri in needed if uri not in SUPPORTED]
    missing += [
        f"a connection to its port {port.symbol!r}"
        for port in ports
        if not port.has("connectionOptional") and not _known(port)
    ]

    def length(name: str, otherwise: int) -> int:
        predicate = found.uri(f"{EXT}buf-size#{name}")
        number = first_number(library.lilv_plugin_get_value(pointer, predicate))
        return int(number) if math.isfinite(number) else otherwise

    return Plugin(
        uri=text_of(library.lilv_plugin_get_uri(pointer)),
        name=_name(pointer),
        ports=ports,
        shortest_block=length("minBlockLength", 1),
        longest_block=length("maxBlockLength", 1 << 30),
        missing=tuple(missing),
        binary=_file(text_of(library.lilv_plugin_get_library_uri(pointer))),
        pointer=pointer,
    )


def _file(uri: str) -> Path | None:
    parts = urlsplit(uri)
    return Path(url2pathname(parts.path)) if parts.scheme == "file" else None


def _known(port: Port) -> bool:
    one_side = port.is_a("InputPort") != port.is_a("OutputPort")
    kinds = (LV2 + "ControlPort", LV2 + "AudioPort", LV2 + "CVPort", EXT + "atom#AtomPort")
    return one_side and any(kind in port.classes for kind in kinds)
