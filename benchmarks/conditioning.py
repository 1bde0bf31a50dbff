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
import hashlib
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from laboratory import DEVICES, Captured, Windows, capture, held_out, judge, open_rig, train

from rigs.errors import UserError
from rigs.files import make_folder, write_whole
from rigs.rig import Rig
from training.checkpoint import build_net
from training.fit import Example
from training.models.net import Net
from training.models.presets import PRESETS
from training.options import TrainOptions

RIVALS = ("concat", "hyper", "film", "basis")
ROUNDS = 12


class Ground:
    """A device, what was captured from it, and what judges."""

    def __init__(self, device: str, minutes: float, folder: Path) -> None:
        rig = open_rig(device)
        rig.open()
        try:
            self.validation, self.test = held_out(rig, folder)
            sweeps = {"design": "sweep", "minutes": minutes, "seconds": 20}
            self.captured: Captured = capture(rig, [sweeps], 1)
        finally:
            rig.close()
        self.rig: Rig = rig


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


class Kept:
    """Results by what they are made from."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, made_from: dict[str, Any], make: Any) -> Any:
        text = json.dumps(made_from, sort_keys=True)
        path = self._folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"
        if not path.exists():
            found = {**made_from, "result": make()}
            write_whole(path, (json.dumps(found) + "\n").encode())
        return json.loads(path.read_text("utf-8"))["result"]


def one(
    ground: Ground, rival: str, preset: str, steps: int, rate: float, seed: int, judged: bool
) -> dict[str, Any]:
    torch.manual_seed(seed)
    net = net_of(rival, preset, ground.rig)
    options = TrainOptions(steps=steps, seed=seed, learning_rate=rate)
    validation: list[Example] = ground.validation
    state = train(net, ground.rig, ground.captured, validation, options)
    return {"validation": state.best, **(judge(net, ground.test) if judged else {})}


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
    search = asked.search or asked.steps // 2
    kept = Kept(make_folder(asked.folder))
    for device in asked.devices:
        ground = Ground(device, asked.minutes, asked.folder)
        same = {"device": device, "minutes": asked.minutes, "preset": asked.preset}
        cost = kept.get({**same, "what": "costs"}, lambda: costs(ground, asked.preset))  # noqa: B023
        print(f"{device}, {asked.minutes:g} minutes, preset {asked.preset}", flush=True)
        for rival in asked.rivals:
            net = net_of(rival, asked.preset, ground.rig)
            slower = cost[rival] / cost["film"]
            steps = round(asked.steps / slower)
            parameters = sum(p.numel() for p in net.parameters())
            print(
                f"  {rival}: {net.macs_per_sample} multiply–adds, {parameters} parameters, a step "
                f"{slower:.2f} x film's, {steps} steps",
                flush=True,
            )

            def run(steps: int, rate: float, seed: int, judged: bool) -> dict[str, Any]:
                key = {**same, "rival": rival, "steps": steps, "rate": rate, "seed": seed}  # noqa: B023
                return kept.get(
                    {**key, "judged": judged},
                    lambda: one(ground, rival, asked.preset, steps, rate, seed, judged),  # noqa: B023
                )

            scores = {}
            for rate in asked.rates:
                scores[rate] = run(round(search / slower), rate, asked.seeds[0], False)[
                    "validation"
                ]
                print(f"    learning rate {rate:g}: validation {scores[rate]:.4f}", flush=True)
            best = min(scores, key=scores.__getitem__)
            results = [run(steps, best, seed, True) for seed in asked.seeds]
            for seed, result in zip(asked.seeds, results, strict=True):
                print(
                    f"    seed {seed}: median {result['median']:.4f}, 90th percentile "
                    f"{result['p90']:.4f}, worst {result['worst']:.3f}",
                    flush=True,
                )
            medians, tails = ([r[k] for r in results] for k in ("median", "p90"))
            print(
                f"  {rival} at {best:g}: median {np.mean(medians):.4f} "
                f"({min(medians):.4f} to {max(medians):.4f}), 90th percentile "
                f"{np.mean(tails):.4f} ({min(tails):.4f} to {max(tails):.4f})",
                flush=True,
            )


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(str(error))
