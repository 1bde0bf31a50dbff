"""Nets for the engine, and knobs that stand, move, stop and go on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tests.training.pedal_image import KNOBS
from tests.training.random_nets import A1, A2, SMALL, TEN_LAYERS, mixed
from training.models import WaveNetConfig
from training.models.control import frames_for


def as_wide_as(channels: int, config: WaveNetConfig = SMALL) -> WaveNetConfig:
    (array,) = config.arrays
    return config.model_copy(update={"arrays": (array.model_copy(update={"channels": channels}),)})


def bent(config: WaveNetConfig) -> WaveNetConfig:
    """The same net with tanh."""
    (array,) = config.arrays
    return config.model_copy(update={"arrays": (array.model_copy(update={"activation": "tanh"}),)})


def several(*widths: int, activation: str = "leaky_relu", head_kernel: int = 1) -> WaveNetConfig:
    """Layer arrays of these widths, whose taps lie within a block and beyond it."""
    sizes = {"kernel_sizes": (3, 2, 4), "dilations": (1, 60, 7), "activation": activation}
    arrays = [{"channels": width, "negative_slope": 0.1, **sizes} for width in widths]
    return WaveNetConfig.model_validate({"arrays": arrays, "head_kernel": head_kernel, "hidden": 8})


A2_LITE = as_wide_as(3, A2)
"""NAM's A2-Lite: 3 channels, 23 layers, 1,731 multiply–adds."""

NETS = {
    **{f"{c} wide": as_wide_as(c) for c in (*range(2, 17), 20)},
    "bases": mixed(as_wide_as(6)),
    "ten layers": TEN_LAYERS,
    "ten layers of bases": mixed(TEN_LAYERS),
    "A2-Lite": A2_LITE,
    **{f"tanh, {c} wide": bent(as_wide_as(c)) for c in (3, 5)},
    "tanh, ten layers": bent(TEN_LAYERS),
    "tanh, bases": bent(mixed(as_wide_as(6))),
    "3 and 2 wide": several(3, 2),
    "tanh, 16 and 8 wide": several(16, 8, activation="tanh"),
    "5, 4 and 7 wide": several(5, 4, 7, head_kernel=5),
    "2, 8, 3 and 12 wide": several(2, 8, 3, 12),
    "bases, 3 and 2 wide": mixed(several(3, 2, head_kernel=2)),
    "tanh, bases, 16 and 8 wide": mixed(several(16, 8, activation="tanh")),
    "nam-standard": A1,
}


def still(seed: int = 1) -> NDArray[np.float32]:
    """Panel positions, (knobs,)."""
    rng = np.random.default_rng(seed)
    return rng.uniform(KNOBS.minimum, KNOBS.maximum).astype(np.float32)


def moving(samples: int, seed: int = 1) -> NDArray[np.float32]:
    """Panel positions at control frames: knobs that wander, in the middle rest, and go on."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(0, 0.1, (frames_for(samples), len(KNOBS)))
    steps[len(steps) // 3 : len(steps) // 2] = 0
    way = 0.5 + 0.5 * np.sin(rng.uniform(-2, 2, len(KNOBS)) + np.cumsum(steps, 0))
    return (KNOBS.minimum + way * (KNOBS.maximum - KNOBS.minimum)).astype(np.float32)


def sweep(samples: int) -> NDArray[np.float32]:
    """One knob end to end and back, the others still."""
    frames = np.tile(still(), (frames_for(samples), 1))
    there = 1 - np.abs(np.linspace(-1, 1, len(frames)))
    frames[:, 0] = KNOBS.minimum[0] + there * (KNOBS.maximum[0] - KNOBS.minimum[0])
    return frames.astype(np.float32)
