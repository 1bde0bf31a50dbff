"""A small amp captured into a dataset without a rig or a session: quick, and real."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from dataset.signals import Dry
from dataset.store import Dataset
from rigs.audio import SAMPLE_RATE, quantise24
from rigs.knobs import Knob, KnobTable, Setting
from rigs.trajectory import Trajectory
from tests.dataset.kept_captures import kept, put
from training.options import TrainOptions

KNOBS = KnobTable((Knob("Gain"), Knob("Tone"), Knob("Bright", 0, 1, 0, detents=("off", "on"))))
FRAMES = SAMPLE_RATE // 4
SMALL: dict[str, Any] = {
    "network": {"channels": 4, "kernel_sizes": [3, 3], "dilations": [1, 3], "hidden": 8},
    "steps": 12,
    "batch": 4,
    "window": 480,
    "validations": 3,
    "machine": {"kernel": "native", "threads": 1, "device": "cpu", "compile": False},
}
"""A training of a second."""


def options(**changes: Any) -> TrainOptions:
    return TrainOptions.model_validate({**SMALL, **changes})


def settings(count: int, knobs: KnobTable = KNOBS, seed: int = 0) -> list[Setting]:
    """Anywhere in the cube, switches in a detent."""
    rng = np.random.default_rng(seed)
    return [knobs.to_setting(knobs.from_unit(rng.uniform(-1, 1, len(knobs)))) for _ in range(count)]


def play(dry: np.ndarray, knobs: KnobTable, at: np.ndarray) -> np.ndarray:
    """An amp of one tanh; ``at``: panel positions, (frames or 1, knobs)."""
    values = dict(zip(knobs.names, ((knobs.to_unit(at) + 1) / 2).T, strict=True))
    drive = 1 + 6 * values.get("Gain", np.full(1, 0.5))
    bright = 0.3 * values.get("Bright", np.zeros(1)) * np.diff(dry, prepend=0)
    return (0.3 + 0.4 * values.get("Tone", np.full(1, 0.5))) * np.tanh(drive * dry) + bright


def write(
    folder: Path,
    train: Iterable[Setting | Trajectory],
    knobs: KnobTable = KNOBS,
    *,
    device: str = "small-amp",
    validation: int = 2,
    frames: int = FRAMES,
    **changes: Any,
) -> Dataset:
    """Capture ``train`` and some validation settings; ``changes`` are to every train capture."""
    rng = np.random.default_rng(1)
    ways = [one if isinstance(one, Trajectory) else Trajectory.still(knobs, one) for one in train]
    roles = ["train"] * len(ways) + ["validation"] * validation
    ways += [Trajectory.still(knobs, one) for one in settings(validation, knobs, seed=99)]
    audio = quantise24(0.25 * rng.standard_normal(frames * len(ways)))
    dry = Dry("noise", "made", "CC0-1.0", audio)
    captures = []
    for number, (role, way) in enumerate(zip(roles, ways, strict=True)):
        offset = number * frames
        at = way.at(np.arange(frames) / SAMPLE_RATE) if way.moves else way.positions
        wet = play(audio[offset : offset + frames].astype(np.float64), knobs, at)
        asked = changes if role == "train" else {}
        captures.append(kept(number, device, role, knobs, way, dry, offset, wet, **asked))
    return Dataset.open(put(folder, [dry], captures, knobs))
