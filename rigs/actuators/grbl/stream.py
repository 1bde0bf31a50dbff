"""Sending motion piece by piece, with never more than a second of it in the controller.

A host that dies therefore leaves a rig that stops. How much is queued follows from the
controller's own count of free planner blocks, so it holds whatever the clocks do.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from rigs.actuators.grbl.connection import HOLD, REPLY, Fault, Link, Report, Sent
from rigs.actuators.grbl.protocol import AXES, Status
from rigs.actuators.grbl.shafts import Angles, Shafts
from rigs.errors import DeviceLost, UserError

QUEUED = 0.7
"""Seconds of motion on their way at most; starting and stopping can add up to 0.15."""
MOTION = ("Idle", "Run", "Jog")
PREPARED = 0.15
"""Seconds of motion that a controller may have out of its planner, as steps, before they are done:
grblHAL prepares 0.1 s ahead, grbl 0.06."""
_EVERY = 0.025
_STILL = 3.0
_ASIDE = 0.75
"""Degrees beside its way at which a motor is held."""


@dataclass(frozen=True)
class Piece:
    """A line of motion: where to, and how long it takes.

    ``to`` is where it ends, in the machine's units by axis number; ``words`` say so for the axes
    that move. ``pace`` is what the controller is told it takes; None: just that. ``feed`` makes it
    a jog, in units a minute. ``order`` is a line that goes before it. ``after`` is when it begins,
    in seconds from the start; None: when the one before it ends.
    """

    to: Mapping[int, float]
    words: str
    seconds: float
    pace: float | None = None
    feed: float | None = None
    order: str = ""
    after: float | None = None

    def line(self, stretch: float = 1.0) -> str:
        if self.feed is not None:
            return f"$J=G53G90{self.words}F{self.feed:g}"
        return f"G53G1{self.words}F{60 / ((self.pace or self.seconds) * stretch):.3f}"


def piece(
    before: Angles,
    after: Angles,
    shafts: Shafts,
    base: Angles,
    seconds: float,
    pace: float | None = None,
    order: str = "",
    at: float | None = None,
) -> Piece:
    """From one place to another, angles of shape (knobs,); ``base`` is home in machine units."""
    to = {shaft.index: float(base[i] + after[i]) for i, shaft in enumerate(shafts.all)}
    words = "".join(
        f"{shaft.axis}{to[shaft.index]:.3f}"
        for i, shaft in enumerate(shafts.all)
        if abs(after[i] - before[i]) > shaft.step / 2
    )
    return Piece(to, words, seconds, pace, order=order, after=at)


def pieces_to(
    start: Angles, stops: Sequence[Angles], shafts: Shafts, speed: float, base: Angles
) -> list[Piece]:
    """A positioning move through ``stops``, no motor faster than ``speed``."""
    ends = [start, *stops]
    return [
        piece(a, b, shafts, base, float(np.abs(b - a).max()) / speed) for a, b in pairwise(ends)
    ]


@dataclass
class Stream:
    """Pieces on their way. ``lag`` says how late the motion is, in seconds; it is made up for."""

    link: Link
    pieces: Sequence[Piece]
    stopped: threading.Event = field(default_factory=threading.Event)
    on_report: Callable[[Report], None] = lambda _: None
    lag: Callable[[], float] = lambda: 0.0
    at: float | None = None
    """Monotonic time at which the first piece is to leave; None: at once."""
    early: float = 0.0

    def __post_init__(self) -> None:
        self._next = 0
        self.told: list[float] = []
        """How long each piece was told to take."""
        self._sent: list[tuple[Sent, float]] = []
        self._orders: list[Sent] = []
        self._seen: Report | None = None
        self._start: Sequence[float] = ()
        self._first = 0  # the first piece that may still be under way

    def run(self) -> None:
        """Returns when everything has been sent and the motors rest, or ``stopped`` is set.

        Raises Fault if a line is refused or unanswered, the controller reports anything but
        motion, or nothing moves; DeviceLost if the connection breaks. Whatever is raised, Ctrl-C
        included, the motion is held first.
        """
        try:
            if any(piece.feed is None for piece in self.pieces):
                self.link.command("G21G90G93")
            self._start = self.link.query().status.position
            self._pump()
        except BaseException:
            hold(self.link)
            raise

    def _pump(self) -> None:
        moved_at, where = time.monotonic(), None
        while not self.stopped.is_set():
            self._send()
            self.link.ask()
            known = self._seen
            self.link.wait(lambda known=known: self.link.report is not known, _EVERY)  # type: ignore[misc]
            self._refused()
            report, now = self.link.report, time.monotonic()
            if report is None or report is known:
                if now - moved_at > REPLY:
                    raise self.link.silent()
                continue
            self._seen = report
            self.on_report(report)
            self._watch(report)
            if report.status.position != where or self._early() > 0:
                moved_at, where = now, report.status.position
            if report.status.idle and self._all_answered(report):
                return
            if now - moved_at > _STILL:
                raise Fault(
                    f"The controller on {self.link.name} stands still in the middle of a move, in "
                    f"state {report.status.state}; check for a lost line, a hold or a door input."
                )
            pause = _EVERY - (now - report.asked)
            if pause > 0:
                self.stopped.wait(pause)

    def _early(self) -> float:
        """Seconds until the next piece's own time; 0 if it has none."""
        if self._next == len(self.pieces) or self.at is None:
            return 0.0
        after = self.pieces[self._next].after
        return 0.0 if after is None else self.at + after - self.early - time.monotonic()

    def _watch(self, report: Report) -> None:
        status = report.status
        if status.state not in MOTION:
            raise Fault(
                f"The controller on {self.link.name} went to state {status.state} in the middle of "
                "a move; look for what asked it to."
            )
        if status.blocks is None:
            raise UserError(
                f"The controller on {self.link.name} does not report its buffers; set $10=3."
            )
        self._astray(status)
        # Lines are answered when planned, so what is left is what was answered last.
        answered = sum(sent.number <= report.answered for sent, _ in self._sent[self._first :])
        left = self._planned(status)
        done = max(0, answered - left)
        if left or not status.idle:
            prepared = 0.0
            while done and prepared < PREPARED:
                done -= 1
                prepared += self._sent[self._first + done][1]
        self._first += done

    def _astray(self, status: Status) -> None:
        """Raise Fault if a motor is not between the ends of the pieces that may be under way.

        Then the controller heard another number than it was told: it is held, not let run.
        """
        under_way = self.pieces[max(0, self._first - 1) : self._next]
        for axis in self.pieces[0].to:
            ends = [piece.to[axis] for piece in under_way]
            ends += [] if self._first else [self._start[axis]]
            if ends and not min(ends) - _ASIDE <= status.position[axis] <= max(ends) + _ASIDE:
                raise Fault(
                    f"The controller on {self.link.name} turned {AXES[axis]} to "
                    f"{status.position[axis]:.1f}, where it was not sent, and was held; check its "
                    "cable for noise."
                )

    def _planned(self, status: Status) -> int:
        return max(0, self.link.blocks - (status.blocks or 0))

    def queued(self) -> float:
        """Seconds of motion that may not be done yet."""
        return sum(seconds for _, seconds in self._sent[self._first :])

    def _send(self) -> None:
        while self._next < len(self.pieces):
            piece = self.pieces[self._next]
            if self.at is not None and piece.after is not None:
                if self._first < len(self._sent):
                    return  # a stretch timed by the host begins when all before it is done
                wait = self._early()
                if wait > 2 * _EVERY or self.stopped.wait(max(0.0, wait)):
                    return
            stretch = 1 - min(max(self.lag() / 3, -0.15), 0.15) if self.at is not None else 1.0
            line, seconds = piece.line(stretch), piece.seconds * max(1.0, stretch)
            if self.queued() + seconds > QUEUED and self._first < len(self._sent):
                return
            if not self.link.fits(line + piece.order + "\n"):
                return
            if piece.order:
                self._orders.append(self.link.post(piece.order))
            self._sent.append((self.link.post(line), seconds))
            self.told.append(piece.seconds * stretch)
            self._next += 1

    def _refused(self) -> None:
        self._orders = [sent for sent in self._orders if not sent.done or sent.error is not None]
        for sent in (*self._orders, *(sent for sent, _ in self._sent[self._first :])):
            if sent.error is not None:
                raise self.link.refused(sent)

    def _all_answered(self, report: Report) -> bool:
        if self._next < len(self.pieces) or self._planned(report.status):
            return False
        return not self._sent or self._sent[-1][0].number <= report.answered


def hold(link: Link) -> None:
    """Stop all motion, as fast as the motors' acceleration allows. Raises nothing of its own."""
    with suppress(DeviceLost):  # a broken line: nothing more is sent, and the queue runs dry
        link.byte(HOLD)
