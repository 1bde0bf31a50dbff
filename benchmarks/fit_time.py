"""How good a model is after so many minutes of training on this machine, all its cores.

    python benchmarks/fit_time.py FOLDER [--train 10] [--minutes 12] [--preset pedal] [--devices …]

Sweeps are captured from each device, the preset is trained on them as `ampsweep train --time` does,
and judged on 40 static settings and playing that it never heard. FOLDER keeps the held-out audio.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import torch
from laboratory import DEVICES, Ground, Windows, heard, in_words, judge

from rigs.errors import UserError
from rigs.files import make_folder
from training.checkpoint import build_net
from training.fit import fit
from training.machine import choose, running
from training.models.presets import PRESETS
from training.options import TrainOptions
from training.resume import Resume


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--devices", nargs="+", choices=DEVICES, default=list(DEVICES[::-1]))
    parser.add_argument("--minutes", type=float, default=12, help="of captured audio")
    parser.add_argument("--train", type=float, default=10, help="minutes of training")
    parser.add_argument("--preset", default="pedal", choices=sorted(PRESETS))
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    folder = make_folder(asked.folder)
    for device in asked.devices:
        ground = Ground(device, asked.minutes, folder)
        torch.manual_seed(asked.seed)
        preset = PRESETS[asked.preset]
        net = build_net(preset.kind, preset.network, ground.rig.knobs.inputs, "here")
        options = TrainOptions(minutes=asked.train, seed=asked.seed)
        windows = Windows(ground.rig, ground.captured, options, net.receptive_field)
        started = time.monotonic()
        choice = choose(net, windows.batch, options)
        with running(choice), tempfile.TemporaryDirectory() as temporary:
            resume = Resume(Path(temporary), "")
            validation = heard(ground.validation)
            state = fit(
                net, windows, validation, options, resume, lambda status: None, choice=choice
            )
        took = time.monotonic() - started
        found = judge(net, ground.test)
        print(
            f"{device}: {asked.minutes:g} min of audio, {asked.preset}; {took / 60:.1f} minutes, "
            f"{len(os.sched_getaffinity(0))} cores ({choice}), {state.step} steps: ESR on "
            f"{found['settings']} unseen settings: {in_words(found)}",
            flush=True,
        )


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(str(error))
