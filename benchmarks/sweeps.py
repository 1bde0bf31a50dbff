"""What the same minutes of audio teach as static settings and as sweeps, and which sweeps do best.

    python benchmarks/sweeps.py FOLDER [EXPERIMENT...] [--steps 2000] [--seeds 1] [--devices ...]

Experiments: minutes-4, minutes-2, minutes-12, speed, ends, mix, errors, shape; all, in that order,
unless named. Each run is captured from a simulated device, trained for a fixed number of steps,
whatever the machine, and judged on static settings and playing that no training ever saw, the same
for all runs of a device. FOLDER keeps each run's result, so the same command goes on where it was
stopped; `--tables` only prints what there is. A run is told from others by what it is made from,
code not included: after a change of that begin another folder. `gx-studiopre` needs guitarix-lv2.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
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
from rigs.errors import UserError
from rigs.files import make_folder, write_whole
from rigs.rig import Rig
from rigs.trajectory import Trajectory
from training.fit import Batch, Example, fit
from training.models import ConditionedWaveNet, WaveNetConfig
from training.options import TrainOptions
from training.play import lead_for, play
from training.resume import Resume

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


@dataclass(frozen=True)
class Run:
    """One training and how it was judged; ``train`` is a list of designs as in params.yaml.

    ``delay`` and ``jitter`` are in seconds: by how much the knobs lag behind the stored trajectory
    throughout, and the standard deviation of when they reach each of its points. ``backlash`` is
    the play of the knobs' coupling, as a share of their range.
    """

    device: str
    train: tuple[dict[str, Any], ...]
    steps: int
    seed: int = 1
    delay: float = 0.0
    jitter: float = 0.0
    backlash: float = 0.0

    @property
    def key(self) -> str:
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


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


# --- what is captured -----------------------------------------------------------------------


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
        unit = rig.knobs.to_unit(rows).astype(np.float32)
        found[part] = [Example(*e) for e in zip(dry, kept[part], unit, strict=True)]
    if not path.exists():
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".npz", delete=False) as file:
            np.savez(file, **kept)
        Path(file.name).replace(path)
    return found["validation"], found["test"]


def capture(rig: Rig, run: Run) -> Captured:
    """The run's captures; the dry goes on from one to the next, as in a plan."""
    made: list[tuple[Trajectory, int]] = []
    for number, row in enumerate(run.train):
        design = DESIGNS[row["design"]].model_validate(row)
        frames = round(design.seconds * SAMPLE_RATE)
        trajectories = design.trajectories(rig.knobs, [run.seed, 1, number])
        made += [(trajectory, frames) for trajectory in trajectories]
    total = sum(frames for _, frames in made)
    dry = signals.make("train", total / SAMPLE_RATE, run.seed).audio
    rng = np.random.default_rng([run.seed, 9])
    captured, at = Captured(), 0
    for trajectory, frames in made:
        true = misled(trajectory, run, rig, frames / SAMPLE_RATE, rng)
        captured.dry.append(dry[at : at + frames])
        captured.wet.append(rig.take(captured.dry[-1], true)[0].wet.astype(np.float32))
        captured.stored.append(trajectory)
        at += frames
    return captured


def misled(
    trajectory: Trajectory, run: Run, rig: Rig, seconds: float, rng: np.random.Generator
) -> Trajectory:
    """Where the knobs truly are, of an actuator with the run's errors."""
    if not trajectory.moves or not (run.delay or run.jitter or run.backlash):
        return trajectory
    grid = np.arange(len(trajectory.positions)) / trajectory.rate
    late = grid + run.delay + run.jitter * rng.standard_normal(len(grid))
    times = np.arange(math.ceil(seconds * 1000) + 1) / 1000
    # When each point was truly reached -> at what time of the stored trajectory the knobs are.
    asked = np.interp(times, np.maximum.accumulate(late), grid)
    true = trajectory.at(asked).astype(np.float64)
    if run.backlash:
        # Play of a coupling: the knob stands until the driving side has crossed the play.
        play = run.backlash * (rig.knobs.maximum - rig.knobs.minimum)
        knob = true[0].copy()
        for row in true:
            knob = np.clip(knob, row - play / 2, row + play / 2)
            row[:] = knob
    return Trajectory(true.astype(np.float32), 1000.0)


# --- training and judging -------------------------------------------------------------------


class Windows:
    """Random windows of captures in memory, as the dataset's."""

    def __init__(self, rig: Rig, captured: Captured, options: TrainOptions, field_: int) -> None:
        spans, start = [], 0
        for dry, trajectory in zip(captured.dry, captured.stored, strict=True):
            spans.append(Span(start, start, len(dry), trajectory))
            start += len(dry)
        dry, wet = np.concatenate(captured.dry), np.concatenate(captured.wet)
        cache = Cache(rig.knobs, dry.astype(np.float32), wet, tuple(spans))
        lead = lead_for(field_)
        frames = -(-options.window // 48) * 48
        self._sampler = WindowSampler(
            cache, frames=frames, lead=lead, batch=options.batch, seed=options.seed
        )
        self._knobs, self._cut = rig.knobs, lead - (field_ - 1)

    def batch(self, number: int) -> Batch:
        dry, wet, positions = self._sampler.batch(number)
        knobs = self._knobs.to_unit(positions).astype(np.float32)
        return Batch(*map(torch.from_numpy, (dry, knobs, wet)), self._cut)

    def captures(self, number: int) -> list[str]:
        return [str(row) for row in self._sampler.picks(number)[0]]


def work(run: Run, folder: Path) -> dict[str, Any]:
    """Capture, train, judge; the result as it is kept."""
    rig = open_rig(run.device)
    rig.open()
    try:
        validation, test = held_out(rig, folder)
        captured = capture(rig, run)
    finally:
        rig.close()
    started = time.monotonic()
    torch.set_num_threads(1)
    torch.manual_seed(run.seed)
    options = TrainOptions(steps=run.steps, seed=run.seed)
    net = ConditionedWaveNet(WaveNetConfig(), len(rig.knobs))
    windows = Windows(rig, captured, options, net.receptive_field)
    heard = [e for e in validation if rms_dbfs(e.wet) >= QUIET_DBFS]
    losses: list[float] = []

    def report(status: Any) -> None:
        if status.step % 100 == 0:
            losses.append(round(status.loss, 3))

    with tempfile.TemporaryDirectory() as temporary:
        state = fit(net, windows, heard, options, Resume(Path(temporary), run.key), report)
    ratios = [esr(e.wet, play(net, e.dry, e.knobs)) for e in test if rms_dbfs(e.wet) >= QUIET_DBFS]
    return {
        "run": asdict(run),
        "captures": len(captured.dry),
        "minutes": sum(map(len, captured.dry)) / SAMPLE_RATE / 60,
        "settings": len(ratios),
        "median": float(np.median(ratios)),
        "mean": float(np.mean(ratios)),
        "p90": float(np.quantile(ratios, 0.9)),
        "worst": float(np.max(ratios)),
        "esr": [round(float(r), 5) for r in ratios],
        "validation": [round(record.esr, 5) for record in state.history],
        "losses": losses,
        "seconds": round(time.monotonic() - started, 1),
    }


def result_of(run: Run, folder: Path, tables_only: bool) -> dict[str, Any] | None:
    path = folder / f"{run.key}.json"
    if path.exists():
        return json.loads(path.read_text("utf-8"))
    if tables_only:
        return None
    found = work(run, folder)
    write_whole(path, (json.dumps(found) + "\n").encode())
    return found


# --- experiments ----------------------------------------------------------------------------


def sweep(minutes: float, **more: Any) -> dict[str, Any]:
    return {"design": "sweep", "minutes": minutes, "seconds": 20, **more}


def still(minutes: float, seconds: float) -> dict[str, Any]:
    return {"design": "sobol", "settings": round(minutes * 60 / seconds), "seconds": seconds}


def experiments(steps: int) -> dict[str, list[tuple[str, Run]]]:
    """Rows of each table: a label, and a run but for its device and seed; most telling first."""

    def of(*train: dict[str, Any], **more: Any) -> Run:
        return Run("", train, steps, **more)

    tables: dict[str, list[tuple[str, Run]]] = {}
    for minutes in (4, 2, 12):
        tables[f"minutes-{minutes}"] = [
            (f"{minutes} min, sweeps", of(sweep(minutes))),
            (f"{minutes} min, static, 15 s each", of(still(minutes, 15))),
            (f"{minutes} min, static, 5 s each", of(still(minutes, 5))),
            (f"{minutes} min, static, 2 s each", of(still(minutes, 2))),
        ]
    usual = sweep(4)
    tables["speed"] = [
        ("a point every 0.5 s", of({**usual, "interval": 0.5})),
        ("a point every 5 s", of({**usual, "interval": 5})),
        ("a point every 1.5 s", of(usual)),
        ("a point every 0.25 s", of({**usual, "interval": 0.25})),
    ]
    tables["ends"] = [
        ("even, 10 % over (usual)", of(usual)),
        ("even, 30 % over", of({**usual, "overshoot": 0.3})),
        ("pendulum, 10 % over", of({**usual, "density": "ends"})),
        ("even, none over", of({**usual, "overshoot": 0.0})),
    ]
    tables["mix"] = [("no static", of(usual))] + [
        (f"{share:.0%} static, 5 s each", of(sweep(4 * (1 - share)), still(4 * share, 5)))
        for share in (0.5, 0.25, 0.75)
    ]
    tables["errors"] = [
        ("none", of(usual)),
        ("late by 20 ms", of(usual, delay=0.02)),
        ("play of 2 %", of(usual, backlash=0.02)),
        ("jitter of 20 ms", of(usual, jitter=0.02)),
        ("late by 5 ms", of(usual, delay=0.005)),
        ("play of 0.5 %", of(usual, backlash=0.005)),
        ("late by 1 ms", of(usual, delay=0.001)),
        ("jitter of 5 ms", of(usual, jitter=0.005)),
        ("jitter of 1 ms", of(usual, jitter=0.001)),
    ]
    tables["shape"] = [
        ("lines", of(usual)),
        ("smooth", of({**usual, "shape": "smooth"})),
        ("one at a time, every 0.3 s", of({**usual, "shape": "one at a time", "interval": 0.3})),
        ("one at a time, every 1.5 s", of({**usual, "shape": "one at a time"})),
    ]
    return tables


def rows_of(
    names: list[str], devices: list[str], seeds: list[int], steps: int
) -> Iterator[tuple[str, str, Run]]:
    tables = experiments(steps)
    for name in names:
        for label, run in tables[name]:
            for device in devices:
                for seed in seeds:
                    yield name, label, replace(run, device=device, seed=seed)


def print_line(name: str, label: str, run: Run, found: dict[str, Any]) -> None:
    figures = "  ".join(f"{found[k]:8.4f}" for k in ("median", "mean", "p90", "worst"))
    print(f"{name:10} {run.device:13} seed {run.seed}  {label:28} {figures}", flush=True)


def main() -> None:
    names = list(experiments(1))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("experiments", nargs="*", help=", ".join(names))
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--devices", nargs="+", choices=DEVICES, default=list(DEVICES))
    parser.add_argument("--only", default="", help="rows whose label has this in it")
    parser.add_argument("--tables", action="store_true", help="only print what there is")
    asked = parser.parse_intermixed_args()
    wrong = set(asked.experiments) - set(names)
    if wrong:
        sys.exit(f"There is no experiment {sorted(wrong)[0]!r}; there are {', '.join(names)}.")
    folder = make_folder(asked.folder)
    print(f"{'':49}{'':7} {'median':>10}  {'mean':>8}  {'p90':>8}  {'worst':>8}")
    for name, label, run in rows_of(
        asked.experiments or names, asked.devices, asked.seeds, asked.steps
    ):
        if asked.only not in label:
            continue
        found = result_of(run, folder, asked.tables)
        if found is not None:
            print_line(name, label, run, found)


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(str(error))
