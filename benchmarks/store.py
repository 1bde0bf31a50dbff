"""How fast the store writes, decodes and hands out windows.

    python benchmarks/store.py [MINUTES]

Speeds are in seconds of audio a second ("x"), then a second of processor time, which says what one
core reaches when others use the machine, too. Random windows come from the cache and, for
comparison, from plain float32 .npy files that hold the same audio. "FLAC alone" is libsndfile's
decoder, with nothing around it: what no reader of these files in Python can exceed.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import deque
from pathlib import Path

import numpy as np

from dataset.compact import compact
from dataset.flac import decode
from dataset.planning import PlanRecipe, make_plan
from dataset.session import capture
from dataset.store import Dataset
from dataset.store.cache import Cache, WindowSampler
from dataset.store.cells import read_cell
from rigs.actuators.parameters import Parameters
from rigs.audio import SAMPLE_RATE
from rigs.knobs import Knob, KnobTable
from rigs.rig import Options, Recording, Rig, SignalPath

FRAMES, LEAD, BATCH, BATCHES = 8192, 4096, 32, 60
KNOBS = KnobTable(tuple(Knob(name) for name in ("Gain", "Bass", "Middle", "Treble", "Master")))


class Gain(SignalPath):
    """A path that costs next to nothing."""

    knobs = KNOBS
    simulated = True

    def play(self, dry, motion, progress):
        return Recording(np.tanh((1 + motion.parameters.positions[0, 0]) * dry))


def timed(name, seconds: float, work):
    start, busy = time.perf_counter(), time.process_time()
    result = work()
    spent, busy = time.perf_counter() - start, time.process_time() - busy
    print(f"{name:<44}{spent:8.2f} s {seconds / spent:10.0f} x {seconds / busy:10.0f} x")
    return result


def drain_flac(data, total: float) -> None:
    held = [
        (read_cell(Path(row["part"]), int(row["part_row"]), "audio")["bytes"].as_py(), row)
        for row in data.rows()
    ]

    def work():
        for flac, row in held:
            decode(flac, int(row["frames"]), SAMPLE_RATE)

    timed("FLAC alone, one thread", total, work)


def main() -> None:
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    recipe = PlanRecipe.model_validate({"train": {"design": "sweep", "minutes": minutes}})
    plan, dries = make_plan(KNOBS, "benchmark", recipe)
    total = sum(entry.frames for entry in plan.entries) / SAMPLE_RATE
    rig = Rig(
        "benchmark",
        "benchmark",
        KNOBS,
        Parameters(Options(), Path()),
        Gain(Options(), Path()),
    )
    print(plan.describe())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        timed(
            "capture: play, check, encode, write", total, lambda: capture(rig, plan, dries, folder)
        )
        data = timed("open: all small columns", total, lambda: Dataset.open(folder))
        drain = deque(maxlen=0).extend
        timed("decode all wets, one thread", total, lambda: drain(data.decoded(threads=1)))
        timed("decode all wets, two threads", total, lambda: drain(data.decoded(threads=2)))
        timed("verify: decode, dries, trajectories", total, data.verify)
        drain_flac(data, total)
        done = timed("compact: merge all parts", total, lambda: compact(folder, everything=True))
        print(f"    {done.merged} parts in {len(done.files)} files")
        data = timed("open: all small columns, merged", total, lambda: Dataset.open(folder))
        timed("decode all wets, merged, two threads", total, lambda: drain(data.decoded()))
        cache = timed("cache: build", total, lambda: Cache.open(data))
        timed("cache: open again", total, lambda: Cache.open(data))
        train = data.select(["train"])
        cache = Cache.open(train)
        sampler = WindowSampler(cache, frames=FRAMES, lead=LEAD, batch=BATCH, seed=0)
        heard = BATCHES * BATCH * FRAMES / SAMPLE_RATE
        sampler.batch(BATCHES)  # once, so that both readers find their files in memory

        def windows():
            return [sampler.batch(number) for number in range(BATCHES)]

        timed(f"{BATCHES * BATCH} windows from the cache", heard, windows)
        for i, row in enumerate(train.rows()):
            np.save(folder / f"{i}-dry.npy", train.dry(row))
            np.save(folder / f"{i}-wet.npy", train.audio(row))
        played = train.captures["frames"].sum() / SAMPLE_RATE

        def whole():
            for i in range(len(train)):
                np.load(folder / f"{i}-wet.npy")

        timed("train wets from .npy, whole", played, whole)
        timed("train wets from the cache, whole", played, lambda: np.array(cache.wet))

        def plain(mode):
            for number in range(BATCHES):
                dry = np.zeros((BATCH, LEAD + FRAMES), np.float32)
                wet = np.empty((BATCH, FRAMES), np.float32)
                for b, (row, start) in enumerate(zip(*sampler.picks(number), strict=True)):
                    begin = max(0, start - LEAD)
                    x = np.load(folder / f"{row}-dry.npy", mmap_mode=mode)
                    dry[b, begin - start - FRAMES :] = x[begin : start + FRAMES]
                    y = np.load(folder / f"{row}-wet.npy", mmap_mode=mode)
                    wet[b] = y[start : start + FRAMES]

        timed("the same from .npy, mapped (no knobs)", heard, lambda: plain("r"))
        timed("the same from .npy, read whole (no knobs)", heard, lambda: plain(None))


if __name__ == "__main__":
    main()
