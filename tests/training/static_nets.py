"""Folded nets played in float64, one sample after another, by weights that move: the reference.

What a conditioned net does while knobs move is what its folds at the control frames do, every
weight linear between them. This knows nothing of torch, and of no conditioning.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.models.control import CONTROL_INTERVAL
from training.models.static import StaticWaveNet


def between(one: Any, other: Any, fraction: float) -> Any:
    """``one`` and ``other``, static nets or parts of them, with all arrays mixed."""
    if isinstance(one, np.ndarray):
        return (1 - fraction) * one.astype(np.float64) + fraction * other.astype(np.float64)
    if isinstance(one, tuple):
        return tuple(between(a, b, fraction) for a, b in zip(one, other, strict=True))
    if is_dataclass(one):
        values = {
            f.name: between(getattr(one, f.name), getattr(other, f.name), fraction)
            for f in fields(one)
        }
        return type(one)(**values)
    assert one == other
    return one


def play_moving(nets: list[StaticWaveNet], dry: NDArray[Any]) -> NDArray[np.float64]:
    """``nets``: one at every control frame; before the first sample is silence without a past.

    The first receptive_field - 1 samples, which hear it, are as good as left out.
    """
    histories: dict[Any, list[NDArray[np.float64]]] = {}
    wet = []

    def taps(name: Any, value: NDArray[np.float64], weight: Any, dilation: int) -> Any:
        """The convolution ``name`` of all values it was given, the newest last."""
        history = histories.setdefault(name, [])
        history.append(value)
        total = np.zeros(len(weight))
        for back in range(weight.shape[2]):
            if back * dilation < len(history):
                total = total + weight[:, :, -1 - back] @ history[-1 - back * dilation]
        return total

    for t, sample in enumerate(np.asarray(dry, np.float64)):
        frame, fraction = t // CONTROL_INTERVAL, t % CONTROL_INTERVAL / CONTROL_INTERVAL
        after = nets[min(frame + 1, len(nets) - 1)]
        net = between(nets[frame], after, fraction)
        x, total = np.array([sample]), None
        for a, array in enumerate(net.arrays):
            x = array.rechannel_weight @ x
            for i, layer in enumerate(array.layers):
                z = taps((a, i), x, layer.conv_weight, layer.dilation)
                z = z + layer.conv_bias + layer.mixin_weight * sample
                leaky = np.where(z > 0, z, array.negative_slope * z)
                active = np.tanh(z) if array.activation == "tanh" else leaky
                total = active if total is None else total + active
                x = x + layer.residual_weight @ active + layer.residual_bias
            total = taps((a, "head"), total, array.head_weight, 1)
            if array.head_bias is not None:
                total = total + array.head_bias
        wet.append(total[0])
    return np.array(wet)
