"""What motors are to do, as straight pieces on the grid of motor steps.

grbl drops a piece that moves no motor by a whole step, and with it the time it should have taken;
so pieces end where motors can stand, and time in which nothing moves is joined to the next piece.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rigs.actuators.grbl.shafts import Angles, Shafts
from rigs.errors import UserError
from rigs.trajectory import Trajectory

CHUNK = 0.1
"""Seconds of a positioning move that one line carries."""
REST = 0.3
"""Seconds without a step after which a sweep's next stretch is timed anew by the host."""
_GRID = 0.002
_BRISK = 0.5
_WIDTHS = (0.0, 0.02, 0.04, 0.06, 0.1, 0.14, 0.2, 0.25, 0.3)
"""Seconds over which corners may be rounded; half of the widest has to fit before the audio."""
_HEADROOM = 0.8
"""The share of the motors' acceleration that a sweep uses: the rest keeps it on time."""


def fastest(speed: float, acceleration: float) -> float:
    """Degrees a second at which any sweep can be done, whatever its corners: rounded over the
    widest width, even a turn on the spot keeps within ``acceleration``."""
    return 0.999 * min(speed, _HEADROOM * acceleration * _WIDTHS[-1] / 2)


@dataclass(frozen=True)
class Path:
    """Motor angles, shape (pieces + 1, knobs), at ``times`` in seconds, straight in between.

    ``paces`` is what the controller is told each piece takes: less than its time where it speeds
    up or slows down.
    """

    times: Angles
    angles: Angles
    paces: Angles

    def at(self, seconds: Angles) -> Angles:
        """Angles, shape (times, knobs); before and after, those of the ends."""
        columns = [np.interp(seconds, self.times, column) for column in self.angles.T]
        return np.stack(columns, -1)

    def speed(self, seconds: Angles) -> Angles:
        """Degrees a second, shape (times, knobs)."""
        slopes = np.diff(self.angles, axis=0) / np.diff(self.times)[:, None]
        piece = np.clip(np.searchsorted(self.times, seconds, "right") - 1, 0, len(slopes) - 1)
        inside = (seconds >= self.times[0]) & (seconds < self.times[-1])
        return np.asarray(slopes[piece] * inside[:, None])


def on_steps(angles: Angles, shafts: Shafts) -> Angles:
    """The nearest angles at which the motors can stand."""
    return np.asarray(np.round(angles / shafts.step) * shafts.step)


def straight(start: Angles, target: Angles, shafts: Shafts, speed: float) -> list[Angles]:
    """Stops from ``start`` to ``target`` in a straight line, :data:`CHUNK` seconds apart or less.

    Both are angles of shape (knobs,) on the grid of steps; empty if they are the same.
    """
    if np.allclose(start, target, atol=1e-9):
        return []
    pieces = max(1, math.ceil(np.abs(target - start).max() / speed / CHUNK))
    share = np.arange(1, pieces + 1)[:, None] / pieces
    stops = on_steps(start + share * (target - start), shafts)
    return [a for a, b in zip(stops, [start, *stops], strict=False) if not np.allclose(a, b)]


def _rounded(trajectory: Trajectory, shafts: Shafts, most: float) -> tuple[Angles, Angles]:
    """The trajectory in motor angles with corners rounded so that no motor outruns ``most``.

    A moving average over a width is the narrowest rounding that a limit on acceleration allows
    for a corner between straight lines; it starts half the width early. Raises UserError if even
    the widest is too sharp.
    """
    end = (len(trajectory.positions) - 1) / trajectory.rate
    pad = _WIDTHS[-1]
    times = np.arange(-pad, end + pad + _GRID, _GRID)
    angles = shafts.to_motor(trajectory.at(np.clip(times, 0, end)).astype(np.float64))
    steps: Angles = np.zeros(0)
    for width in _WIDTHS:
        half = round(width / 2 / _GRID)
        if half:
            padded = np.pad(angles, ((half, half), (0, 0)), "edge")
            area = np.cumsum(np.vstack([np.zeros_like(angles[:1]), padded]), axis=0)
            smooth = (area[2 * half + 1 :] - area[: -2 * half - 1]) / (2 * half + 1)
        else:
            smooth = angles
        steps = np.diff(smooth, 2, axis=0) / _GRID**2
        if np.abs(steps).max(initial=0) <= most:
            begin, stop = np.searchsorted(times, [-width / 2 - _GRID, end + width / 2 + _GRID])
            return times[begin : stop + 1], smooth[begin : stop + 1]
    worst = int(np.abs(steps).max(0).argmax())
    raise UserError(
        f"The sweep turns {shafts.all[worst].knob.name} too sharply for its motor; make a plan "
        "whose sweeps have a longer interval, or raise acceleration if the motor can do it."
    )


def sweep(
    trajectory: Trajectory, shafts: Shafts, speed: float, acceleration: float, segment: float
) -> list[Path]:
    """The stretches of a sweep, each in motion throughout; time 0 is the trajectory's frame 0.

    Raises UserError if it is faster or sharper than the motors may turn.
    """
    frames = shafts.to_motor(trajectory.positions.astype(np.float64))
    fastest = np.abs(np.diff(frames, axis=0)).max(0, initial=0) * trajectory.rate
    if fastest.max() > speed * 1.001:
        name = shafts.all[int(fastest.argmax())].knob.name
        raise UserError(
            f"The sweep turns {name} at {fastest.max():.0f} degrees a second, but its motor may do "
            f"{speed:g}; make a plan whose sweeps have a longer interval."
        )
    times, angles = _rounded(trajectory, shafts, _HEADROOM * acceleration)
    every = max(1, round(segment / _GRID))
    keep = np.unique(np.r_[np.arange(0, len(times), every), len(times) - 1])
    speeds = np.linalg.norm(np.gradient(angles, _GRID, axis=0), axis=1)[keep]
    times, angles = times[keep], on_steps(angles[keep], shafts)
    shafts.check_motor(angles)

    def path(at: list[int]) -> Path:
        long, begin, end = np.diff(times[at]), speeds[at[:-1]], speeds[at[1:]]
        mean = np.linalg.norm(np.diff(angles[at], axis=0), axis=1) / long
        # A piece's feed is the highest speed within it, reached as fast as the controller can. So
        # that it takes its time, the feed lies above the mean by as much as the ramp is steep.
        steep = np.minimum(np.abs(end - begin) / (acceleration * long), 1)
        feed = mean + steep * np.maximum(np.maximum(begin, end) - mean, 0)
        return Path(times[at], angles[at], np.maximum(mean / feed, _BRISK) * long)

    moved = np.flatnonzero((np.abs(np.diff(angles, axis=0)) > 1e-9).any(1)) + 1
    paths: list[Path] = []
    stretch: list[int] = []
    for index in moved:
        if not stretch or times[index - 1] - times[stretch[-1]] > REST:
            if stretch:
                paths.append(path(stretch))
            stretch = [int(index) - 1]
        stretch.append(int(index))
    return [*paths, path(stretch)] if stretch else []
