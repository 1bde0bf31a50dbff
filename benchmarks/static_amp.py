"""One static amp, NAM's standard WaveNet (A1): our training beside neural-amp-modeler's.

    python benchmarks/static_amp.py [--steps 300] [--minutes 3] [--batch 16] [--window 8192]

The virtual amp with its knobs at noon plays; both train the same net on the same audio for as many
steps of as many windows, each in a process of its own, at whichever thread count suits it best, and
each with its own loss, optimiser and schedule: NAM's are Adam at 0.004 with its exponential decay
(over as many epochs as its trainer has by default, here put into the steps there are) and the mean
squared error; ours are what `ampsweep train` does. NAM's steps are taken in a plain loop, without
the overhead of its trainer. Their speed is taken by turns, the one waiting while the other works,
and is that of the quickest step. Judged on 30 s of playing that neither heard. Memory is the
highest that a whole process had.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SIDES = ("ampsweep", "neural-amp-modeler")
TEST_SECONDS, VALIDATION_SECONDS = 30.0, 10.0
TRIED, EPOCHS, DECAY = 3, 100, 0.993
TURNS, STEPS_A_TURN = 6, 3


def capture(folder: Path, minutes: float) -> None:
    """Dry and wet of each part, into the folder."""
    from laboratory import open_rig

    from dataset import signals
    from rigs.trajectory import Trajectory

    rig = open_rig("virtual-amp")
    rig.open()
    try:
        noon = rig.knobs.to_array(rig.knobs.default)[None]
        parts = {"train": 60 * minutes, "validation": VALIDATION_SECONDS, "test": TEST_SECONDS}
        for part, seconds in parts.items():
            dry = signals.make(part, seconds, 1).audio.astype(np.float32)
            wet = rig.take(dry, Trajectory(noon.astype(np.float32)))[0].wet
            np.savez(folder / f"{part}.npz", dry=dry, wet=wet.astype(np.float32))
    finally:
        rig.close()


def load(folder: Path, part: str) -> tuple[Any, Any]:
    with np.load(folder / f"{part}.npz") as kept:
        return kept["dry"], kept["wet"]


def best_threads(step: Callable[[int], object], use: Callable[[int], object]) -> int:
    """The count of threads with the shortest step."""
    took = {}
    for count in sorted({1, len(os.sched_getaffinity(0))}):
        use(count)
        times = []
        for number in range(TRIED + 1):
            started = time.perf_counter()
            step(number)
            times.append(time.perf_counter() - started)
        took[count] = min(times[1:])
    return min(took, key=took.__getitem__)


def ours(folder: Path, asked: argparse.Namespace) -> dict[str, Any]:
    import torch
    from laboratory import Captured, Windows, open_rig

    from rigs.audio import esr
    from rigs.trajectory import Trajectory
    from training.checkpoint import build_net
    from training.fit import Example, fit
    from training.machine import Choice, running
    from training.models.presets import PRESETS
    from training.optimizer import build
    from training.options import TrainOptions
    from training.play import play
    from training.resume import Resume
    from training.step import Stepper

    torch.manual_seed(1)
    knobs = open_rig("virtual-amp").knobs
    preset = PRESETS["nam-standard"]
    options = TrainOptions(steps=asked.steps, batch=asked.batch, window=asked.window, validations=4)
    noon = knobs.to_array(knobs.default)[None]
    inputs = knobs.to_inputs(noon)[0].astype(np.float32)
    dry, wet = load(folder, "train")

    class Bench:
        def __init__(self) -> None:
            self.knobs = knobs

    still = Trajectory(noon.astype(np.float32))
    rig: Any = Bench()
    net = build_net(preset.kind, preset.network, knobs.inputs, "here")
    windows = Windows(rig, Captured([dry], [wet], [still]), options, net.receptive_field)
    tried = build_net(preset.kind, preset.network, knobs.inputs, "here")
    stepper = Stepper(tried, build(tried, options), options)

    def use(count: int) -> None:
        nonlocal threads
        threads = count

    def timed(number: int) -> None:
        with running(Choice(threads=threads)):
            stepper(windows.batch(number), 0.5)

    threads = 1
    threads = best_threads(timed, use)
    validation = [Example(*load(folder, "validation"), inputs)]
    with running(Choice(threads=threads)), tempfile.TemporaryDirectory() as temporary:
        speed = by_turns(lambda number: stepper(windows.batch(number), 0.5))
        resume = Resume(Path(temporary), "")
        fit(net, windows, validation, options, resume, lambda status: None)
    test_dry, test_wet = load(folder, "test")
    return {"threads": threads, "speed": speed, "esr": esr(test_wet, play(net, test_dry, inputs))}


def nams(folder: Path, asked: argparse.Namespace) -> dict[str, Any]:
    warnings.filterwarnings("ignore")
    import torch
    from nam.data import Dataset
    from nam.train.lightning_module import LightningModule
    from torch.utils.data import DataLoader

    from rigs.audio import esr

    torch.manual_seed(1)
    array = {
        "condition_size": 1,
        "kernel_size": 3,
        "dilations": [2**i for i in range(10)],
        "activation": "Tanh",
    }
    heads = [{"out_channels": c, "kernel_size": 1, "bias": c == 1} for c in (8, 1)]
    layers = [
        {**array, "input_size": 1, "channels": 16, "head": heads[0]},
        {**array, "input_size": 16, "channels": 8, "head": heads[1]},
    ]
    gamma = DECAY ** (EPOCHS / asked.steps)
    model = LightningModule.init_from_config(
        {
            "net": {
                "name": "WaveNet",
                "config": {"layers_configs": layers, "head_scale": 0.02},
            },
            "loss": {"val_loss": "esr"},
            "optimizer": {"lr": 0.004},
            "lr_scheduler": {"class": "ExponentialLR", "kwargs": {"gamma": gamma}},
        }
    )
    made = model.configure_optimizers()
    optimizer, schedule = made["optimizer"], made["lr_scheduler"]["scheduler"]
    field = model.net.receptive_field
    dry, wet = (torch.from_numpy(audio) for audio in load(folder, "train"))
    settings = {"sample_rate": 48_000, "require_input_pre_silence": None}
    data = Dataset(dry, wet, nx=field, ny=asked.window, **settings)
    loader = DataLoader(data, batch_size=asked.batch, shuffle=True, drop_last=True)

    def endless() -> Any:
        while True:
            yield from loader

    batches = endless()
    before = {name: value.clone() for name, value in model.state_dict().items()}

    def step(number: int) -> None:
        loss = model.training_step(next(batches), number)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    threads = best_threads(step, torch.set_num_threads)
    torch.set_num_threads(threads)
    speed = by_turns(step)
    model.load_state_dict(before)  # what was tried is forgotten
    optimizer.state.clear()
    for number in range(asked.steps):
        step(number)
        schedule.step()
    model.net.eval()
    test_dry, test_wet = load(folder, "test")
    with torch.no_grad():
        played = model.net(torch.from_numpy(test_dry), pad_start=True).numpy()
    return {"threads": threads, "speed": speed, "esr": esr(test_wet, played)}


def by_turns(step: Callable[[int], object]) -> float:
    """Steps a second of the quickest step, some taken whenever the parent says so."""
    times = []
    for number in range(TURNS * STEPS_A_TURN):
        if number % STEPS_A_TURN == 0:
            print("ready", flush=True)
            sys.stdin.readline()
        started = time.perf_counter()
        step(number)
        times.append(time.perf_counter() - started)
    print("ready", flush=True)
    sys.stdin.readline()
    return 1 / min(times)


def side(name: str, folder: str) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, *sys.argv[1:], "--side", name, "--folder", folder]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def answer(running: subprocess.Popen[str]) -> str:
    """The next line of a side that is about what this parent asked for."""
    assert running.stdout is not None
    for line in running.stdout:
        if line.startswith(("ready", "{")):
            return line
    sys.exit(f"A side stopped with exit status {running.wait()}.")


def let_go(running: subprocess.Popen[str]) -> None:
    assert running.stdin is not None
    running.stdin.write("go\n")
    running.stdin.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--window", type=int, default=8192)
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.side:
        found = (ours if asked.side == SIDES[0] else nams)(asked.folder, asked)
        found["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(found))
        return
    with tempfile.TemporaryDirectory() as folder:
        capture(Path(folder), asked.minutes)
        sides, results = {}, {}
        for name in SIDES:
            sides[name] = side(name, folder)
            answer(sides[name])
        for _ in range(TURNS):
            for running in sides.values():
                let_go(running)
                answer(running)
        for name, running in sides.items():
            let_go(running)
            results[name] = found = json.loads(answer(running))
            print(
                f"{name:20} {found['speed']:6.2f} steps/s ({found['threads']} threads), after "
                f"{asked.steps} steps ESR {found['esr']:.5f}, {found['memory']:.0f} MB",
                flush=True,
            )
    we, they = (results[name] for name in SIDES)
    print(
        f"{we['speed'] / they['speed']:.2f} x as many steps a second, "
        f"{we['esr'] / they['esr']:.3f} x the ESR, {we['memory'] / they['memory']:.2f} x the memory"
    )


if __name__ == "__main__":
    main()
