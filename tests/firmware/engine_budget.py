"""What the engine costs on a Cortex-M7: instructions a sample, counted in the emulator.

``python -m tests.firmware.engine_budget`` prints them, the memory they take, and what llvm-mca says
of the hot loops; ``--write`` keeps the counts in firmware/tests/engine/budget.json, which a test
holds later ones against.
"""

from __future__ import annotations

import json
import sys

import numpy as np

from rigs.knobs import Knob, KnobTable
from tests.firmware.emulator import FIRMWARE, FRAMES, cycles, hot_loops, play_on_m7
from tests.firmware.engine_cases import A2_LITE, bent
from tests.firmware.recurrent_cases import CELLS, random_cell
from tests.training.random_nets import noise, random_net
from training.exports.pedal import ModelFacts, to_pedal
from training.models import WaveNetConfig
from training.models.presets import PRESETS

KEPT = FIRMWARE / "tests" / "engine" / "budget.json"
PANEL = KnobTable(
    tuple(Knob(name) for name in ("Gain", "Bass", "Middle", "Treble", "Presence", "Master"))
)
FACTS = ModelFacts("budget", "six knobs", PANEL, 48_000)
NETS = {
    "pedal-small": WaveNetConfig.model_validate(PRESETS["pedal-small"].network),
    "pedal": WaveNetConfig.model_validate(PRESETS["pedal"].network),
    "A2-Lite": A2_LITE,
    "tanh": bent(WaveNetConfig.model_validate(PRESETS["pedal"].network)),
    "nam-standard": WaveNetConfig.model_validate(PRESETS["nam-standard"].network),
}
TOO_LARGE = "nam-standard"
"""For the pedal; how many instructions it takes says by how much."""
BLOCKS = 20
LOOPS = {
    "4 channels": ("8convolveILi4E", "12add_residualILi4E|3runILi4E"),
    "8 channels": ("8convolveILi8E", "12add_residualILi8E|3runILi8E"),
    "3 channels": ("9convolve3E", "13add_residual3|3runILi3E"),
    "control network": ("5dense",),
    "cells": ("3runERNS_9Recurrent",),
}


RECURRENT = {name: CELLS[name] for name in ("GRU-10", "LSTM-16")}
NAMES = (*NETS, *RECURRENT)


def image_of(name: str) -> bytes:
    """A random net of that size with six knobs."""
    if name in RECURRENT:
        return to_pedal(random_cell(RECURRENT[name], len(PANEL)), FACTS)
    return to_pedal(random_net(NETS[name], len(PANEL)), FACTS)


def count(name: str) -> dict[str, float]:
    """Instructions a sample: knobs still, all six moving, and in the block after they stop."""
    image = image_of(name)
    dry = noise(BLOCKS * FRAMES)
    positions = np.tile(np.linspace(1, 9, len(PANEL)), (BLOCKS + 1, 1))
    positions[6:15] += np.linspace(0, 1, 9)[:, None]  # rows 6 to 14 are new in blocks 5 to 13
    positions[15:] = positions[14]
    blocks = play_on_m7(image, dry, positions).blocks
    return {
        "still": round(float(blocks[:5].mean()), 1),
        "moving": round(float(blocks[7:14].mean()), 1),
        "stopping": round(float(blocks[14]), 1),
    }


def main() -> None:
    counts = {name: count(name) for name in NAMES}
    print("instructions a sample       still    moving  stopping")
    for name, found in counts.items():
        print(f"{name:24}" + "".join(f"{value:10.0f}" for value in found.values()))
    print("\nbytes                       image      fast       all")
    for name in NAMES:
        image = image_of(name)
        played = play_on_m7(image, noise(FRAMES), np.full(len(PANEL), 5.0))
        print(f"{name:24}" + "".join(f"{n:10}" for n in (len(image), played.fast, played.arena)))
    print("\nllvm-mca, cycles a multiply–add of the hot loops")
    for name, symbols in LOOPS.items():
        each = [
            cycles(loop) / sum(line.startswith("vfma") for line in loop)
            for symbol in symbols
            for loop in hot_loops(symbol)
        ]
        print(f"{name:24}" + "".join(f"{value:10.2f}" for value in each))
    if "--write" in sys.argv:
        KEPT.write_text(json.dumps(counts, indent=2) + "\n")


if __name__ == "__main__":
    main()
