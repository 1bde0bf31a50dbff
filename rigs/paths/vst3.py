"""A VST3 plugin as a signal path, through the package pedalboard."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from rigs.plugins.path import PluginOptions, PluginPath
from rigs.rig import Options
from rigs.vst3.catalogue import code_of, has_pedalboard, locate, read

if not has_pedalboard():
    raise ModuleNotFoundError("No module named 'pedalboard'", name="pedalboard")


class Vst3Options(PluginOptions):
    """``file`` is the plugin's, or its name; ``plugin`` says which, of a file with several.

    ``output`` is the channel that is kept of a stereo plugin.
    """

    file: Path
    plugin: str = Field(default="", max_length=256)
    output: Literal["left", "right"] = "left"


class Vst3Path(PluginPath):
    """Plays through a VST3 plugin, as mono if it takes that, else the dry on both channels."""

    options_type: ClassVar[type[Options]] = Vst3Options
    options: Vst3Options
    kind = "vst3"

    def __init__(self, options: Vst3Options, folder: Path) -> None:
        super().__init__(options, folder)
        self._file = locate(options.file, folder)
        self._set_panel(*read(self._file, options.plugin))

    @property
    def sources(self) -> tuple[Path, ...]:
        """The plugin's code: another version of it may sound different."""
        return code_of(self._file)

    def host_options(self) -> dict[str, Any]:
        return {
            "file": str(self._file),
            "plugin": self.options.plugin,
            "keys": self.panel.keys,
            "channel": ("left", "right").index(self.options.output),
        }
