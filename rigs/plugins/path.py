"""A plugin as a signal path, of whatever kind: its controls are the knobs."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rigs.audio import SAMPLE_RATE
from rigs.errors import UserError
from rigs.knobs import KnobTable
from rigs.plugins.panel import Control, Panel, choose
from rigs.plugins.process import PluginProcess
from rigs.rig import Ask, Audio, Motion, Options, Progress, Reach, Recording, SignalPath
from rigs.trajectory import Trajectory

STILL_BLOCK = 1024
MOVING_BLOCK = 64
"""Frames of a block while knobs move: 1.3 ms. Guitarix's convolvers can do no shorter ones."""


class PluginOptions(Options):
    """What a TOML may say of any plugin.

    ``knobs`` names the controls that are knobs, all by default; ``fixed`` holds others where it
    says. ``preroll`` is how many seconds of silence are played at most before a take.
    """

    knobs: tuple[str, ...] | None = Field(default=None, min_length=1, max_length=1024)
    fixed: dict[str, float | str] = Field(default={}, max_length=1024)
    preroll: float = Field(default=5.0, ge=0.0, le=60.0)


def block_for(moves: bool, shortest: int, longest: int) -> int:
    """How many frames a block has: a power of two that the plugin allows.

    Raises UserError if it allows none.
    """
    block = MOVING_BLOCK if moves else STILL_BLOCK
    while block < shortest and block < 8192:
        block *= 2
    while block > longest and block > 1:
        block //= 2
    if not shortest <= block <= longest:
        raise UserError(
            f"The plugin asks for blocks of {shortest} to {longest} frames, among which is none "
            "that it can be given; it cannot be captured."
        )
    return block


def values_of(panel: Panel, trajectory: Trajectory, block: int, frames: int) -> NDArray[np.float32]:
    """What the plugin's controls are given before the audio and at each block of ``frames``.

    Shape (1 + blocks, keys), or one row if nothing moves. A control stands still during a block:
    at what the trajectory has in its middle, which lags behind it no more than it hurries ahead.
    """
    if not trajectory.moves:
        return panel.to_values(trajectory.positions)
    blocks = -(-frames // block)
    middles = (np.arange(blocks) * block + (block - 1) / 2) / SAMPLE_RATE
    times = np.concatenate([[0.0], middles]).astype(np.float64)
    return panel.to_values(trajectory.at(times))


class PluginPath(SignalPath):
    """Plays through a plugin in a process of its own. Each take is played by a new instance."""

    options_type: ClassVar[type[Options]] = PluginOptions
    options: PluginOptions
    simulated = True
    kind: str

    def __init__(self, options: PluginOptions, folder: Path) -> None:
        super().__init__(options, folder)
        self._process: PluginProcess | None = None
        self.device_seconds = 0.0
        """How long the plugin's own code has run, in all takes so far."""
        self.shortest_block, self.longest_block = 1, 1 << 30
        self.title = ""
        self.panel = Panel(())

    def _set_panel(self, title: str, controls: Sequence[Control]) -> None:
        """Say what the plugin is called and has; raises UserError as ``choose`` does."""
        self.title = title
        self.panel = choose(controls, self.options.knobs, self.options.fixed)
        self.knobs: KnobTable | None = self.panel.knobs
        block_for(False, self.shortest_block, self.longest_block)

    @abstractmethod
    def host_options(self) -> dict[str, Any]:
        """What the plugin's process is told, as JSON, to load it."""

    @property
    def reach(self) -> Reach:
        return Reach(steps=self.panel.steps)

    def open(self, ask: Ask) -> None:
        self.close()
        self._process = PluginProcess(self.kind, self.host_options(), self.title)

    def play(self, dry: Audio, motion: Motion, progress: Progress) -> Recording:
        trajectory = motion.parameters
        if trajectory is None:
            raise UserError(
                f"The plugin {self.title} has no panel to turn; give its rig [actuator] type = "
                "'parameters'."
            )
        if self._process is None:
            raise ValueError("open the path before it plays")
        block = block_for(trajectory.moves, self.shortest_block, self.longest_block)
        told, wet = self._process.play(
            np.asarray(dry, np.float32),
            values_of(self.panel, trajectory, block, len(dry)),
            block,
            self.options.preroll,
            progress,
        )
        self.device_seconds += told["seconds"]
        return Recording(wet, float(told["latency"]), tuple(told["flags"]))

    def close(self) -> None:
        if self._process is not None:
            self._process.close()
            self._process = None
