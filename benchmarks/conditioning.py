"""Which conditioning learns an amp's knobs best: the same audio path, the same training time.

    python benchmarks/conditioning.py FOLDER [--steps 2000] [--seeds 1 2 3] [--devices ...]
                                      [--rates 0.005 0.01 0.02] [--minutes 12] [--preset pedal]

Every rival has the audio path of one preset, so the same multiply–adds once folded, the same
control network's width, the same optimiser and loss, and an output level of its own per setting;
what differs is how knobs reach the path. `concat` gives them to every layer beside the dry signal,
as PANAMA and GuitarML do; `hyper` generates low-rank changes of the weights, as a hypernetwork;
`film` scales and shifts; `basis` also mixes a few weight bases. Training time is CPU time: what a
step of each costs is measured first, in turn in one process, and a rival that is slower gets as
many steps fewer. Each rival's learning rate is the best of the same list for it, by the validation
settings, with `--search` steps (half as many, unless given), on the first seed. Judged on 40
settings and playing that no training ever saw. FOLDER keeps each run's result; the same command
goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from laboratory import DEVICES, Ground, Kept, Windows, in_words, judge, train

from rigs.errors import UserError
from rigs.files import make_folder
from rigs.rig import Rig
from training.checkpoint import build_net
from training.models.net import Net
from training.models.presets import PRESETS
from training.options import TrainOptions

RIVALS = ("concat", "hyper", "film", "basis")
ROUNDS = 12


def net_of(rival: str, preset: str, rig: Rig) -> Net:
    kind, network = PRESETS[preset].kind, PRESETS[preset].network
    return build_net(kind, {**network, "conditioning": rival}, rig.knobs.inputs, rival)


def costs(ground: Ground, preset: str) -> dict[str, float]:
    """CPU seconds of a step of each rival: the median, taken in turn."""
    torch.set_num_threads(1)
    options = TrainOptions(steps=1)
    nets = {rival: net_of(rival, preset, ground.rig) for rival in RIVALS}
    windows = {
        rival: Windows(ground.rig, ground.captured, options, net.receptive_field)
        for rival, net in nets.items()
    }
    taken: dict[str, list[float]] = {rival: [] for rival in RIVALS}
    for number in range(ROUNDS + 1):
        for rival, net in nets.items():
            batch = windows[rival].batch(number)
            started = time.process_time()
            net(batch.dry, batch.knobs).square().mean().backward()
            net.zero_grad()
            if number:  # the first one compiles and warms up
                taken[rival].append(time.process_time() - started)
    return {rival: statistics.median(times) for rival, times in taken.items()}


def one(
    ground: Ground, rival: str, preset: str, steps: int, rate: float, seed: int, judged: bool
) -> dict[str, Any]:
    torch.manual_seed(seed)
    net = net_of(rival, preset, ground.rig)
    options = TrainOptions(steps=steps, seed=seed, learning_rate=rate)
    state = train(net, ground.rig, ground.captured, ground.validation, options)
    return {"validation": state.best, **(judge(net, ground.test) if judged else {})}


def compete(
    ground: Ground,
    rival: str,
    slower: float,
    asked: argparse.Namespace,
    kept: Kept,
    same: dict[str, Any],
) -> None:
    """A rival at its best learning rate, with every seed; ``slower``: than film, by a step."""

    def run(steps: int, rate: float, seed: int, judged: bool) -> dict[str, Any]:
        key = {**same, "rival": rival, "steps": steps, "rate": rate, "seed": seed, "judged": judged}
        make = partial(one, ground, rival, asked.preset, steps, rate, seed, judged)
        found: dict[str, Any] = kept.get(key, make)
        return found

    net = net_of(rival, asked.preset, ground.rig)
    steps = round(asked.steps / slower)
    search = round((asked.search or asked.steps // 2) / slower)
    parameters = sum(p.numel() for p in net.parameters())
    print(
        f"  {rival}: {net.macs_per_sample} multiply–adds, {parameters} parameters, a step "
        f"{slower:.2f} x film's, {steps} steps",
        flush=True,
    )
    scores = {}
    for rate in asked.rates:
        scores[rate] = run(search, rate, asked.seeds[0], False)["validation"]
        print(f"    learning rate {rate:g}: validation {scores[rate]:.4f}", flush=True)
    best = min(scores, key=scores.__getitem__)
    results = [run(steps, best, seed, True) for seed in asked.seeds]
    for seed, result in zip(asked.seeds, results, strict=True):
        print(f"    seed {seed}: {in_words(result)}", flush=True)
    medians, tails = ([r[k] for r in results] for k in ("median", "p90"))
    print(
        f"  {rival} at {best:g}: median {np.mean(medians):.4f} "
        f"({min(medians):.4f} to {max(medians):.4f}), 90th percentile "
        f"{np.mean(tails):.4f} ({min(tails):.4f} to {max(tails):.4f})",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--devices", nargs="+", choices=DEVICES, default=list(DEVICES[::-1]))
    parser.add_argument("--minutes", type=float, default=12, help="of captured audio, all sweeps")
    parser.add_argument("--preset", default="pedal", choices=sorted(PRESETS))
    parser.add_argument("--rates", type=float, nargs="+", default=[0.005, 0.01, 0.02])
    parser.add_argument("--rivals", nargs="+", choices=RIVALS, default=list(RIVALS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--steps", type=int, default=2000, help="of film")
    parser.add_argument("--search", type=int, help="steps of film, for each learning rate")
    asked = parser.parse_args()
    kept = Kept(make_folder(asked.folder))
    for device in asked.devices:
        ground = Ground(device, asked.minutes, asked.folder)
        same = {"device": device, "minutes": asked.minutes, "preset": asked.preset}
        cost = kept.get({**same, "what": "costs"}, partial(costs, ground, asked.preset))
        print(f"{device}, {asked.minutes:g} minutes, preset {asked.preset}", flush=True)
        for rival in asked.rivals:
            compete(ground, rival, cost[rival] / cost["film"], asked, kept, same)


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(str(error))
