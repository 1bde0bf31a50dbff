"""A device that remembers for longer than a WaveNet hears: which recipe learns it.

    python benchmarks/slow_device.py [--minutes 4] [--train 6]

A compressor in code: a follower of peaks (attack 5 ms; Release, a knob, 50 to 800 ms) whose gain
obeys Threshold (−40 to −10 dBFS) and a ratio of 6. Both knobs are swept; each recipe trains for as
many minutes, and is judged on 20 static settings and playing that none heard. The WaveNet hears
43 ms. (Giannoulis, Massberg and Reiss, Digital Dynamic Range Compressor Design, 2012.)
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from laboratory import Captured, Windows, judge
from numpy.typing import NDArray
from scipy.signal import lfilter

from dataset import signals
from dataset.plans import DESIGNS
from rigs.audio import SAMPLE_RATE
from rigs.knobs import Knob, KnobTable
from training.checkpoint import build_net
from training.fit import Example, fit
from training.models.presets import PRESETS
from training.options import TrainOptions
from training.resume import Resume

KNOBS = KnobTable((Knob("Threshold", -40, -10, -25), Knob("Release", 50, 800, 200)))
RATIO, ATTACK, BLOCK = 6.0, 0.005, 48
RECIPES: dict[str, dict[str, Any]] = {
    "pedal": {"preset": "pedal"},
    "lstm": {"preset": "lstm"},
    "lstm, in stretches": {"preset": "lstm", "window": 48_000, "truncate": 2048},
    "gru, in stretches": {"preset": "gru", "window": 48_000, "truncate": 2048},
}


def compress(dry: NDArray[np.float32], at: NDArray[np.float64]) -> NDArray[np.float32]:
    """``at``: knobs, (frames or 1, 2). The follower works on peaks of 1 ms."""
    frames = -(-len(dry) // BLOCK)
    peaks = np.abs(np.pad(dry, (0, frames * BLOCK - len(dry)))).reshape(frames, BLOCK).max(1)
    knobs = np.broadcast_to(at[::BLOCK] if len(at) > 1 else at, (frames, 2))
    rate = SAMPLE_RATE / BLOCK
    rise = 1 - np.exp(-1 / (rate * ATTACK))
    envelope, level = np.empty(frames), 0.0
    for i, (peak, release) in enumerate(zip(peaks.tolist(), knobs[:, 1].tolist(), strict=True)):
        share = rise if peak > level else 1 - np.exp(-1000 / (rate * release))
        level += share * (peak - level)
        envelope[i] = level
    over = np.maximum(20 * np.log10(np.maximum(envelope, 1e-5)) - knobs[:, 0], 0)
    gain = 10 ** (-over * (1 - 1 / RATIO) / 20)
    times = np.arange(len(dry)) / BLOCK
    smooth = np.interp(times, np.arange(frames), gain)
    wet: NDArray[np.float32] = (lfilter([0.5, 0.5], [1.0], dry) * smooth).astype(np.float32)
    return wet


def captured(minutes: float) -> Captured:
    sweeps = DESIGNS["sweep"].model_validate(
        {"design": "sweep", "minutes": minutes, "seconds": 20, "interval": 3}
    )
    frames = round(sweeps.seconds * SAMPLE_RATE)
    made = list(sweeps.trajectories(KNOBS, [1, 1, 0]))
    dry = signals.make("train", len(made) * sweeps.seconds, 1).audio
    found = Captured()
    for number, trajectory in enumerate(made):
        part = dry[number * frames : (number + 1) * frames].astype(np.float32)
        at = trajectory.at(np.arange(frames) / SAMPLE_RATE).astype(np.float64)
        found.dry.append(part)
        found.wet.append(compress(part, at))
        found.stored.append(trajectory)
    return found


def held_out(part: str, count: int, seconds: float, seed: int) -> list[Example]:
    frames = round(seconds * SAMPLE_RATE)
    dry = signals.make(part, count * seconds, 5).audio.reshape(count, frames).astype(np.float32)
    unit = np.random.default_rng(seed).uniform(-1, 1, (count, len(KNOBS)))
    return [
        Example(d, compress(d, at[None]), u.astype(np.float32))
        for d, at, u in zip(dry, KNOBS.from_unit(unit), unit, strict=True)
    ]


class Bench:
    """What the laboratory asks a rig for."""

    knobs = KNOBS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=4, help="of captured audio")
    parser.add_argument("--train", type=float, default=6, help="minutes of training, each")
    parser.add_argument("--recipes", nargs="+", choices=RECIPES, default=list(RECIPES))
    asked = parser.parse_args()
    rig: Any = Bench()
    material = captured(asked.minutes)
    validation, test = held_out("validation", 6, 5, 2), held_out("test", 20, 6, 3)
    through = [Example(e.dry, e.wet, e.knobs) for e in test]
    loss = [float(np.mean((e.dry - e.wet) ** 2) / np.mean(e.wet**2)) for e in through]
    print(f"the dry signal itself: ESR {np.median(loss):.3f}", flush=True)
    for name in asked.recipes:
        torch.manual_seed(1)
        options = TrainOptions.model_validate({"minutes": asked.train, **RECIPES[name]})
        preset = PRESETS[RECIPES[name]["preset"]]
        net = build_net(preset.kind, preset.network, KNOBS.inputs, name)
        windows = Windows(rig, material, options, net.receptive_field)
        torch.set_num_threads(1)
        started = time.process_time()
        with tempfile.TemporaryDirectory() as folder:
            resume = Resume(Path(folder), "")
            state = fit(net, windows, validation, options, resume, lambda status: None)
        found = judge(net, test)
        print(
            f"{name:20} {state.step:6} steps, {(time.process_time() - started) / 60:.1f} CPU "
            f"minutes: ESR median {found['median']:.4f}, worst {found['worst']:.4f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
