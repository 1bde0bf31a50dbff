"""A dataset captured from a model itself, made wrong by known shares: so its judgement is known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from dataset.signals import Dry
from dataset.store import Dataset
from rigs.audio import SAMPLE_RATE, quantise24
from rigs.knobs import Knob, KnobTable, Setting
from rigs.trajectory import Trajectory
from tests.dataset.kept_captures import kept, put
from tests.training.random_nets import stir
from training.checkpoint import Model, build_net
from training.models.control import frames_for
from training.play import play

KNOBS = KnobTable(
    (Knob("Gain"), Knob("Tone", 0, 4, 2), Knob("Bright", 0, 1, detents=("a", "b"), default=0))
)
FRAMES = 7200
DRY_FRAMES = 12 * FRAMES


def a_model(knobs: KnobTable = KNOBS, device: str = "amp", seed: int = 0) -> Model:
    """A small net whose knobs matter."""
    torch.manual_seed(seed)
    config = {"channels": 4, "kernel_sizes": [3, 2], "dilations": [2, 9], "hidden": 6}
    net = build_net("wavenet", config, knobs.inputs, "here").eval()
    stir(net, 20)
    return Model("m", device, knobs, SAMPLE_RATE, "wavenet", net, {"seconds": 3.0})


def sweep(knobs: KnobTable = KNOBS, seed: int = 3) -> Trajectory:
    """Every knob on its way, at a control frame each; a switch rests."""
    rng = np.random.default_rng(seed)
    rows = knobs.from_unit(np.cumsum(rng.normal(0, 0.02, (frames_for(FRAMES), len(knobs))), axis=0))
    rows[:, [bool(knob.detents) for knob in knobs]] = 0
    return Trajectory(np.clip(rows, knobs.minimum, knobs.maximum).astype(np.float32))


@dataclass(frozen=True)
class Take:
    """One capture to make: ``off`` is the share of its energy that is not the model's, ``level``
    a gain, ``at`` where in the dry it begins, in captures."""

    role: str
    setting: Setting | Trajectory
    at: float = 0.0
    off: float = 0.0
    level: float = 1.0


def noisy(wet: NDArray[np.float32], off: float, seed: int) -> NDArray[np.float32]:
    """``wet`` and noise that is the share ``off`` of the energy of both."""
    noise = np.random.default_rng(seed).normal(size=len(wet))
    noise *= np.sqrt(off / (1 - off) * np.square(wet).sum() / np.square(noise).sum())
    return (wet + noise).astype(np.float32)


def write(folder: Path, model: Model, takes: list[Take]) -> Dataset:
    knobs = model.knobs
    audio = quantise24(0.2 * np.random.default_rng(1).standard_normal(DRY_FRAMES))
    dry = Dry("noise", "made", "CC0-1.0", audio)
    captures = []
    for number, take in enumerate(takes):
        offset = round(take.at * FRAMES)
        way = (
            take.setting
            if isinstance(take.setting, Trajectory)
            else Trajectory.still(knobs, take.setting)
        )
        inputs = knobs.to_inputs(way.positions if way.moves else way.positions[0])
        wet = play(model.net, audio[offset : offset + FRAMES], inputs)
        wet = take.level * noisy(wet, take.off, number)
        captures.append(kept(number, model.device, take.role, knobs, way, dry, offset, wet))
    return Dataset.open(put(folder, [dry], captures, knobs))


def setting(gain: float, tone: float = 1.0, bright: float = 0.0) -> Setting:
    return {"Gain": gain, "Tone": tone, "Bright": bright}


def usual() -> list[Take]:
    """Sweeps to learn from, three test settings, and a sentinel captured three times."""
    return [
        Take("train", sweep(seed=3), 0, 0.02),
        Take("train", sweep(seed=4), 1, 0.06),
        Take("train", setting(3), 2),
        Take("validation", setting(4), 3),
        Take("test", setting(1), 4, 0.01),
        Take("test", setting(5), 5, 0.04),
        Take("test", setting(9, 3.0, 1.0), 6, 0.09),
        Take("sentinel", setting(5, 2.0), 7),
        Take("sentinel", setting(5, 2.0), 7, 0.001),
        Take("sentinel", setting(5, 2.0), 7, 0.004),
    ]
