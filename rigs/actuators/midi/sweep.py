"""Following a trajectory by MIDI while audio plays."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rigs.actuators.midi.controls import Control
from rigs.actuators.midi.port import Port
from rigs.errors import UserError
from rigs.rig import Motion, Moved
from rigs.trajectory import CONTROL_RATE, Trajectory

LOOK = 0.25
"""Seconds between two looks at whether the output is still there."""


@dataclass(frozen=True)
class Sent:
    """At ``seconds`` after wet sample 0 knob ``column`` was made to sound at ``position``."""

    seconds: float
    column: int
    position: float


def most_behind(
    controls: Sequence[Control], states: Sequence[int], wanted: Sequence[int]
) -> int | None:
    """Which knob is the farthest, in shares of its range, from where it should be; None: none."""
    away = [
        abs(want - state) / control.steps
        for control, state, want in zip(controls, states, wanted, strict=True)
    ]
    farthest = max(range(len(away)), key=away.__getitem__)
    return farthest if away[farthest] > 0 else None


def staircase(start: NDArray[np.float32], sent: Sequence[Sent], seconds: float) -> Trajectory:
    """What was sent, as a trajectory of at least ``seconds`` that stands still between messages.

    ``start``, shape (knobs,), holds the positions before the first message. A step takes the one
    frame in which its message went out: 1 ms.
    """
    last = max([seconds, *(event.seconds for event in sent)])
    frames = np.arange(math.ceil(round(last * CONTROL_RATE, 6)) + 1) / CONTROL_RATE
    positions = np.tile(np.asarray(start, np.float32), (len(frames), 1))
    for column in {event.column for event in sent}:
        own = [event for event in sent if event.column == column]
        values = np.array([start[column], *(event.position for event in own)], np.float32)
        done = np.searchsorted([event.seconds for event in own], frames, side="right")
        positions[:, column] = values[done]
    return Trajectory(positions, CONTROL_RATE)


class Sweep:
    """Sends one trajectory from a thread of its own, and remembers what was sent when."""

    def __init__(
        self,
        port: Port,
        controls: Sequence[Control],
        states: Sequence[int],
        trajectory: Trajectory,
        delay: float,
    ) -> None:
        self._port = port
        self._controls = controls
        self._states = list(states)
        self._positions = trajectory.positions.astype(np.float64)
        self._rate = trajectory.rate
        self._delay = delay
        self._seconds = (len(self._positions) - 1) / self._rate
        self._start = np.array(
            [c.position(s) for c, s in zip(controls, states, strict=True)], np.float32
        )
        self._sent: list[Sent] = []
        self._stopping = threading.Event()
        self._wrong: Exception | None = None
        self._thread: threading.Thread | None = None

    def begin(self, at: float) -> None:
        self._thread = threading.Thread(target=self._run, args=(at,), name="midi", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Send no more. Raises nothing."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=1.0)

    def end(self) -> Trajectory:
        """Wait until all is sent; raises DeviceLost if the output went meanwhile."""
        if self._thread is None:
            raise UserError(
                "This signal path does not say when its audio begins, so no knob can be swept by "
                "MIDI on it; plan static settings (design sobol) instead."
            )
        self._thread.join()
        if self._wrong is not None:
            raise self._wrong
        return staircase(self._start, self._sent, self._seconds)

    def _run(self, at: float) -> None:
        try:
            self._follow(at)
        except Exception as error:  # for end() to raise where it is heard
            self._wrong = error

    def _follow(self, at: float) -> None:
        look_at = 0.0
        while not self._stopping.is_set():
            now = time.monotonic()
            heard = now + self._delay - at
            if now >= look_at:
                self._port.check()
                look_at = now + LOOK
            wanted = self._wanted(heard)
            column = most_behind(self._controls, self._states, wanted)
            if column is not None:
                self._tell(column, wanted[column], at)
            elif heard >= self._seconds:
                self._port.check()
                return
            else:
                self._stopping.wait(max(self._port.spacing, min(-heard, LOOK)))

    def _wanted(self, seconds: float) -> list[int]:
        """The states at a time; before the first frame and after the last one it rests."""
        way = min(max(seconds * self._rate, 0.0), len(self._positions) - 1.0)
        frame = min(int(way), len(self._positions) - 2)
        before, after = self._positions[frame : frame + 2]
        row = before + (way - frame) * (after - before)
        return [control.state(p) for control, p in zip(self._controls, row, strict=True)]

    def _tell(self, column: int, state: int, at: float) -> None:
        control = self._controls[column]
        for message in control.messages(state):
            done = self._port.send(message)
        self._states[column] = state
        self._sent.append(Sent(done + self._delay - at, column, control.position(state)))


@dataclass(frozen=True, kw_only=True)
class Standing(Motion):
    """The knobs rest where they are, if the output is still there at the end."""

    port: Port

    def end(self) -> Moved:
        self.port.check()
        return Moved(self.reached)


@dataclass(frozen=True, kw_only=True)
class Sweeping(Motion):
    """The knobs follow a trajectory; where they were is what was sent."""

    sweep: Sweep

    def begin(self, at: float) -> None:
        self.sweep.begin(at)

    def end(self) -> Moved:
        return Moved(self.reached, self.sweep.end())
