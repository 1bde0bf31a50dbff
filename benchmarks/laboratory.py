"""What the experiments on training share: simulated devices, captures in memory, held-out audio."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dataset import signals
from dataset.plans import DESIGNS
from dataset.plans.base import to_positions
from dataset.plans.far import far_points
from dataset.stats import QUIET_DBFS
from dataset.store.cache import Cache, Span, WindowSampler
from rigs.audio import SAMPLE_RATE, esr, rms_dbfs
from rigs.config import load_rig, rig_from
from rigs.files import write_whole
from rigs.rig import Rig
from rigs.trajectory import Trajectory
from training.fit import Batch, Example, Status, fit
from training.models.net import Net
from training.options import TrainOptions
from training.play import lead_for, play
from training.resume import Resume, State

GX = """
name = "gx"
device = "gx-studiopre"
[actuator]
type = "parameters"
[path]
type = "lv2"
uri = "http://guitarix.sourceforge.net/plugins/gx_studiopre#studiopre"
fixed = { Bright = "off" }
"""
DEVICES = ("virtual-amp", "gx-studiopre")
TEST, VALIDATION = 40, 8
TEST_SECONDS, VALIDATION_SECONDS = 5.0, 4.0


@dataclass
class Captured:
    """Captures of one run, in memory."""

    dry: list[Any] = field(default_factory=list)
    wet: list[Any] = field(default_factory=list)
    stored: list[Trajectory] = field(default_factory=list)


def open_rig(device: str) -> Rig:
    if device == "virtual-amp":
        import rigs

        return load_rig(Path(rigs.__file__).with_name("virtual.toml"))
    return rig_from(GX, Path("gx.toml"))


def held_out(rig: Rig, folder: Path) -> tuple[list[Example], list[Example]]:
    """Validation and test: the same for all runs of a device, rendered once."""
    path = folder / f"{rig.device}-held-out.npz"
    points = far_points(rig.knobs, rig.reach, VALIDATION + TEST, np.empty((0, len(rig.knobs))), [5])
    positions = to_positions(rig.knobs, points)
    found: dict[str, list[Example]] = {}
    kept = dict(np.load(path)) if path.exists() else {}
    for part, count, seconds, first in (
        ("validation", VALIDATION, VALIDATION_SECONDS, 0),
        ("test", TEST, TEST_SECONDS, VALIDATION),
    ):
        frames = round(seconds * SAMPLE_RATE)
        dry = signals.make(part, count * seconds, 5).audio.reshape(count, frames)
        rows = positions[first : first + count]
        if part not in kept:
            wet = [rig.take(d, Trajectory(p[None]))[0].wet for d, p in zip(dry, rows, strict=True)]
            kept[part] = np.array(wet, np.float32)
        unit = rig.knobs.to_inputs(rows).astype(np.float32)
        found[part] = [Example(*e) for e in zip(dry, kept[part], unit, strict=True)]
    if not path.exists():
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".npz", delete=False) as file:
            np.savez(file, **kept)
        Path(file.name).replace(path)
    return found["validation"], found["test"]


def capture(
    rig: Rig,
    train: Sequence[dict[str, Any]],
    seed: int,
    truth: Callable[[Trajectory, float], Trajectory] = lambda trajectory, seconds: trajectory,
) -> Captured:
    """Captures of designs as in params.yaml; the dry goes on from one to the next, as in a plan.

    ``truth`` says where the knobs truly are while the stored trajectory says where they should be.
    """
    made: list[tuple[Trajectory, int]] = []
    for number, row in enumerate(train):
        design = DESIGNS[row["design"]].model_validate(row)
        frames = round(design.seconds * SAMPLE_RATE)
        made += [(t, frames) for t in design.trajectories(rig.knobs, [seed, 1, number])]
    total = sum(frames for _, frames in made)
    dry = signals.make("train", total / SAMPLE_RATE, seed).audio
    captured, at = Captured(), 0
    for trajectory, frames in made:
        true = truth(trajectory, frames / SAMPLE_RATE)
        captured.dry.append(dry[at : at + frames])
        captured.wet.append(rig.take(captured.dry[-1], true)[0].wet.astype(np.float32))
        captured.stored.append(trajectory)
        at += frames
    return captured


class Ground:
    """A device, so many minutes of sweeps captured from it, and what judges."""

    def __init__(self, device: str, minutes: float, folder: Path) -> None:
        self.rig = open_rig(device)
        self.rig.open()
        try:
            self.validation, self.test = held_out(self.rig, folder)
            sweeps = {"design": "sweep", "minutes": minutes, "seconds": 20}
            self.captured = capture(self.rig, [sweeps], 1)
        finally:
            self.rig.close()


class Kept:
    """Results by what they are made from, so that what was stopped can go on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, made_from: dict[str, Any], make: Callable[[], Any]) -> Any:
        path = self._path(made_from)
        if not path.exists():
            found = {**made_from, "result": make()}
            write_whole(path, (json.dumps(found) + "\n").encode())
        return self.find(made_from)

    def find(self, made_from: dict[str, Any]) -> Any:
        """None if it was not made yet."""
        path = self._path(made_from)
        return json.loads(path.read_text("utf-8"))["result"] if path.exists() else None

    def _path(self, made_from: dict[str, Any]) -> Path:
        text = json.dumps(made_from, sort_keys=True)
        return self._folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"


class Windows:
    """Random windows of captures in memory, as the dataset's."""

    def __init__(self, rig: Rig, captured: Captured, options: TrainOptions, field_: int) -> None:
        spans, start = [], 0
        for dry, trajectory in zip(captured.dry, captured.stored, strict=True):
            spans.append(Span(start, start, len(dry), trajectory))
            start += len(dry)
        dry, wet = np.concatenate(captured.dry), np.concatenate(captured.wet)
        self.cache = Cache(rig.knobs, dry.astype(np.float32), wet, tuple(spans))
        self.frames, self.lead, self.knobs = options.samples, lead_for(field_), rig.knobs
        self._sampler = WindowSampler(
            self.cache, frames=self.frames, lead=self.lead, batch=options.batch, seed=options.seed
        )
        self._cut = self.lead - (field_ - 1)

    def batch(self, number: int) -> Batch:
        dry, wet, positions = self._sampler.batch(number)
        knobs = self.knobs.to_inputs(positions).astype(np.float32)
        return Batch(*map(torch.from_numpy, (dry, knobs, wet)), self._cut)

    def captures(self, number: int) -> list[str]:
        return [str(row) for row in self._sampler.picks(number)[0]]


def heard(examples: list[Example]) -> list[Example]:
    """Those loud enough to have an ESR."""
    return [e for e in examples if rms_dbfs(e.wet) >= QUIET_DBFS]


def train(
    net: Net,
    rig: Rig,
    captured: Captured,
    validation: list[Example],
    options: TrainOptions,
    report: Callable[[Status], None] = lambda status: None,
) -> State:
    """Train on one core and leave ``net`` at its best checkpoint."""
    windows = Windows(rig, captured, options, net.receptive_field)
    return train_on(net, windows, validation, options, report)


def train_on(
    net: Net,
    windows: Any,
    validation: list[Example],
    options: TrainOptions,
    report: Callable[[Status], None] = lambda status: None,
) -> State:
    """:func:`train` on windows of any origin."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        return fit(net, windows, heard(validation), options, Resume(Path(temporary), ""), report)


def judge(net: Net, test: list[Example]) -> dict[str, Any]:
    """ESR on unseen settings and playing: its median, mean, 90th percentile, worst, and all."""
    ratios = [esr(e.wet, play(net, e.dry, e.knobs)) for e in heard(test)]
    return {
        "settings": len(ratios),
        "median": float(np.median(ratios)),
        "mean": float(np.mean(ratios)),
        "p90": float(np.quantile(ratios, 0.9)),
        "worst": float(np.max(ratios)),
        "esr": [round(float(r), 5) for r in ratios],
    }


def in_words(found: dict[str, Any]) -> str:
    """What :func:`judge` found."""
    return (
        f"median {found['median']:.4f}, 90th percentile {found['p90']:.4f}, "
        f"worst {found['worst']:.3f}"
    )
