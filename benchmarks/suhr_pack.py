"""One model of a pack of static captures, at knob positions that it never saw.

    python benchmarks/suhr_pack.py PACK FOLDER [--steps 1500] [--preset pedal] [--conditioning film]

PACK is a folder of `.nam` files whose names say `Knob@position`: the figures in docs/benchmarks.md
are of the pack by Tudor N of a Suhr amp, 19 captures at 11 knob positions, some at two or three
positions of a switch. One knob position after the other is left out, with all captures of it; a
conditioned model learns from the others, and plays the one left out, at playing that no training
heard. Beside it: the nearest capture, and a cross-fade of the nearest. The distance of two settings
is that of what a net is given: knobs scaled from 0–10 to −1…1, detents of a switch √2 apart. The
cross-fade is the plain sum of the three nearest captures' audio, weighted by 1 / distance². Packs
are normalised in level, so each of the three gets the gain that suits it best before its ESR is
taken. FOLDER keeps what is rendered and each result; the same command goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from laboratory import Captured, Kept, train
from numpy.typing import NDArray
from scipy import fft

from dataset import signals
from dataset.imports.align import ALIKE
from rigs.audio import SAMPLE_RATE, Audio, esr
from rigs.config import rig_from
from rigs.errors import UserError
from rigs.files import make_folder
from rigs.nam.pack import read_pack
from rigs.rig import Rig
from rigs.trajectory import Trajectory
from training.checkpoint import build_net
from training.fit import Example
from training.models.conditioning import CONDITIONINGS
from training.models.net import Net
from training.models.presets import PRESETS
from training.options import TrainOptions
from training.play import play

NEAREST = 3
"""Captures that are cross-faded."""
TEST_SECONDS, VALIDATION_SECONDS = 8.0, 4.0
FURTHEST = 480
"""Samples that a capture may be behind the others."""
WAYS = ("nearest", "cross-fade", "model")


def open_pack(folder: Path) -> Rig:
    """The pack as a rig whose panel goes from 0 to 10."""
    knobs = read_pack(folder).knobs
    panel = {k.name: [0, 10] for k in knobs if not k.detents and k.minimum >= 0 and k.maximum <= 10}
    ranges = ", ".join(f"{json.dumps(name)} = {span}" for name, span in panel.items())
    return rig_from(
        f"name = 'pack'\ndevice = 'pack'\n[actuator]\ntype = 'parameters'\n[path]\n"
        f"type = 'nam-pack'\nfolder = {json.dumps(str(folder.absolute()))}\nranges = {{{ranges}}}",
        Path("pack.toml"),
    )


@dataclass(frozen=True)
class Pack:
    """What the captures of a pack play; ``audio``: part to dry and wet, (captures, frames)."""

    rig: Rig
    positions: NDArray[np.float64]
    """(captures, knobs), panel positions."""
    audio: dict[str, tuple[Audio, Audio]]

    @property
    def inputs(self) -> NDArray[np.float32]:
        """(captures, inputs): settings as a net is given them."""
        return self.rig.knobs.to_inputs(self.positions).astype(np.float32)

    @property
    def groups(self) -> list[list[int]]:
        """Captures by knob position, whatever the switches."""
        still = [i for i, knob in enumerate(self.rig.knobs) if not knob.detents]
        found: dict[tuple[float, ...], list[int]] = {}
        for capture, row in enumerate(self.positions[:, still]):
            found.setdefault(tuple(row), []).append(capture)
        return [found[key] for key in sorted(found)]

    def words(self, capture: int) -> str:
        """Its knob position in a few words."""
        knobs = zip(self.rig.knobs, self.positions[capture], strict=True)
        return " ".join(f"{knob.name} {value:g}" for knob, value in knobs if not knob.detents)


def dries(captures: int, seconds: float) -> dict[str, Audio]:
    """Each capture has training audio of its own; validation and test are the same for all."""
    train = [signals.make("train", seconds, 1 + capture).audio for capture in range(captures)]
    heard = {
        part: [signals.make(part, length, 1).audio] * captures
        for part, length in (("validation", VALIDATION_SECONDS), ("test", TEST_SECONDS))
    }
    return {part: np.stack(rows) for part, rows in {"train": train, **heard}.items()}


def render(folder: Path, kept: Path, seconds: float) -> Pack:
    """Every capture of the pack plays; kept for the next time."""
    rig = open_pack(folder)
    rig.open()
    try:
        settings = rig.reach.only
        assert settings is not None
        positions = np.array([rig.knobs.to_array(setting) for setting in settings])
        dry = dries(len(positions), seconds)
        names = sorted((path.name, path.stat().st_size) for path in folder.glob("*.nam"))
        key = hashlib.sha256(json.dumps([names, seconds]).encode()).hexdigest()[:16]
        path = kept / f"rendered-{key}.npz"
        if not path.exists():
            found: dict[str, list[Audio]] = {part: [] for part in dry}
            for capture, position in enumerate(positions):
                print(f"\rcapture {capture + 1} of {len(positions)} plays", end="", flush=True)
                for part, rows in dry.items():
                    # With silence around, so that what is late or early can be put right.
                    long = np.pad(rows[capture], FURTHEST)
                    found[part].append(rig.take(long, Trajectory(position[None]))[0].wet)
            print()
            with tempfile.NamedTemporaryFile(dir=kept, suffix=".npz", delete=False) as file:
                np.savez(file, **{part: np.array(wets) for part, wets in found.items()})
            Path(file.name).replace(path)
        wet = dict(np.load(path))
    finally:
        rig.close()
    behind = lags(wet["test"])
    for capture, lag in enumerate(behind):
        if lag:
            print(f"capture {capture + 1} is {lag} samples behind the others, which is taken out")
    audio = {}
    for part, rows in dry.items():
        span = np.arange(rows.shape[1]) + FURTHEST
        on_time = [w[span + lag] for w, lag in zip(wet[part], behind, strict=True)]
        audio[part] = rows, np.array(on_time, np.float32)
    return Pack(rig, positions, audio)


def lags(wets: Audio) -> list[int]:
    """By how many samples each capture is behind the others; 0 where tone may be the reason.

    It is the median of the lags at which it is most like each of them. The captures of a pack were
    made one by one, and whoever made them may have aligned one in another way.
    """
    heard = wets[:, : 4 * SAMPLE_RATE]
    spectra = fft.rfft(heard, 2 * heard.shape[1])
    found = []
    for one in spectra:
        alike = np.abs(fft.irfft(one * spectra.conj()))
        near = np.roll(alike, FURTHEST, axis=1)[:, : 2 * FURTHEST + 1]
        found.append(round(float(np.median(near.argmax(axis=1) - FURTHEST))))
    return [lag if abs(lag) > ALIKE else 0 for lag in found]


def at_best_gain(target: Audio, output: Audio) -> float:
    """ESR after the gain that makes it least."""
    y, x = target.astype(np.float64), output.astype(np.float64)
    energy = float(x @ x)
    return esr(y, x * (float(y @ x) / energy)) if energy > 0 else 1.0


def stand_ins(pack: Pack, capture: int, others: list[int]) -> dict[str, float]:
    """ESR of what static captures can do for one that is not there."""
    _, wets = pack.audio["test"]
    away = np.linalg.norm(pack.inputs[others] - pack.inputs[capture], axis=1)
    order = np.argsort(away, kind="stable")[:NEAREST]
    near, weights = [others[i] for i in order], away[order] ** -2.0
    mixed = np.tensordot(weights / weights.sum(), wets[near].astype(np.float64), 1)
    target = wets[capture]
    return {
        "nearest": at_best_gain(target, wets[near[0]]),
        "cross-fade": at_best_gain(target, mixed.astype(np.float32)),
        "best of all": min(at_best_gain(target, wets[other]) for other in others),
    }


def examples(pack: Pack, part: str, captures: Iterable[int]) -> list[Example]:
    dry, wet = pack.audio[part]
    return [Example(dry[i], wet[i], pack.inputs[i]) for i in captures]


def fold(pack: Pack, left_out: list[int], asked: argparse.Namespace) -> dict[str, Any]:
    """Train on all captures but those of one position, and judge at these."""
    others = [i for i in range(len(pack.positions)) if i not in left_out]
    dry, wet = pack.audio["train"]
    still = [Trajectory(pack.positions[i][None].astype(np.float32)) for i in others]
    captured = Captured([dry[i] for i in others], [wet[i] for i in others], still)
    torch.manual_seed(asked.seed)
    preset = PRESETS[asked.preset]
    network = {**preset.network, "conditioning": asked.conditioning}
    net = build_net(preset.kind, network, pack.rig.knobs.inputs, "pack")
    options = TrainOptions(steps=asked.steps, seed=asked.seed, validations=3)
    started = time.process_time()
    train(net, pack.rig, captured, examples(pack, "validation", others), options)
    seconds = time.process_time() - started

    def judged(captures: list[int]) -> list[float]:
        return [at_best_gain(e.wet, of(net, e)) for e in examples(pack, "test", captures)]

    rows = [stand_ins(pack, capture, others) for capture in left_out]
    means = {way: float(np.mean([row[way] for row in rows])) for way in rows[0]}
    return {
        **means,
        "model": float(np.mean(judged(left_out))),
        "model, seen": float(np.median(judged(others))),
        "seconds": seconds,
    }


def of(net: Net, example: Example) -> Audio:
    return play(net, example.dry, example.knobs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pack", type=Path, help="folder of the .nam files")
    parser.add_argument("folder", type=Path, help="where results are kept")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seconds", type=float, default=20, help="of training audio a capture")
    parser.add_argument("--preset", default="pedal", choices=sorted(PRESETS))
    parser.add_argument("--conditioning", default="film", choices=sorted(CONDITIONINGS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, nargs="+", help="positions to leave out, from 1")
    asked = parser.parse_args()
    folder = make_folder(asked.folder)
    kept = Kept(folder)
    pack = render(asked.pack, folder, asked.seconds)
    groups = pack.groups
    numbers = asked.only or range(1, len(groups) + 1)
    minutes = len(pack.positions) * pack.audio["train"][0].shape[1] / SAMPLE_RATE / 60
    print(f"{len(pack.positions)} captures at {len(groups)} positions, {minutes:.1f} minutes")
    print(f"ESR at best gain: {'nearest':>8}  cross-fade     model  (best of all)  (model, seen)")
    found = []
    for number in numbers:
        left_out = groups[number - 1]
        same = {name: getattr(asked, name) for name in ("steps", "seconds", "preset", "seed")}
        key = {**same, "conditioning": asked.conditioning, "left out": pack.words(left_out[0])}
        result = kept.get(key, partial(fold, pack, left_out, asked))
        found.append(result)
        figures = "  ".join(f"{result[way]:10.4f}" for way in WAYS)
        print(
            f"{number:2}, {len(left_out)} captures {figures}  {result['best of all']:13.4f}  "
            f"{result['model, seen']:13.4f}  {key['left out']}",
            flush=True,
        )
    for name, measure in (("median", np.median), ("mean", np.mean)):
        figures = "  ".join(f"{measure([row[way] for row in found]):10.4f}" for way in WAYS)
        print(f"{name:15} {figures}")
    best = sum(row["model"] < min(row["nearest"], row["cross-fade"]) for row in found)
    print(f"the model is the best of the three at {best} of {len(found)} positions")
    print(f"{sum(row['seconds'] for row in found) / 60:.1f} minutes of processor time for training")


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(str(error))
