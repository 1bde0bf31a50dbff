"""What the same minutes of audio teach as static settings and as sweeps, and which sweeps do best.

    python benchmarks/sweeps.py FOLDER [EXPERIMENT...] [--steps 2000] [--seeds 1] [--devices ...]

Experiments: minutes-4, minutes-2, minutes-12, speed, ends, mix, errors, shape; all, in that order,
unless named. Each run is captured from a simulated device, trained (the preset `pedal`) for a fixed
number of steps, whatever the machine, and judged on static settings and playing that no training
ever saw, the same for all runs of a device. FOLDER keeps each run's result, so the same command
goes on where it was stopped; `--tables` prints what there is, the mean of the seeds. A run is told
from others by what it is made from, code not included: after a change of that begin another folder.
`gx-studiopre` needs guitarix-lv2.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from laboratory import DEVICES, Kept, capture, held_out, judge, open_rig, train

from rigs.audio import SAMPLE_RATE
from rigs.errors import UserError
from rigs.files import make_folder
from rigs.rig import Rig
from rigs.trajectory import Trajectory
from training.checkpoint import build_net
from training.fit import Status
from training.models.presets import PRESETS
from training.options import TrainOptions

SHOWN = ("median", "mean", "p90", "worst")
TABLED = SHOWN[:3]
"""The worst of 40 settings is that setting's, and chance's."""


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


# --- an actuator that errs ----------------------------------------------------------------------


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


def work(run: Run, folder: Path) -> dict[str, Any]:
    """Capture, train, judge."""
    rng = np.random.default_rng([run.seed, 9])
    rig = open_rig(run.device)
    rig.open()
    try:
        validation, test = held_out(rig, folder)
        captured = capture(
            rig, run.train, run.seed, lambda way, seconds: misled(way, run, rig, seconds, rng)
        )
    finally:
        rig.close()
    started = time.monotonic()
    torch.manual_seed(run.seed)
    preset = PRESETS["pedal"]
    net = build_net(preset.kind, preset.network, rig.knobs.inputs, "pedal")
    losses: list[float] = []

    def report(status: Status) -> None:
        if status.step % 100 == 0:
            losses.append(round(status.loss, 3))

    options = TrainOptions(steps=run.steps, seed=run.seed)
    state = train(net, rig, captured, validation, options, report)
    return {
        "captures": len(captured.dry),
        "minutes": sum(map(len, captured.dry)) / SAMPLE_RATE / 60,
        **judge(net, test),
        "validation": [round(record.esr, 5) for record in state.history],
        "losses": losses,
        "seconds": round(time.monotonic() - started, 1),
    }


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
        ("a point every 1.5 s", of(usual)),
        ("a point every 0.5 s", of({**usual, "interval": 0.5})),
        ("a point every 5 s", of({**usual, "interval": 5})),
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
        ("late by 100 ms", of(usual, delay=0.1)),
        ("play of 2 %", of(usual, backlash=0.02)),
        ("play of 10 %", of(usual, backlash=0.1)),
        ("jitter of 20 ms", of(usual, jitter=0.02)),
        ("jitter of 100 ms", of(usual, jitter=0.1)),
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
    figures = "  ".join(f"{found[k]:8.4f}" for k in SHOWN)
    print(f"{name:10} {run.device:13} seed {run.seed}  {label:28} {figures}", flush=True)


def geometric_mean(found: dict[str, Any]) -> float:
    """Of the ESR over all settings: no single one makes it, as it may a mean or a median."""
    return float(np.exp(np.mean(np.log(found["esr"]))))


def cells(found: list[dict[str, Any]]) -> list[str]:
    """Figures of one row and device: means of the seeds, and each seed's in brackets."""
    if not found:
        return ["–"] * (1 + len(TABLED))
    means = [geometric_mean(result) for result in found]
    each = ", ".join(f"{mean:.3f}" for mean in means)
    return [f"{np.mean(means):.3f} ({each})"] + [
        f"{np.mean([result[key] for result in found]):.3f}" for key in TABLED
    ]


def print_tables(names: list[str], asked: argparse.Namespace, kept: Kept) -> None:
    """What there is, in Markdown.

    The last column holds the geometric means against the first row's, device by device and seed by
    seed, so that what one of these has of its own is no part of it.
    """
    for name in names:
        heads = [f"{device}: geometric mean | {' | '.join(TABLED)}" for device in asked.devices]
        print(f"\n| {name} | {' | '.join(heads)} | beside the first |")
        print("|---" * (2 + (1 + len(TABLED)) * len(asked.devices)) + "|")
        first: dict[tuple[str, int], float] = {}
        for number, (label, run) in enumerate(experiments(asked.steps)[name]):
            row, ratios = [label], []
            for device in asked.devices:
                found = {
                    seed: result
                    for seed in asked.seeds
                    if (result := kept.find(asdict(replace(run, device=device, seed=seed))))
                }
                row += cells([*found.values()])
                for seed, result in found.items():
                    mean = geometric_mean(result)
                    if number == 0:
                        first[device, seed] = mean
                    if (device, seed) in first:
                        ratios.append(mean / first[device, seed])
            row.append(f"{np.exp(np.mean(np.log(ratios))):.2f}" if ratios else "–")
            print(f"| {' | '.join(row)} |")


def main() -> None:
    names = list(experiments(1))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("experiments", nargs="*", help=", ".join(names))
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--devices", nargs="+", choices=DEVICES, default=list(DEVICES))
    parser.add_argument("--only", default="", help="rows whose label has this in it")
    parser.add_argument("--tables", action="store_true", help="print what there is")
    asked = parser.parse_intermixed_args()
    wrong = set(asked.experiments) - set(names)
    if wrong:
        sys.exit(f"There is no experiment {sorted(wrong)[0]!r}; there are {', '.join(names)}.")
    folder = make_folder(asked.folder)
    kept = Kept(folder)
    names = asked.experiments or names
    if asked.tables:
        print_tables(names, asked, kept)
        return
    print(f"{'':49}{'':7}" + "".join(f"{name:>10}" for name in SHOWN))
    for name, label, run in rows_of(names, asked.devices, asked.seeds, asked.steps):
        if asked.only in label:
            print_line(name, label, run, kept.get(asdict(run), partial(work, run, folder)))


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(str(error))
