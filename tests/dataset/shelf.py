"""A dataset written straight through the store, without a plan or a session: quick, and real.

An amp of one tanh is captured at known settings, with noise of its own, as an analogue device has.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from functools import lru_cache

import numpy as np
import pyarrow as pa
from tanh_rig import DEVICE, KNOBS, tanh_amp

from dataset.checks import noise_floor
from dataset.schema import capture_schema, to_bytes
from dataset.signals import Dry
from rigs import clicks
from rigs.audio import SAMPLE_RATE, quantise24
from rigs.trajectory import Trajectory
from tests.dataset import kept_captures

SESSION, BEGAN = kept_captures.SESSION, kept_captures.BEGAN
NOON = {"Gain": 5.0, "Tone": 5.0, "Bright": 0.0}
FRAMES = SAMPLE_RATE // 2


def dry(name, seed, seconds=3.0, level=0.2):
    """Clicks, then bursts of noise with pauses too short for hum to be looked for in them."""
    rng = np.random.default_rng(seed)
    frames = round(seconds * SAMPLE_RATE)
    x = level * rng.standard_normal(frames) * (np.arange(frames) % 12_000 > 4_000)
    x[: clicks.FRAMES] = clicks.click_train()
    x[clicks.FRAMES : clicks.FRAMES + 5_000] = 0
    return Dry(name, "made", "CC0-1.0", quantise24(np.clip(x, -0.9, 0.9)))


TRAIN, TEST = dry("train", 1), dry("test", 2)


def capture(number, setting=NOON, role="train", source=TRAIN, offset=0, frames=FRAMES, **changes):
    """One capture as a session keeps it; ``wet`` may be given, and any field of Capture."""
    setting = {**NOON, **setting}
    way = Trajectory.still(KNOBS, setting)
    played = source.audio[offset : offset + frames]
    wet = changes.pop("wet", None)
    if wet is None:
        noise = np.random.default_rng(number).standard_normal(frames)
        wet = 0.5 * tanh_amp(played, way) + 1e-4 * noise
    usual = {
        "setting": setting,
        "reached": setting,
        "frames": frames,
        "latency": 100.25,
        "input_level_dbu": 12.5,
        "noise_floor_dbfs": noise_floor(wet),
        "started_at": BEGAN + timedelta(seconds=10 * number),
    }
    return kept_captures.kept(
        number, DEVICE, role, KNOBS, way, source, offset, wet, **{**usual, **changes}
    )


@lru_cache(maxsize=1)
def captures():
    """Ten: a sentinel, five train, one of them a sweep, one validation, two test, a sentinel."""
    settings = [{"Gain": g, "Tone": t} for g, t in ((1, 9), (3, 2), (7, 6), (9, 4))]
    made = [capture(0, role="sentinel", source=TEST)]
    made += [capture(1 + i, s, offset=i * FRAMES) for i, s in enumerate(settings)]
    way = np.array([[2, 3, 0], [8, 7, 0], [4, 9, 0]], np.float32)
    moving = Trajectory(way, 2.0)
    wet = 0.5 * tanh_amp(TRAIN.audio[4 * FRAMES : 5 * FRAMES], moving)
    noise = 1e-4 * np.random.default_rng(5).standard_normal(FRAMES)
    made.append(
        capture(
            5,
            dict(zip(KNOBS.names, map(float, way[0]), strict=True)),
            offset=4 * FRAMES,
            wet=wet + noise,
            trajectory=way.ravel().tolist(),
            trajectory_rate=2.0,
        )
    )
    made.append(capture(6, {"Gain": 2, "Bright": 1}, "validation", TEST, FRAMES))
    made.append(capture(7, {"Gain": 8, "Bright": 1}, "test", TEST, 2 * FRAMES))
    made.append(capture(8, {"Gain": 8.5}, "test", TEST, 2 * FRAMES))
    made.append(capture(9, role="sentinel", source=TEST))
    return tuple(made)


def write(folder, made=None):
    """Put the captures, and both dries, under a device's ``folder``; returns it."""
    made = captures() if made is None else made
    return kept_captures.put(folder, (TRAIN, TEST), made, KNOBS)


def write_together(folder, made):
    """The same in one part, as a compaction leaves them."""
    write(folder, [])
    rows = []
    for one in made:
        row = asdict(one)
        row["audio"] = {"bytes": row.pop("flac"), "path": f"{one.capture_id}.flac"}
        rows.append({**row, "flags": list(one.flags)})
    table = pa.Table.from_pylist(rows, schema=capture_schema(DEVICE, KNOBS))
    (folder / "captures/all.parquet").write_bytes(to_bytes(table))
    return folder
