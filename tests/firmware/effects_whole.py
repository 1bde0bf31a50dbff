"""The whole chain with a net in it, and what it costs: ``python -m tests.firmware.effects_whole``
prints the instructions a block of every part and of the whole on the emulated Cortex-M7;
``--write`` makes them the budget that the tests hold.
"""

from __future__ import annotations

import json
import struct
import sys
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rigs.knobs import Knob, KnobTable
from tests.firmware.effects_parts import BLOCK, ROOT, Audio, make, run
from tests.training.random_nets import noise, random_net
from training.exports.pedal import ModelFacts, to_pedal
from training.models import WaveNetConfig
from training.models.presets import PRESETS

BUDGET = ROOT / "firmware" / "tests" / "effects" / "budget.json"
DEADLINE = 480_000
"""Instructions in the 1 ms of a block, if each took a cycle at 480 MHz."""

MOST_STACK = 3 * 1024
"""Bytes, of the 12 KiB that the board has: callbacks come on top of the main loop."""

PANEL = KnobTable(tuple(Knob(f"Knob {i}") for i in range(6)))
FACTS = ModelFacts("Six knobs", "an amp", PANEL, 48_000, 12.25, 5.0)
TO_MODEL, FROM_MODEL = 6.0 - 12.25, 5.0 - 9.0
"""dB, since whole.cpp's own levels are 6 and 9 dBu."""

NET = random_net(WaveNetConfig.model_validate(PRESETS["pedal"].network), len(PANEL))
CABINET = np.random.default_rng(3).standard_normal(2048) * np.exp(-np.arange(2048) / 200) / 10


def block(values: npt.ArrayLike) -> bytes:
    """How many, then what."""
    array = np.asarray(values, "<f4")
    return struct.pack("<I", len(array)) + array.tobytes()


def turned(blocks: int) -> npt.NDArray[np.float32]:
    """All six knobs on their way somewhere, in every block; (blocks, knobs)."""
    return np.random.default_rng(4).uniform(0, 10, (blocks, len(PANEL))).astype(np.float32)


def whole(
    dry: npt.ArrayLike, positions: npt.NDArray[np.float32], restless: bool, on: str = "whole"
) -> tuple[Audio, list[int]]:
    """The wet, and the instructions of each block (zeros on the host).

    ``restless``: gate and tuner on, and somebody turns trim and level, treads on bypass and
    switches models.
    """
    image = to_pedal(NET, FACTS)
    job = struct.pack("<I", len(image)) + image
    job += block(CABINET) + block(dry) + block(positions) + struct.pack("<I", restless)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "job.bin").write_bytes(job)
        stack, *counts = [int(line) for line in run(on, folder).split()]
        assert stack <= MOST_STACK
        return np.frombuffer((folder / "wet.bin").read_bytes(), "<f4"), counts


def counted() -> dict[str, dict[str, int]]:
    """Part -> {"mean": instructions a block of 48 samples, "worst": those of the worst}."""
    make("effects-m7")
    with tempfile.TemporaryDirectory() as folder:
        lines = run("budget.elf", Path(folder)).splitlines()
    counts = {row.pop("part"): row for row in map(json.loads, lines)}
    for name, moving in (("whole, knobs still", False), ("whole, all moving", True)):
        blocks = 150
        positions = turned(blocks) if moving else turned(1)
        _, each = whole(noise(blocks * BLOCK), positions, moving, "whole.elf")
        counts[name] = {"mean": sum(each) // blocks, "worst": max(each)}
    return counts


if __name__ == "__main__":
    counts = counted()
    print(f"{'':20} mean / sample  worst block  of {DEADLINE}")
    for name, row in counts.items():
        mean, worst = row["mean"] / BLOCK, row["worst"]
        print(f"{name:20} {mean:13.0f} {worst:12} {worst / DEADLINE:8.1%}")
    if "--write" in sys.argv:
        BUDGET.write_text(json.dumps(counts, indent=2) + "\n")
