"""Small matrices times long signals, on one thread."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ONE_THREAD = 1 << 18
"""Multiply-adds up to which OpenBLAS takes one thread.

More threads gain little on matrices this small, and where cores are shared they lose a factor of
twenty by waiting for each other. One thread also gives the same bits whatever the machine does.
"""


def multiply(weight: Floats, x: Floats, out: Floats) -> None:
    """``out`` = ``weight`` @ ``x``, of shapes (rows, inner), (inner, frames), (rows, frames)."""
    frames = x.shape[1]
    step = max(1, ONE_THREAD // weight.size)
    for start in range(0, frames, step):
        part = slice(start, start + step)
        np.matmul(weight, x[:, part], out=out[:, part])
