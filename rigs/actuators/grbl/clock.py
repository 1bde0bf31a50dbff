"""When did the motors do what they were told? From polled positions, or from pulses in the audio.

A controller's clock is not the audio's, and it starts late by what the line and its planner take.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rigs.actuators.grbl.paths import Path
from rigs.actuators.grbl.shafts import Angles

_KNOT = 0.25
"""Seconds over which lateness may bend: a controller loses milliseconds where a motor turns back,
and the stream gives them back."""
_ROUNDS = 8


@dataclass(frozen=True)
class Poll:
    """Motor angles at a time, both as measured; time 0 is wet sample 0. ``spread`` is the time
    between question and answer."""

    seconds: float
    angles: Angles
    spread: float


@dataclass(frozen=True)
class Clock:
    """A path's piece of time ``t`` was done at ``t + lag``: lateness at knots, linear between.

    ``degrees`` is how far the fit misses the polled positions, rms, and ``seconds`` what that
    means in time.
    """

    knots: NDArray[np.float64]
    lag: NDArray[np.float64]
    degrees: float
    seconds: float

    def path_time(self, seconds: Angles) -> Angles:
        """The path's time at each wet time."""
        return np.asarray(seconds - np.interp(seconds, self.knots, self.lag))


def _knots(first: float, last: float) -> NDArray[np.float64]:
    return np.linspace(first, last, 2 + int((last - first) / _KNOT))


def _hats(knots: NDArray[np.float64], seconds: Angles) -> Angles:
    """Weights of linear interpolation, shape (times, knots)."""
    return np.stack([np.interp(seconds, knots, row) for row in np.eye(len(knots))], -1)


def fit_polls(path: Path, polls: Sequence[Poll]) -> Clock:
    """The lateness that brings ``path`` through ``polls``, by robust least squares.

    Gauss-Newton with Huber's weights (P. J. Huber, *Robust Estimation of a Location Parameter*,
    1964) and a small price on bends. Without a poll in motion lateness is taken as none.
    """
    knots = _knots(float(path.times[0]), float(path.times[-1]) + 0.1)
    lag = np.zeros(len(knots))
    seconds = np.array([poll.seconds for poll in polls])
    if not polls:
        return Clock(knots, lag, 0.0, 0.0)
    angles = np.stack([poll.angles for poll in polls])
    hats = _hats(knots, seconds)
    bends = np.diff(np.eye(len(knots)), 2, axis=0) if len(knots) > 2 else np.zeros((0, len(knots)))
    # A gentle first guess: one lateness for all, searched, so that turns are not mistaken.
    tries = np.arange(-0.3, 0.6, 0.01)
    misses = [np.abs(angles - path.at(seconds - one)).mean() for one in tries]
    lag += tries[int(np.argmin(misses))]
    miss = np.zeros_like(angles)
    for _ in range(_ROUNDS):
        when = seconds - hats @ lag
        miss = angles - path.at(when)
        slope = -path.speed(when)
        scale = max(1.5 * float(np.median(np.abs(miss))), 0.05)
        weight = np.sqrt(np.minimum(1.0, scale / np.maximum(np.abs(miss), 1e-12)))
        rows = (weight * slope).ravel()[:, None] * np.repeat(hats, angles.shape[1], 0)
        stiff = 0.1 * np.sqrt((rows**2).sum() / len(knots)) * bends
        rank = 1e-6 * np.eye(len(knots))  # knots in a rest have no poll that tells of them
        left = np.vstack([rows, stiff, rank])
        right = np.r_[(weight * miss).ravel(), -stiff @ lag, np.zeros(len(knots))]
        lag = lag + np.clip(np.linalg.lstsq(left, right, rcond=None)[0], -0.1, 0.1)
    speed = float(np.sqrt((path.speed(seconds - hats @ lag) ** 2).sum(1).mean()))
    rms = float(np.sqrt((miss**2).sum(1).mean()))
    return Clock(knots, lag, rms, rms / speed if speed else 0.0)


def match_pulses(
    polled: Clock, told: NDArray[np.float64], heard: NDArray[np.float64], within: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pulses ``told`` at path times with those ``heard``, ``within`` seconds of when they were due.

    Some are told after the audio ended, and what is heard may be noise: both are left out.
    """
    if not len(told) or not len(heard):
        return np.empty(0), np.empty(0)
    due = told + np.interp(told, polled.knots, polled.lag)
    nearest = np.abs(due[:, None] - heard[None]).argmin(1)
    close = np.abs(due - heard[nearest]) < within
    return told[close], heard[nearest[close]]


def fit_pulses(polled: Clock, told: NDArray[np.float64], heard: NDArray[np.float64]) -> Clock:
    """``polled`` brought to where pulses ``told`` at path times were ``heard``, in wet seconds.

    Polls keep their say about what happens between two pulses; the pulses, about when.
    ``seconds`` is then how far the polls were off, rms, the mean not counted.
    """
    off = (heard - told) - np.interp(heard, polled.knots, polled.lag)
    lag = polled.lag + np.interp(polled.knots, heard, off)
    return Clock(polled.knots, lag, polled.degrees, float(np.std(off)))


def lateness(path: Path, polls: Sequence[Poll]) -> float:
    """A quick estimate, in seconds, from the last polls: how late the motion is now."""
    recent = polls[-20:]
    if len(recent) < 5:
        return 0.0
    seconds = np.array([poll.seconds for poll in recent])
    angles = np.stack([poll.angles for poll in recent])
    speed = path.speed(seconds)
    weight = float((speed**2).sum())
    if weight < 100.0:  # hardly moving: nothing to tell it from
        return 0.0
    return float(np.clip(((path.at(seconds) - angles) * speed).sum() / weight, -0.5, 0.5))
