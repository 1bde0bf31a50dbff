"""A triode stage: Koren's tube on its load line, and the fast curve that stands for it.

The curve is a sum of algebraic sigmoids a·z/sqrt(w² + z²), z = x - c. Their antiderivatives are
a·sqrt(w² + z²), so first-order antiderivative antialiasing (Parker, Zavalishin & Le Bivic,
"Reducing the aliasing of nonlinear waveshaping using continuous-time convolution", DAFx 2016)

    (F(x1) - F(x0)) / (x1 - x0)  =  sum of a·(z1 + z0) / (sqrt(w² + z1²) + sqrt(w² + z0²))

has no small difference in it: no ill-conditioning, no branch.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rigs.virtual.components import Koren, TriodeStage
from rigs.virtual.filters import Array

_CHUNK = 3840


class Waveshaper:
    """Antialiased sum of algebraic sigmoids, 0 -> 0; delays by half a sample.

    ``sigmoids``: rows (amplitude, centre, width). The unit of the input is that of centre and
    width, the unit of the output that of amplitude.
    """

    def __init__(self, sigmoids: tuple[tuple[float, float, float], ...]) -> None:
        self._sigmoids = sigmoids
        self._idle = sum(-a * c / np.hypot(c, w) for a, c, w in sigmoids)
        self._last = 0.0

    def curve(self, samples: Array) -> Array:
        """The static curve, any shape, without memory."""
        total = np.full(np.shape(samples), -self._idle)
        for a, c, w in self._sigmoids:
            total += a * (samples - c) / np.hypot(samples - c, w)
        return total

    def process(self, samples: Array) -> Array:
        """Shape ``samples``, (n,), at the high rate."""
        result = np.empty_like(samples)
        for start in range(0, len(samples), _CHUNK):
            part = slice(start, start + _CHUNK)
            self._shape(samples[part], result[part])
        return result

    def _shape(self, samples: Array, result: Array) -> None:
        joined = np.empty(len(samples) + 1)
        joined[0] = self._last
        joined[1:] = samples
        self._last = float(samples[-1])
        sums = joined[1:] + joined[:-1]
        result.fill(-self._idle)
        for a, c, w in self._sigmoids:
            root = joined - c
            root *= root
            root += w * w
            np.sqrt(root, out=root)
            slope = sums - 2 * c
            slope *= a
            slope /= root[1:] + root[:-1]
            result += slope


def plate_current(tube: Koren, plate: Array, grid: Array) -> Array:
    """A; ``plate`` and ``grid`` in V above the cathode. Koren, equations 4 and 5."""
    inner = tube.kp * (1 / tube.mu + grid / np.sqrt(tube.kvb + plate**2))
    drive = plate / tube.kp * np.logaddexp(0, inner)
    return np.asarray(2 / tube.kg1 * np.maximum(drive, 0) ** tube.exponent, dtype=np.float64)


def load_line(stage: TriodeStage, drive: Array) -> Array:
    """Plate voltage less its idle value, V, for ``drive`` in V before the grid's source resistance.

    Exact static solution of the stage with the cathode held at its idle voltage by its capacitor.
    """
    tube = stage.tube
    none = np.zeros(1)
    current = _root(
        lambda i: (
            i
            - plate_current(
                tube, stage.supply - i * (stage.plate + stage.cathode), -i * stage.cathode
            )
        ),
        none,
        none + stage.supply / (stage.plate + stage.cathode),
    )
    cathode = current * stage.cathode
    source = drive - cathode

    def grid_excess(grid: Array) -> Array:
        soft = tube.grid_softness
        grid_current = soft * np.logaddexp(0, grid / soft) / tube.grid_resistance
        return grid + stage.grid_source * grid_current - source

    grid = _root(grid_excess, np.minimum(source, 0) - 100.0, np.abs(source) + 1)
    plate = _root(
        lambda v: v + stage.plate * plate_current(tube, v, grid) - (stage.supply - cathode),
        np.zeros_like(drive),
        np.full_like(drive, stage.supply),
    )
    return np.asarray(plate - (stage.supply - cathode - current * stage.plate), dtype=np.float64)


def _root(function: Callable[[Array], Array], low: Array, high: Array) -> Array:
    """Bisection of an increasing function, element by element."""
    for _ in range(80):
        middle = (low + high) / 2
        above = function(middle) > 0
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return (low + high) / 2
