"""A dataset of very many short captures: how long it takes to open, select from and merge.

    python benchmarks/scale.py [CAPTURES [FOLDER]]

The captures are a twentieth of a second of noise each, made without a rig; :func:`make_many` makes
them for other measurements and tests, too.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from dataset.compact import compact
from dataset.flac import encode
from dataset.parts import Capture, captures_folder, write_dry
from dataset.schema import capture_schema, to_bytes
from dataset.signals import Dry
from dataset.store import Dataset
from dataset.store.selection import Selection
from rigs.audio import from_int24
from rigs.knobs import Knob, KnobTable

DEVICE = "many"
KNOBS = KnobTable(
    tuple(Knob(name) for name in ("Gain", "Bass", "Middle", "Treble", "Master", "Presence"))
)
ROLES = ("train",) * 8 + ("validation", "test")
START = datetime(2026, 1, 1, tzinfo=UTC)


def make_many(folder: Path, captures: int, *, seconds: float = 0.05, seed: int = 0) -> None:
    """Put ``captures`` captures under a device's ``folder``, one part each, not flushed to disk.

    Settings are random, a tenth validates and a tenth tests, every hundredth is flagged. A few
    wets are shared by all, for it is their number that counts.
    """
    rng = np.random.default_rng(seed)
    frames = round(seconds * 48_000)
    noise = rng.integers(-(1 << 20), 1 << 20, (8, frames)).astype(np.int32)
    wets = [encode(steps) for steps in noise]
    dry = Dry("noise", "made", "CC0-1.0", from_int24(noise[0]))
    write_dry(folder, dry)
    home = captures_folder(folder)
    home.mkdir(parents=True, exist_ok=True)
    settings = rng.uniform(0, 10, (captures, len(KNOBS))).astype(np.float32)
    schema = capture_schema(DEVICE, KNOBS)
    first = Capture(
        capture_id="",
        plan_id="many",
        plan_index=0,
        attempt=1,
        session_id="20260101T000000Z-0000",
        device=DEVICE,
        rig="many",
        role="train",
        setting={},
        reached={},
        trajectory=None,
        trajectory_rate=None,
        dry_id=dry.dry_id,
        dry_offset=0,
        flac=b"",
        wet_scale=1.0,
        frames=frames,
        latency=0.0,
        input_level_dbu=None,
        output_level_dbu=None,
        peak_dbfs=-18.0,
        rms_dbfs=-23.0,
        noise_floor_dbfs=-23.0,
        clipped=0,
        flags=(),
        started_at=START,
        software="benchmark",
    )
    for index in range(captures):
        capture = replace(
            first,
            capture_id=f"{first.session_id}-{index:06d}",
            plan_index=index,
            role=ROLES[index % len(ROLES)],
            setting=KNOBS.to_setting(settings[index]),
            flags=("hum",) if index % 100 == 99 else (),
            started_at=START + index * timedelta(seconds=seconds),
        )
        row = {name: value for name, value in vars(capture).items() if name != "flac"}
        row["audio"] = {"bytes": wets[index % len(wets)], "path": f"{capture.capture_id}.flac"}
        path = home / f"{capture.capture_id}.parquet"
        path.write_bytes(to_bytes(pa.Table.from_pylist([row], schema=schema)))


def timed(name, work):
    start = time.perf_counter()
    result = work()
    print(f"{name:<52}{time.perf_counter() - start:8.2f} s", flush=True)
    return result


def look(folder: Path, how: str) -> Dataset:
    data = timed(f"open{how}", lambda: Dataset.open(folder))
    narrow = {"Gain": (2, 4)}
    timed("select a role and a range of Gain", lambda: data.select(["train"], knobs=narrow))
    timed("all settings as an array", data.settings)
    return data


def main() -> None:
    captures = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(name) / DEVICE
        timed(f"make {captures} captures", lambda: make_many(folder, captures))
        look(folder, " as parts of one capture, the first time")
        look(folder, " again, with what was noted of them")
        done = timed("compact --all", lambda: compact(folder, everything=True))
        print(f"{done.merged} parts in {len(done.files)} files")
        data = look(folder, " as merged")
        narrow = Selection(["train"], {"Gain": (2.0, 2.1)})
        timed("open only a narrow range of Gain", lambda: Dataset.open(folder, only=narrow))
        total = data.captures["frames"].sum() / 48_000
        start = time.perf_counter()
        for _ in data.decoded():
            pass
        spent = time.perf_counter() - start
        print(
            f"decode all: {spent:.2f} s, {len(data) / spent:.0f} captures/s, {total / spent:.0f} x"
        )


if __name__ == "__main__":
    main()
