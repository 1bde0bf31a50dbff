"""Knobs that turn while audio plays."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from rigs.actuators.grbl.clock import Clock, Poll, fit_polls, fit_pulses, lateness, match_pulses
from rigs.actuators.grbl.connection import Fault, Link, Report
from rigs.actuators.grbl.paths import Path
from rigs.actuators.grbl.shafts import Angles, Shafts
from rigs.actuators.grbl.stream import Piece, Stream, piece
from rigs.knobs import KnobTable
from rigs.rig import Motion, Moved
from rigs.trajectory import CONTROL_RATE, Trajectory

RATE = CONTROL_RATE / 10
"""Frames a second of a measured trajectory."""
_PULSE = 0.5
"""Seconds between a sync output's edges, or more."""
_ASTRAY = 3.0
"""Degrees rms between told and polled at which the motors did something else."""


def to_pieces(
    paths: Sequence[Path], shafts: Shafts, base: Angles, output: int | None
) -> tuple[list[Piece], list[float]]:
    """Lines for the stretches of a sweep, and at which path times ``output`` changes."""
    pieces: list[Piece] = []
    edges: list[float] = []
    for path in paths:
        for i, (begin, end) in enumerate(zip(path.times, path.times[1:], strict=False)):
            order = ""
            if output is not None and (not edges or begin - edges[-1] >= _PULSE):
                order = f"M{63 if len(edges) % 2 else 62}P{output}"
                edges.append(float(begin))
            after = float(begin) if i == 0 else None
            pace = float(path.paces[i])
            pieces.append(
                piece(
                    path.angles[i],
                    path.angles[i + 1],
                    shafts,
                    base,
                    float(end - begin),
                    pace,
                    order,
                    after,
                )
            )
    return pieces, edges


class Sweep:
    """One trajectory on its way: streams it in a thread, polls positions, fits the clock."""

    def __init__(
        self,
        link: Link,
        shafts: Shafts,
        paths: Sequence[Path],
        base: Angles,
        early: float,
        output: int | None = None,
    ) -> None:
        self._link, self._shafts, self._base = link, shafts, base
        self._paths = paths
        self.path = Path(
            np.concatenate([path.times for path in paths]),
            np.concatenate([path.angles for path in paths]),
            np.concatenate([path.paces for path in paths]),
        )
        self._pieces, self.edges = to_pieces(paths, shafts, base, output)
        self._early = early
        self._told: list[float] = []
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None
        self._at = 0.0
        self.polls: list[Poll] = []

    def begin(self, at: float) -> None:
        self._at = at
        self._thread = threading.Thread(target=self._run, name="sweep", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        stream = Stream(
            self._link,
            self._pieces,
            self._stopped,
            self._note,
            lambda: lateness(self.path, self.polls),
            self._at,
            self._early,
        )
        try:
            stream.run()
        except BaseException as error:
            self._error = error
        self._told = stream.told

    def _note(self, report: Report) -> None:
        angles = np.array([report.status.position[s.index] for s in self._shafts.all]) - self._base
        when = (report.asked + report.got) / 2 - self._at
        self.polls.append(Poll(when, angles, report.got - report.asked))

    def stop(self) -> None:
        """Send nothing more. Raises nothing."""
        self._stopped.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(5.0)

    def finish(self) -> None:
        """Wait until the motors rest; raises what went wrong on the way."""
        if self._thread is None:
            self.begin(time.monotonic())
            assert self._thread is not None
        while self._thread.is_alive():
            self._thread.join(0.1)  # in steps, so that Ctrl-C comes through
        if self._error is not None:
            raise self._error
        self.path, self.edges = self._as_told()

    def _as_told(self) -> tuple[Path, list[float]]:
        """The path and its edges with the times that pieces were given to make up for lateness."""
        told, times = iter(self._told), list[float]()
        for path in self._paths:
            times.append(max(float(path.times[0]), times[-1] + 1e-3 if times else -np.inf))
            for _ in path.times[1:]:
                times.append(times[-1] + next(told))
        edges = np.interp(self.edges, self.path.times, times)
        return replace(self.path, times=np.array(times)), list(edges)

    def clock(self, heard: NDArray[np.float64] | None = None) -> Clock:
        """Raises Fault if the motors were not where they were told to be."""
        fit = fit_polls(self.path, self.polls)
        if fit.degrees > _ASTRAY:
            raise Fault(
                f"The motors on {self._link.name} were {fit.degrees:.1f} degrees off what the "
                "sweep told them; check for lost lines and for what keeps them from turning."
            )
        if heard is not None:
            told, heard = match_pulses(fit, np.array(self.edges), heard, _PULSE / 4)
            if len(told):
                return fit_pulses(fit, told, heard)
        return fit

    def measured(self, clock: Clock, start: Angles, trajectory: Trajectory) -> Trajectory:
        """Where the knobs were: frame 0 at wet sample 0, until both wish and motion are over."""
        asked = (len(trajectory.positions) - 1) / trajectory.rate
        end = max(asked, float(self.path.times[-1] + clock.lag[-1]))
        before = np.arange(-0.5, 0.0, 1 / RATE)
        seconds = np.r_[before, np.arange(np.ceil(end * RATE) + 1) / RATE]
        motors = self.path.at(clock.path_time(seconds))
        panel = self._shafts.to_panel(self._shafts.follow(start, motors)[len(before) :])
        return Trajectory(panel.astype(np.float32), RATE)


@dataclass(frozen=True)
class SweepMotion(Motion):
    """A :class:`Motion` that turns real knobs.

    ``done`` is called with the clock that was found; ``counting`` counts faults.
    """

    sweep: Sweep = field(kw_only=True)
    trajectory: Trajectory = field(kw_only=True)
    start: Angles = field(kw_only=True)
    knobs: KnobTable = field(kw_only=True)
    done: Callable[[Clock], None] = field(kw_only=True)
    counting: Callable[[], AbstractContextManager[None]] = field(kw_only=True)
    heard: list[NDArray[np.float64]] = field(kw_only=True, default_factory=list)

    def begin(self, at: float) -> None:
        self.sweep.begin(at)

    def pulses(self, seconds: NDArray[np.float64]) -> None:
        """Edges of the sync output as heard in the audio, in seconds from wet sample 0.

        A path that records the output calls this before :meth:`end`.
        """
        self.heard.append(np.sort(np.asarray(seconds, float)))

    def end(self) -> Moved:
        with self.counting():
            self.sweep.finish()
            clock = self.sweep.clock(self.heard[-1] if self.heard else None)
        self.done(clock)
        measured = self.sweep.measured(clock, self.start, self.trajectory)
        return Moved(self.knobs.to_setting(measured.positions[0]), measured)
