"""The activations of NAM's nets, by the names they have in its files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rigs.nam.fields import Fields

Floats = NDArray[np.float64]
Activation = Callable[[Floats], None]
"""Works in place on an array of shape (channels, frames)."""

RATIONAL = (
    2.45550750702956,
    0.893229853513558,
    0.821226666969744,
    2.44506634652299,
    0.814642734961073,
)
"""a to e in tanh(x) ≈ x·(a + a|x| + (b + c|x|)x²) / (d + (d + x²)·|x + ex|x||), from
NeuralAmpModelerCore's `activations.h`. Its players have it switched on, and a capture has to sound
as they play it."""


def tanh(x: Floats) -> None:
    """The rational function that NAM's players put in the place of tanh; within 0.0005 of it."""
    a, b, c, d, e = RATIONAL
    size, square = np.abs(x), x * x
    above = size * c
    above += b
    above *= square
    term = size * a
    term += a
    above += term
    above *= x
    np.multiply(square, e, out=term)
    term += size
    square += d
    term *= square
    term += d
    np.divide(above, term, out=x)


def hard_tanh(x: Floats) -> None:
    np.clip(x, -1, 1, out=x)


def relu(x: Floats) -> None:
    np.maximum(x, 0, out=x)


def sigmoid(x: Floats) -> None:
    x *= 0.5
    np.tanh(x, out=x)
    x *= 0.5
    x += 0.5


def silu(x: Floats) -> None:
    gate = x.copy()
    sigmoid(gate)
    x *= gate


def hard_swish(x: Floats) -> None:
    x *= np.clip(x + 3, 0, 6) * (1 / 6)


def softsign(x: Floats) -> None:
    x /= 1 + np.abs(x)


def leaky_relu(slope: Floats) -> Activation:
    """``slope``, of shape () or (channels, 1), is that of negative values."""
    if ((slope >= 0) & (slope <= 1)).all():

        def apply(x: Floats) -> None:
            np.maximum(x, slope * x, out=x)
    else:

        def apply(x: Floats) -> None:
            np.multiply(x, slope, out=x, where=x <= 0)

    return apply


def leaky_hard_tanh(low: float, high: float, slope_low: float, slope_high: float) -> Activation:
    """Linear from ``low`` to ``high``, and beyond with the slopes given."""

    def apply(x: Floats) -> None:
        below, above = (x - low) * slope_low + low, (x - high) * slope_high + high
        x[...] = np.where(x < low, below, np.where(x > high, above, x))

    return apply


PLAIN: dict[str, Activation] = {
    "Tanh": tanh,
    "Fasttanh": tanh,
    "Hardtanh": hard_tanh,
    "ReLU": relu,
    "Sigmoid": sigmoid,
    "SiLU": silu,
    "Hardswish": hard_swish,
    "Softsign": softsign,
}


def read_activation(within: Fields, name: str, value: Any, channels: int) -> Activation:
    """What ``value``, the field ``name`` or a row of it, says: a name, or an object with a type.

    Raises UserError for a type that there is not.
    """
    where = f"{within.where}.{name}"
    if isinstance(value, str):
        given = Fields({"type": value}, where)
    elif isinstance(value, dict):
        given = Fields(value, where)
    else:
        raise within.wrong(f"{name} has to be a name or an object; get the file again")
    kind = given.text("type")
    if kind in PLAIN:
        return PLAIN[kind]
    if kind == "LeakyReLU":
        return leaky_relu(np.array(given.number("negative_slope", 0.01)))
    if kind == "PReLU":
        return leaky_relu(_slopes(given, channels))
    if kind in ("LeakyHardtanh", "LeakyHardTanh"):
        return leaky_hard_tanh(
            given.number("min_val", -1.0),
            given.number("max_val", 1.0),
            given.number("min_slope", 0.01),
            given.number("max_slope", 0.01),
        )
    raise within.unplayable(f"a net with the activation {kind[:40]!r}")


def _slopes(given: Fields, channels: int) -> Floats:
    """A PReLU's: one, or one a channel as shape (channels, 1)."""
    rows = given.values.get("negative_slopes")
    if given.has("negative_slope") or rows is None:
        return np.array(given.number("negative_slope", 0.01))
    if not isinstance(rows, list) or len(rows) not in (1, channels):
        raise given.wrong(f"negative_slopes has to be a list of {channels}; get the file again")
    numbers = [Fields({"slope": row}, given.where).number("slope") for row in rows]
    return np.array(numbers)[:, None]
