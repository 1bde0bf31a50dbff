"""The two triode stages and what couples them, at the high rate."""

from __future__ import annotations

import numpy as np

from rigs.virtual.components import Components, Coupling
from rigs.virtual.filters import Array, FixedFilter
from rigs.virtual.oversampling import FACTOR, Downsampler, Upsampler
from rigs.virtual.triode import Waveshaper


class Preamp:
    """Volts at the first grid -> volts at the second plate, both at the base rate."""

    def __init__(self, parts: Components, rate: float) -> None:
        self._up = Upsampler()
        self._first = Waveshaper(parts.first.sigmoids)
        self._coupling = FixedFilter(*coupling_network(parts.coupling, rate * FACTOR))
        self._blocking = GridBlocking(parts.coupling, rate)
        self._second = Waveshaper(parts.second.sigmoids)
        self._down = Downsampler(early=1.0)  # two waveshapers, half a sample each

    def process(self, grid: Array) -> Array:
        """``grid``: (BLOCK,) volts; the same shape, LATENCY samples later."""
        plate = self._first.process(self._up.process(grid))
        drive = self._blocking.process(self._coupling.process(plate))
        return self._down.process(self._second.process(drive))


def coupling_network(parts: Coupling, rate: float) -> tuple[Array, Array]:
    """Plate to next grid as a digital filter (bilinear transform), ``rate`` in Hz.

    Coupling capacitor and series resistor against the leak, in parallel with the Miller
    capacitance: H(s) = s C Rl / ((1 + s C Rs)(1 + s Cm Rl) + s C Rl), Rs with the plate's source.
    """
    series = parts.source + parts.series
    cc, cm, leak = parts.capacitor, parts.miller, parts.leak
    top = np.array([0.0, cc * leak, 0.0])
    bottom = np.array([cc * series * cm * leak, cc * (series + leak) + cm * leak, 1.0])
    return bilinear_biquad(top, bottom, rate)


def bilinear_biquad(top: Array, bottom: Array, rate: float) -> tuple[Array, Array]:
    """Digital numerator and denominator of a second-order analog filter (s², s, 1)."""
    k = 2 * rate
    to_digital = np.array([[k * k, k, 1.0], [-2 * k * k, 0.0, 2.0], [k * k, -k, 1.0]])
    b, a = to_digital @ top, to_digital @ bottom
    return b / a[0], a / a[0]


class GridBlocking:
    """Grid current charges the coupling capacitor: the second grid's bias falls while it clips.

    The drive in excess of the cathode's voltage flows through the series resistor into the
    capacitor, and leaks away through the leak. With k = leak / series the loop settles where a
    square wave of excess V shifts the bias by V·(k/2)/(1 + k/2), and moves at
    (1 + k/2)/(C·(series + leak)) per second. Solved feed-forward: the mean of the excess over
    each base sample, through that lag.
    """

    def __init__(self, parts: Coupling, rate: float) -> None:
        ratio = parts.leak / (parts.source + parts.series)
        depth = ratio / (1 + ratio / 2)
        seconds = parts.capacitor * (parts.source + parts.series + parts.leak) / (1 + ratio / 2)
        keep = np.exp(-1 / (seconds * rate))
        self._lag = FixedFilter(np.array([depth * (1 - keep)]), np.array([1.0, -keep]))
        self._conduction = parts.conduction
        self._last = 0.0

    def process(self, drive: Array) -> Array:
        """``drive`` in V at the high rate, (n * FACTOR,); less the shift of bias, same shape."""
        excess = np.maximum(drive - self._conduction, 0).reshape(-1, FACTOR).mean(axis=1)
        shift = self._lag.process(excess)
        result = drive - glide(self._last, shift)
        self._last = float(shift[-1])
        return result


def glide(before: float, values: Array) -> Array:
    """Base-rate ``values``, (n,), linear to each from the one before it: (n * FACTOR,)."""
    starts = np.empty_like(values)
    starts[0] = before
    starts[1:] = values[:-1]
    steps = np.arange(1, FACTOR + 1) / FACTOR
    return np.asarray((starts[:, None] + (values - starts)[:, None] * steps).ravel())
