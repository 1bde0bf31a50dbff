"""Linear filters: time-varying ones, solved exactly, and fixed ones with carried state.

A knob makes a filter time-varying. Its coefficients are worked out once per control frame and are
linear between frames; the recurrence

    x[n] = A[n] x[n-1] + B[n] (u[n] + u[n-1]),    y[n] = C[n]·x[n] + D[n] u[n]

is then a lower-triangular banded linear system, which BLAS ``dtbsv`` solves by substitution: the
recurrence itself, sample by sample, at the speed of compiled code.

All the networks here are passive and discretised by the trapezoidal rule with capacitor voltages
(or a one-pole lag) as states. A passive network's A never increases the energy stored in the
capacitors; nor does a mean of two such A, so moving knobs cannot make these filters unstable.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.blas import dtbsv
from scipy.signal import lfilter

Array = NDArray[np.float64]

CONTROL_STEP = 48
"""Samples between control frames, at the base rate."""


def interpolate(frames: Array) -> Array:
    """Control frames, shape (f + 1, ...), linear at every sample: (f * CONTROL_STEP, ...)."""
    flat = frames.reshape(len(frames), 1, -1)
    steps = np.arange(CONTROL_STEP)[:, None] / CONTROL_STEP
    samples = (flat[1:] - flat[:-1]) * steps
    samples += flat[:-1]
    return np.asarray(samples.reshape(-1, *frames.shape[1:]), dtype=np.float64)


def solve_recurrence(transition: Array, drive: Array, state: Array) -> Array:
    """x[n] = transition[n] @ x[n-1] + drive[n], from x[-1] = ``state``.

    Shapes: ``transition`` (n, order, order), ``drive`` (n, order), ``state`` (order,); the result
    has the shape of ``drive``. The states are interleaved into one vector, on which the recurrence
    is a lower-triangular matrix with ones on its diagonal and 2·order - 1 bands below it.
    """
    count, order = drive.shape
    bands = 2 * order - 1
    matrix = np.zeros((count, order, bands + 1))
    for row in range(order):
        for column in range(order):
            matrix[:-1, column, order + row - column] = -transition[1:, row, column]
    right = drive.copy()
    right[0] += transition[0] @ state
    flat = matrix.reshape(count * order, bands + 1).T
    solved = dtbsv(bands, flat, right.ravel(), lower=1, diag=1)
    return np.asarray(solved, dtype=np.float64).reshape(count, order)


@dataclass(frozen=True)
class Network:
    """A discrete network at successive control frames (f of them)."""

    transition: Array
    """A, shape (f, order, order)."""
    feed: Array
    """B, shape (f, order)."""
    output: Array
    """C, shape (f, order)."""
    direct: Array
    """D, shape (f,)."""


class TimeVaryingFilter:
    """A filter whose network moves; starts in the state that endless silence leaves."""

    def __init__(self, order: int) -> None:
        self._state = np.zeros(order)
        self._last_input = 0.0

    def process(self, samples: Array, network: Network) -> Array:
        """Filter ``samples``, shape (f * CONTROL_STEP,), by a network of f + 1 control frames."""
        sums = samples.copy()
        sums[1:] += samples[:-1]
        sums[0] += self._last_input
        drive = interpolate(network.feed) * sums[:, None]
        states = solve_recurrence(interpolate(network.transition), drive, self._state)
        self._state = states[-1].copy()
        self._last_input = float(samples[-1])
        heard = np.einsum("ni,ni->n", interpolate(network.output), states)
        return np.asarray(heard + interpolate(network.direct) * samples, dtype=np.float64)


class FixedFilter:
    """A rational filter with constant coefficients and carried state, starting from silence."""

    def __init__(self, numerator: Array, denominator: Array) -> None:
        self._b = np.asarray(numerator, dtype=np.float64)
        self._a = np.asarray(denominator, dtype=np.float64)
        self._state = np.zeros(max(len(self._a), len(self._b)) - 1)

    def process(self, samples: Array) -> Array:
        """Filter ``samples``, shape (n,)."""
        result, self._state = lfilter(self._b, self._a, samples, zi=self._state)
        return np.asarray(result, dtype=np.float64)


def one_pole(kind: str, corner: float, rate: float) -> tuple[Array, Array]:
    """Numerator and denominator of a first-order ``"low"`` or ``"high"`` pass.

    ``corner`` and ``rate`` in Hz. Bilinear transform, corner kept by prewarping.
    """
    warped = np.tan(np.pi * corner / rate)
    top = np.array([warped, warped]) if kind == "low" else np.array([1.0, -1.0])
    return top / (1 + warped), np.array([1.0, (warped - 1) / (1 + warped)])
