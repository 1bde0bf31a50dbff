"""An LV2 plugin as a signal path."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from rigs.errors import UserError
from rigs.lv2.catalogue import Plugin, find
from rigs.lv2.ports import Port
from rigs.plugins.path import PluginOptions, PluginPath
from rigs.rig import Options


class Lv2Options(PluginOptions):
    """``uri`` is the plugin's, or its name. ``input`` and ``output`` name its audio ports."""

    uri: str = Field(min_length=1, max_length=2048)
    input: str | None = None
    output: str | None = None


class Lv2Path(PluginPath):
    """Plays through an LV2 plugin.

    All its audio inputs are given the dry, as a mono track is given to a stereo plugin, but for
    side chains, which hear silence; its first audio output is kept.
    """

    options_type: ClassVar[type[Options]] = Lv2Options
    options: Lv2Options
    kind = "lv2"

    def __init__(self, options: Lv2Options, folder: Path) -> None:
        super().__init__(options, folder)
        plugin = find(options.uri)
        self._uri, self._binary = plugin.uri, plugin.binary
        if plugin.missing:
            raise UserError(
                f"The plugin {plugin.name} needs {plugin.missing[0]}, which ampsweep cannot give "
                "it; it cannot be captured."
            )
        self.shortest_block, self.longest_block = plugin.shortest_block, plugin.longest_block
        self._inputs = _ports(plugin, "InputPort", options.input)
        self._output = _ports(plugin, "OutputPort", options.output)[0]
        self._set_panel(plugin.name, plugin.controls)

    @property
    def sources(self) -> tuple[Path, ...]:
        """The plugin's code: another version of it may sound different."""
        return (self._binary,) if self._binary and self._binary.is_file() else ()

    def host_options(self) -> dict[str, Any]:
        return {
            "uri": self._uri,
            "inputs": self._inputs,
            "output": self._output,
            "keys": self.panel.keys,
        }


def _ports(plugin: Plugin, side: str, wanted: str | None) -> list[int]:
    """The indices of the audio ports to use of one side."""
    word = "input" if side == "InputPort" else "output"
    ports = plugin.audio(side)
    if not ports:
        raise UserError(f"The plugin {plugin.name} has no audio {word}; it cannot be captured.")
    if wanted is None:
        return [p.index for p in ports if not p.has("isSideChain")] or [ports[0].index]
    for port in ports:
        if wanted.casefold() in (port.symbol.casefold(), port.name.casefold()):
            return [port.index]
    raise UserError(
        f"The plugin {plugin.name} has no audio {word} {wanted!r}; it has {_named(ports)}."
    )


def _named(ports: list[Port]) -> str:
    return ", ".join(port.symbol for port in ports)
