"""One take, judged, and where takes come from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from dataset.checks import Verdict, faults, judge
from dataset.plan import Plan, PlanEntry
from rigs.errors import UserError
from rigs.rig import Audio, Moved, Recording, Rig

if TYPE_CHECKING:
    from dataset.session.events import Event


@dataclass(frozen=True)
class Facts:
    """What is said of a take in a line: levels in dBFS, latency in samples, wall-clock seconds.

    ``drift`` is the ESR against the first sentinel, where the take is one.
    """

    peak_dbfs: float
    rms_dbfs: float
    noise_floor_dbfs: float
    latency: float
    seconds: float
    drift: float | None = None


@dataclass(frozen=True)
class Take:
    """What came back for an entry, and what is thought of it: all that a part is written from.

    ``started_at`` is None for a simulation's, whose times follow from the plan.
    """

    recording: Recording
    moved: Moved
    verdict: Verdict
    flags: tuple[str, ...]
    attempt: int = 1
    started_at: datetime | None = None
    seconds: float = 0.0
    drift: float | None = None

    @property
    def facts(self) -> Facts:
        v = self.verdict
        return Facts(
            v.peak_dbfs,
            v.rms_dbfs,
            v.noise_floor_dbfs,
            self.recording.latency,
            self.seconds,
            self.drift,
        )

    @property
    def wrong(self) -> tuple[str, ...]:
        """What is a fault in it, fatal ones first."""
        return (*self.verdict.fatal, *faults(self.flags))


@dataclass(frozen=True)
class Work:
    """What is left of a plan, for a :class:`Source` to make takes of.

    ``dry`` gives an entry's dry, shape (frames,). ``ready`` is called before a live take's audio:
    it waits until the take before is on disk. ``stop`` says whether to end after the take in hand.
    """

    rig: Rig
    plan: Plan
    to_do: tuple[PlanEntry, ...]
    dry: Callable[[PlanEntry], Audio]
    limits: Mapping[str, float]
    on_event: Callable[[Event], None]
    ready: Callable[[], None]
    stop: Callable[[], bool]


class Source(Protocol):
    """Makes the takes of ``work.to_do`` and yields each once, a simulation's in any order.

    A simulated rig's take is a function of the rig's file, the entry and its dry, as
    :func:`judged` says, so that it does not matter where, or by how many, it is made.
    """

    def __call__(self, work: Work) -> Iterator[tuple[PlanEntry, Take]]: ...


def judged(
    rig: Rig,
    entry: PlanEntry,
    dry: Audio,
    made: tuple[Recording, Moved],
    limits: Mapping[str, float],
) -> Take:
    """What a simulated ``rig``'s ``take`` came to; raises UserError if it cannot be stored."""
    recording, moved = made
    verdict = judge(dry, recording.wet, True, limits)
    if verdict.fatal:
        raise unusable(rig, entry, 1, verdict.fatal)
    return Take(recording, moved, verdict, (*recording.flags, *verdict.flags))


def unusable(rig: Rig, entry: PlanEntry, attempts: int, wrong: tuple[str, ...]) -> UserError:
    """The error of an entry none of whose takes can be stored."""
    return UserError(
        f"Capture {entry.index} came back unusable {attempts} times out of {attempts} "
        f"({', '.join(wrong)}); check the rig {rig.name!r} and run the same command again."
    )
