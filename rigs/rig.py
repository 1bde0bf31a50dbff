"""A rig: what sets a device's knobs, and what passes audio through it.

The two halves combine freely. An actuator is told where the knobs go; a signal path plays the dry
signal and returns the wet. Where knobs are parameters of the path itself (a plugin, a simulation),
the actuator hands the trajectory on, and the path follows it sample by sample.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rigs.knobs import KnobTable, Setting
from rigs.trajectory import Trajectory

Audio = NDArray[np.floating[Any]]
Progress = Callable[[float], None]
"""Called with the seconds of audio done."""


@dataclass(frozen=True)
class Motion:
    """Where an actuator says the knobs stand, and what the path must follow itself, if anything."""

    reached: Setting
    parameters: Trajectory | None = None


@dataclass(frozen=True)
class Recording:
    """What came back: as many frames as the dry, aligned to it.

    ``latency`` is in samples, as measured: round(latency) were removed; nothing was resampled.
    """

    wet: Audio
    latency: float = 0.0


class Actuator(Protocol):
    """One half of a rig: sets knobs."""

    def go(self, knobs: KnobTable, trajectory: Trajectory) -> Motion:
        """Bring the knobs to the trajectory's first frame and arrange for the rest of it."""
        ...

    def close(self) -> None: ...


class SignalPath(Protocol):
    """The other half: passes audio."""

    knobs: KnobTable | None
    """The knobs the path itself has (a plugin's parameters); None if it only carries audio."""
    simulated: bool
    """Whether time is simulated: the same dry and knobs give the same wet, whatever the clock."""

    def play(self, dry: Audio, parameters: Trajectory | None, progress: Progress) -> Recording:
        """Play ``dry``, shape (frames,), ±1.0 = 0 dBFS, and return what came back."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Rig:
    """An actuator and a signal path on one device. ``checks`` are the thresholds of its TOML."""

    name: str
    device: str
    knobs: KnobTable
    actuator: Actuator
    path: SignalPath
    input_level_dbu: float | None = None
    output_level_dbu: float | None = None
    checks: dict[str, float] = field(default_factory=dict)

    def take(
        self, dry: Audio, trajectory: Trajectory, progress: Progress = lambda _: None
    ) -> tuple[Recording, Setting]:
        """Play ``dry`` while the knobs follow ``trajectory``; returns it with what was reached."""
        trajectory.check(self.knobs)
        motion = self.actuator.go(self.knobs, trajectory)
        return self.path.play(dry, motion.parameters, progress), motion.reached

    def close(self) -> None:
        self.actuator.close()
        self.path.close()
