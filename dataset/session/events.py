"""What a session tells while it goes: to a display, to its log, to whoever watches."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dataset.plan import PlanEntry
from dataset.session.take import Facts


@dataclass(frozen=True)
class Planned:
    """The session knows what is to be done: ``held`` of ``total`` captures are on disk."""

    total: int
    held: int
    seconds_total: float
    seconds_held: float


@dataclass(frozen=True)
class SetAside:
    """The newest part was cut short, as by a power cut: it now lies at ``to``, to be made again."""

    path: Path
    to: Path


@dataclass(frozen=True)
class Waiting:
    """No capture is made for now, because of ``what`` ("the rig to open", "the amp to settle")."""

    what: str


@dataclass(frozen=True)
class Heard:
    """A take that is not stored: the ``number``-th, from 1, ``why`` "warm-up", "drift" or "probe".

    ``esr`` is against the take before, None where there is none; ``drift`` against the first
    sentinel.
    """

    why: str
    number: int
    facts: Facts
    esr: float | None = None
    drift: float | None = None


@dataclass(frozen=True)
class Decided:
    """Something was decided that a person may want to know: ``what``, a sentence."""

    what: str


@dataclass(frozen=True)
class Started:
    """A capture begins."""

    entry: PlanEntry
    attempt: int


@dataclass(frozen=True)
class Progressed:
    """So many seconds of the capture's audio are done."""

    entry: PlanEntry
    seconds: float


@dataclass(frozen=True)
class Retrying:
    """A take was refused, and another one follows."""

    entry: PlanEntry
    attempt: int
    flags: tuple[str, ...]


@dataclass(frozen=True)
class Paused:
    """The connection to the rig broke; the capture is repeated when it is back."""

    entry: PlanEntry
    reason: str


@dataclass(frozen=True)
class Resumed:
    """The rig is back after so many ``seconds``."""

    entry: PlanEntry
    seconds: float


@dataclass(frozen=True)
class Kept:
    """A capture is on disk."""

    entry: PlanEntry
    path: Path
    flags: tuple[str, ...]
    attempt: int
    facts: Facts


Event = (
    Planned
    | SetAside
    | Waiting
    | Heard
    | Decided
    | Started
    | Progressed
    | Retrying
    | Paused
    | Resumed
    | Kept
)


@dataclass(frozen=True)
class Summary:
    """What a session did. ``flagged`` counts those of its own captures that have flags.

    ``stopped`` says that it was asked to stop before the plan was done; ``log`` is the session's
    log, None if there was nothing to do.
    """

    captured: int
    held: int
    flagged: int
    stopped: bool = False
    log: Path | None = None
