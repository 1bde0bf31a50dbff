"""The flat list of weights of a `.nam` file, taken in order."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rigs.nam.fields import Fields

Floats = NDArray[np.float64]

MOST_MACS = 1 << 22
"""Multiply-adds a sample; NAM's standard WaveNet has 13 thousand, the largest seen 50."""


class Weights:
    """Hands out weights. ``config`` is where a shortage of them is reported."""

    def __init__(self, values: list[Any], config: Fields) -> None:
        """Raises UserError if one of ``values`` is not a finite number."""
        self._config = config
        try:
            if any(isinstance(value, str | bool) for value in values):
                raise ValueError
            with np.errstate(over="ignore"):  # what overflows is caught with what is infinite
                weights = np.asarray(values, np.float64).astype(np.float32).astype(np.float64)
        except (ValueError, TypeError, OverflowError):
            raise config.wrong(
                "weights holds something that is not a number; get the file again"
            ) from None
        if weights.ndim != 1 or not np.isfinite(weights).all():
            raise config.wrong(
                "weights has to be a list of finite numbers, and is not; get the file again"
            )
        self._weights: Floats = weights
        self._next = 0
        self._macs = 0

    def take(self, *shape: int) -> Floats:
        """The next weights, in row-major order; raises UserError if there are too few."""
        count = int(np.prod(shape, dtype=np.int64))
        taken = self._weights[self._next : self._next + count]
        if len(taken) < count:
            raise self._config.wrong(
                f"the net needs more than the {len(self._weights)} weights in the file; get the "
                "file again"
            )
        self._next += count
        return taken.reshape(shape)

    def convolution(self, out: int, into: int, kernel: int, groups: int = 1) -> Floats:
        """A convolution's, shape (out, into, kernel), with zeros between groups.

        Raises UserError if the groups do not divide the channels or the net becomes too large.
        """
        if out % groups or into % groups:
            raise self._config.wrong(
                f"{groups} groups do not divide {into} channels into {out}; get the file again"
            )
        self._macs += out * into * kernel
        if self._macs > MOST_MACS:
            raise self._config.wrong(
                f"the net needs more than {MOST_MACS} multiply-adds a sample; leave the file out"
            )
        if groups == 1:
            return self.take(out, into, kernel)
        dense = np.zeros((out, into, kernel))
        rows, columns = out // groups, into // groups
        for group in range(groups):
            block = self.take(rows, columns, kernel)
            dense[group * rows : (group + 1) * rows, group * columns : (group + 1) * columns] = (
                block
            )
        return dense

    def done(self) -> None:
        """Raises UserError if weights are left."""
        left = len(self._weights) - self._next
        if left:
            raise self._config.wrong(
                f"the file holds {left} weights more than the net has; get the file again"
            )
