"""A rig: what sets a device's knobs, and what passes audio through it.

The two halves combine freely. An actuator is told where the knobs go; a signal path plays the dry
signal and returns the wet. Where knobs are parameters of the path itself (a plugin, a simulation),
the motion carries the trajectory, and the path follows it sample by sample; where they are turned
from outside, the path tells the motion when its first sample sounds, and the knobs turn by that.

Making either half touches no hardware: that is for ``open``, and nothing moves or sounds before
``prepare``.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from rigs.errors import UserError
from rigs.files import sha256_of
from rigs.knobs import KnobTable, Setting
from rigs.trajectory import Trajectory
from rigs.travel import OneByOne, Travel

Audio = NDArray[np.floating[Any]]
Progress = Callable[[float], None]
"""Called with the seconds of audio done."""
Ask = Callable[[str], str]
"""Shows a person a text, waits for a key, and returns it (`"\\r"` for Enter)."""


def nobody(text: str) -> str:
    """The :data:`Ask` of a rig that runs alone; raises UserError."""
    raise UserError(
        f"This rig needs a person at a terminal, and there is none, to be asked: {text.strip()}"
    )


class Options(BaseModel):
    """What a rig's TOML may say of one half; each half has a subclass, or takes none."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


@dataclass(frozen=True)
class Moved:
    """Where the knobs were. ``trajectory`` is as measured; None: as it was asked for."""

    reached: Setting
    trajectory: Trajectory | None = None


@dataclass(frozen=True)
class Motion:
    """The knobs stand at a trajectory's first frame; how the rest of it comes about.

    ``parameters`` is what the path must follow itself. An actuator whose knobs turn while audio
    plays overrides :meth:`begin` and :meth:`end`.
    """

    reached: Setting
    parameters: Trajectory | None = None

    def begin(self, at: float) -> None:
        """Wet sample 0 sounds at ``at``, in seconds of time.monotonic(). Returns at once.

        A live path calls this once a take, 0.2 s or more ahead; a simulated one does not.
        """

    def pulses(self, seconds: NDArray[np.float64]) -> None:
        """When, from wet sample 0, an output that changes in step with the motion was heard to.

        Called after the audio, before :meth:`end`, by a path that such an output is wired to.
        """

    def end(self) -> Moved:
        """Called after the audio: waits until the knobs rest and tells where they were."""
        return Moved(self.reached)


@dataclass(frozen=True)
class Recording:
    """What came back: as many frames as the dry, aligned to it.

    ``latency`` is in samples, as measured: round(latency) were removed; nothing was resampled.
    ``flags`` is what the path itself noticed ("xrun"); a flagged take of a live path is repeated.
    The levels are in NAM's definition, as the rig's TOML says them; if it does not, as the path
    knows them of its own.
    """

    wet: Audio
    latency: float = 0.0
    flags: tuple[str, ...] = ()
    input_level_dbu: float | None = None
    output_level_dbu: float | None = None


@dataclass(frozen=True)
class Reach:
    """What settings a rig can bring about: what a plan for it has to keep to."""

    sweeps: bool = True
    """Whether knobs can move while audio plays."""
    steps: dict[str, float] = field(default_factory=dict)
    """Knobs that stand only at whole steps from their minimum, and the step in panel units."""
    speeds: dict[str, float] = field(default_factory=dict)
    """The fastest that knobs can move while audio plays, in panel units a second; absent: any."""
    only: tuple[Setting, ...] = ()
    """The only settings there are; empty: any."""
    travel: Travel | None = None
    """How long knobs take from one setting to another; None: no time at all."""
    around: float = 0.0
    """Seconds that a take lasts beyond its dry, if it takes time at all: clicks, and silence."""

    @property
    def one_by_one(self) -> bool:
        """Whether each knob costs effort: the fewer move between two settings, the better."""
        return isinstance(self.travel, OneByOne)


ANYWHERE = Reach()


class Actuator(ABC):
    """One half of a rig: sets knobs. Made with its options and the folder of its rig's TOML."""

    options_type: ClassVar[type[Options]] = Options

    def __init__(self, options: Options, folder: Path) -> None:
        self.options = options
        self.folder = folder

    @property
    def reach(self) -> Reach:
        return Reach()

    def check(self, knobs: KnobTable) -> None:
        """Raise UserError if these are not knobs that this actuator can set."""

    def open(self, knobs: KnobTable, ask: Ask) -> None:
        """Connect; nothing moves. Raises UserError if the hardware is not there."""

    def prepare(self) -> None:
        """Make ready to move: find the position, hold. This may move knobs."""

    @abstractmethod
    def go(self, knobs: KnobTable, trajectory: Trajectory) -> Motion:
        """Bring the knobs to the trajectory's first frame and arrange for the rest of it.

        Raises DeviceLost if the connection broke.
        """

    def stop(self) -> None:
        """Stop all motion now: something went wrong. Raises nothing."""

    def close(self) -> None:
        """Park and let go; may be called twice, or without ``open``. Raises nothing."""


class SignalPath(ABC):
    """The other half: passes audio. Made with its options and the folder of its rig's TOML."""

    options_type: ClassVar[type[Options]] = Options
    knobs: KnobTable | None = None
    """The knobs the path itself has (a plugin's parameters); None if it only carries audio."""
    simulated: ClassVar[bool] = False
    """Whether time is simulated: the same dry and knobs give the same wet, whatever the clock."""
    notice: str = ""
    """What a person should be reminded of before this path sounds."""

    def __init__(self, options: Options, folder: Path) -> None:
        self.options = options
        self.folder = folder

    @property
    def reach(self) -> Reach:
        return Reach()

    def sounding(self) -> dict[str, Any]:
        """The options that are not as usual and that the sound depends on, as JSON."""
        return self.options.model_dump(mode="json", exclude_defaults=True)

    @property
    def sources(self) -> tuple[Path, ...]:
        """The user's files that a simulation is made of: with another content it is another."""
        return ()

    def open(self, ask: Ask) -> None:
        """Connect; nothing sounds. Raises UserError if the hardware is not there."""

    def prepare(self) -> None:
        """Make ready to play. This may make a noise, rising from quiet."""

    @abstractmethod
    def play(self, dry: Audio, motion: Motion, progress: Progress) -> Recording:
        """Play ``dry``, shape (frames,), ±1.0 = 0 dBFS, and return what came back.

        A live path calls ``motion.begin``. Raises DeviceLost if the connection broke, and
        UserError for what will be no better next time. Whatever ends it, it ends in silence.
        """

    def close(self) -> None:
        """Mute and let go; may be called twice, or without ``open``. Raises nothing."""


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

    @property
    def reach(self) -> Reach:
        """What both halves can do, within the ranges of the knobs."""
        a, p = self.actuator.reach, self.path.reach
        only = tuple(
            setting
            for setting in p.only
            if all(k.minimum - 1e-6 <= setting[k.name] <= k.maximum + 1e-6 for k in self.knobs)
        )
        if p.only and not only:
            raise UserError(
                f"The rig {self.name!r} narrows its knobs to where the device has no setting at "
                "all; widen their ranges."
            )
        limits = [*a.speeds.items(), *p.speeds.items()]
        return Reach(
            sweeps=a.sweeps and p.sweeps,
            steps={**p.steps, **a.steps},
            speeds={name: min(v for n, v in limits if n == name) for name, _ in limits},
            only=only,
            travel=a.travel or p.travel,
            around=a.around + p.around,
        )

    def fingerprint(self) -> str:
        """What a simulation follows from, beside plan and code; "" if that is nothing, or for a
        live rig, which is never the same twice.

        Raises UserError if one of its files cannot be read.
        """
        if not self.path.simulated:
            return ""
        said = self.path.sounding()
        hashes = [sha256_of(path) for path in self.path.sources]
        if not said and not hashes:
            return ""
        text = json.dumps([said, *hashes], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def open(self, ask: Ask = nobody) -> None:
        """Connect both halves, then make them ready: from here on things move and sound.

        Raises UserError, with both closed again, if either cannot.
        """
        try:
            self.path.open(ask)
            self.actuator.open(self.knobs, ask)
            self.actuator.prepare()
            self.path.prepare()
        except BaseException:
            self.close()
            raise

    def take(
        self,
        dry: Audio,
        trajectory: Trajectory,
        progress: Progress = lambda _: None,
        before_audio: Callable[[], None] = lambda: None,
    ) -> tuple[Recording, Moved]:
        """Play ``dry`` while the knobs follow ``trajectory``; what came back, and where they were.

        ``before_audio`` is called when the knobs stand at the first frame. Whatever goes wrong,
        the knobs stop. Raises DeviceLost if a connection broke: ``open`` again, and repeat.
        """
        trajectory.check(self.knobs)
        try:
            motion = self.actuator.go(self.knobs, trajectory)
            before_audio()
            recording = self.path.play(dry, motion, progress)
            return self._calibrated(recording), motion.end()
        except BaseException:
            self.actuator.stop()
            raise

    def _calibrated(self, recording: Recording) -> Recording:
        if self.input_level_dbu is not None:
            recording = replace(recording, input_level_dbu=self.input_level_dbu)
        if self.output_level_dbu is not None:
            recording = replace(recording, output_level_dbu=self.output_level_dbu)
        return recording

    def close(self) -> None:
        """Silence first, then the motors; may be called twice."""
        try:
            self.path.close()
        finally:
            self.actuator.close()
