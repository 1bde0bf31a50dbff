"""What a small net gains from a big one as its teacher, beside as many steps without.

    python benchmarks/distil.py FOLDER [--minutes 4] [--steps 4000] [--big-steps …] [--big desktop]
                                       [--small pedal-small] [--seeds 1 2] [--devices …]

The big net learns from the captures, for as many steps as the small one unless told otherwise. The
small net then learns twice from the same beginning: from the captures alone, and with half of its
windows played by the big one, anywhere in the knobs' cube, on the dry audio of the captures. Judged
on 40 settings and playing that none ever heard. FOLDER keeps each result; the same command goes on
where it stopped.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import Any

import torch
from laboratory import DEVICES, Ground, Kept, Windows, judge, train_on
from safetensors.torch import load_file

from rigs.errors import UserError
from rigs.files import make_folder
from training.checkpoint import Model, build_net, save_tensors
from training.distil import ModelTeacher, TaughtWindows
from training.models.net import Net
from training.models.presets import PRESETS
from training.options import TrainOptions


def net_of(preset: str, inputs: int, seed: int) -> Net:
    torch.manual_seed(seed)
    return build_net(PRESETS[preset].kind, PRESETS[preset].network, inputs, preset)


def learn(ground: Ground, net: Net, steps: int, seed: int, teacher: Net | None) -> dict[str, Any]:
    """Train ``net``, and judge it."""
    knobs = ground.rig.knobs
    options = TrainOptions(steps=steps, seed=seed)
    windows: Any = Windows(ground.rig, ground.captured, options, net.receptive_field)
    if teacher is not None:
        model = Model("teacher", ground.rig.device, knobs, 48_000, "wavenet", teacher, {})
        windows = TaughtWindows(windows, ModelTeacher(model, knobs), options)
    train_on(net, windows, ground.validation, options)
    return judge(net, ground.test)


def teach(ground: Ground, big: Net, steps: int, weights: Path) -> dict[str, Any]:
    """Train the teacher, and keep its weights."""
    result = learn(ground, big, steps, 1, None)
    save_tensors(weights, dict(big.state_dict()))
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--devices", nargs="+", choices=DEVICES, default=list(DEVICES[::-1]))
    parser.add_argument("--minutes", type=float, default=4, help="of captured audio")
    parser.add_argument("--steps", type=int, default=4000, help="of the small net")
    parser.add_argument("--big-steps", type=int, help="of the teacher; as many, unless given")
    parser.add_argument("--big", default="desktop", choices=sorted(PRESETS))
    parser.add_argument("--small", default="pedal-small", choices=sorted(PRESETS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    asked = parser.parse_args()
    folder = make_folder(asked.folder)
    kept = Kept(folder)
    for device in asked.devices:
        ground = Ground(device, asked.minutes, folder)
        inputs = ground.rig.knobs.inputs
        big_steps = asked.big_steps or asked.steps
        same = {"minutes": asked.minutes, "steps": big_steps, "big": asked.big, "device": device}
        big = net_of(asked.big, inputs, 1)
        weights = folder / f"{device}-{asked.minutes:g}-{big_steps}-{asked.big}.safetensors"

        rows = {asked.big: [kept.get(same, partial(teach, ground, big, big_steps, weights))]}
        big.load_state_dict(load_file(weights))
        for taught in (False, True):
            name = f"{asked.small}, taught" if taught else asked.small
            for seed in asked.seeds:
                own = {"small": asked.small, "small steps": asked.steps, "taught": taught}
                key = {**same, **own, "seed": seed}
                teacher = big if taught else None
                net = net_of(asked.small, inputs, seed)
                make = partial(learn, ground, net, asked.steps, seed, teacher)
                rows.setdefault(name, []).append(kept.get(key, make))
        steps = f"{asked.steps} steps, the teacher {big_steps}"
        print(f"{device}, {asked.minutes:g} minutes, {steps}")
        for name, found in rows.items():
            figures = "  ".join(f"{r['median']:.4f} (p90 {r['p90']:.4f})" for r in found)
            print(f"  {name:24} {figures}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(str(error))
