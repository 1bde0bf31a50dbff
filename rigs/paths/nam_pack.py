"""A folder of static `.nam` captures as a device: its knobs stand where their names say."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from rigs.errors import UserError
from rigs.knobs import KnobTable
from rigs.nam import load
from rigs.nam.names import compile_pattern
from rigs.nam.pack import read_pack
from rigs.rig import Ask, Audio, Motion, Options, Progress, Reach, Recording, SignalPath

SLACK = 1e-4
"""Of a knob's range: how far float32 and a table's rounding may move a position."""

_NORMALISED = re.compile(r"normali[sz]ed", re.IGNORECASE)


class NamPackOptions(Options):
    """What a rig's TOML may say of the pack."""

    folder: str = Field(min_length=1, max_length=1000)
    """The files' folder, seen from the TOML's."""
    files: str = Field(default="*.nam", min_length=1, max_length=255)
    """Which of them, with * for anything."""
    pattern: str | None = Field(default=None, max_length=500)
    """Where knobs stand in a file's name: a regular expression with a named group for each."""
    ranges: dict[str, tuple[float, float]] = Field(default={}, max_length=64)
    """The panel's range of a knob, where captures do not reach its ends."""
    switches: dict[str, tuple[str, ...]] = Field(default={}, max_length=64)
    """The positions of a switch, in the panel's order."""
    normalised: bool | None = None
    """Whether the captures' level was evened out; left out: if a file's name says so."""

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            compile_pattern(pattern)
        return pattern

    @field_validator("ranges")
    @classmethod
    def _rise(cls, ranges: dict[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
        for name, (low, high) in ranges.items():
            if not low < high:
                raise ValueError(f"{name} has to go from a smaller number to a larger one")
        return ranges

    @field_validator("switches")
    @classmethod
    def _differ(cls, switches: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for name, labels in switches.items():
            if not 2 <= len({label.casefold() for label in labels}) == len(labels) <= 64:
                raise ValueError(f"{name} needs 2 to 64 positions, each with its own label")
        return switches


class NamPack(SignalPath):
    """Plays the static `.nam` captures of a folder, each at the setting that its name says."""

    options_type = NamPackOptions
    options: NamPackOptions
    simulated = True

    def __init__(self, options: NamPackOptions, folder: Path) -> None:
        """Reads the names of the files, and none of the files. Raises UserError."""
        super().__init__(options, folder)
        pattern = None if options.pattern is None else compile_pattern(options.pattern)
        self._pack = read_pack(
            folder / options.folder, options.files, pattern, options.ranges, options.switches
        )
        self.knobs: KnobTable | None = self._pack.knobs
        knobs = self._pack.knobs
        self._positions = np.array([knobs.to_array(setting) for _, setting in self._pack.files])
        self._spans = knobs.maximum - knobs.minimum
        self._load = lru_cache(maxsize=8)(load)  # a sentinel comes again and again
        if self._pack.fixed:
            stands = ", ".join(f"{name} at {word}" for name, word in self._pack.fixed.items())
            self.notice = f"In all captures of this pack {stands}: no knob for that."

    @property
    def reach(self) -> Reach:
        return Reach(sweeps=False, only=tuple(setting for _, setting in self._pack.files))

    def sounding(self) -> dict[str, Any]:
        return {name: said for name, said in super().sounding().items() if name != "folder"}

    @property
    def sources(self) -> tuple[Path, ...]:
        return tuple(path for path, _ in self._pack.files)

    def open(self, ask: Ask) -> None:
        """Raises UserError if one of the files cannot be played: better now than in the middle."""
        for path, _ in self._pack.files:
            self._load(path)

    def play(self, dry: Audio, motion: Motion, progress: Progress) -> Recording:
        if motion.parameters is None:
            raise UserError(
                "A NAM pack has no panel to turn; give its rig [actuator] type = 'parameters'."
            )
        if motion.parameters.moves:
            raise UserError(
                "A NAM pack has still captures only, and no knob can move while one plays; plan "
                "with the design every."
            )
        path = self._file(motion.parameters.positions[0])
        model = self._load(path)
        flags = ("normalised",) if self._is_normalised(path) else ()
        return Recording(
            model.play(dry, progress),
            flags=flags,
            input_level_dbu=model.input_level_dbu,
            output_level_dbu=None if flags else model.output_level_dbu,
        )

    def _file(self, position: NDArray[np.float32]) -> Path:
        """The file of a setting, shape (knobs,); raises UserError if there is none."""
        away = np.abs(self._positions - position) / self._spans
        nearest = int(np.argmin(away.max(axis=1)))
        path, setting = self._pack.files[nearest]
        if away[nearest].max() > SLACK:
            asked = ", ".join(f"{k} {v:g}" for k, v in zip(setting, position, strict=True))
            raise UserError(
                f"The pack has no capture at {asked}; the nearest is {path.name!r}. Plan with the "
                "design every."
            )
        return path

    def _is_normalised(self, path: Path) -> bool:
        if self.options.normalised is not None:
            return self.options.normalised
        return _NORMALISED.search(path.name) is not None
