"""A dataset of very many short captures: how long it takes to open, check, plan around and merge.

    python benchmarks/scale.py [CAPTURES [FOLDER]]

The captures are a tenth of a second of made playing each, through a tanh whose drive is Gain, and
are written as a session writes them: a part each, noted in its ledger. Then the ledger is lost, as
that of a dataset that was pulled is. :func:`make_many` makes captures for other measurements and
tests, too.
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

from dataset import signals
from dataset.compact import compact
from dataset.flac import encode
from dataset.offline.run import recheck
from dataset.parts import Capture, captures_folder, write_dry
from dataset.plan import Plan, PlanEntry
from dataset.planning import extend_plan
from dataset.recipe import More, PlanRecipe
from dataset.schema import capture_schema, to_bytes
from dataset.store import Dataset
from dataset.store.index import index_path
from dataset.store.ledger import Ledger
from dataset.store.selection import Selection
from rigs.audio import peak_dbfs, rms_dbfs, to_int24
from rigs.knobs import Knob, KnobTable
from rigs.trajectory import Trajectory

DEVICE = "many"
KNOBS = KnobTable(
    tuple(Knob(name) for name in ("Gain", "Bass", "Middle", "Treble", "Master", "Presence"))
)
ROLES = ("train",) * 8 + ("validation", "test")
START = datetime(2026, 1, 1, tzinfo=UTC)


def make_many(folder: Path, captures: int, *, seconds: float = 0.1, seed: int = 0) -> None:
    """Put ``captures`` captures under a device's ``folder``, one part each, not flushed to disk.

    Settings are random, a tenth validates and a tenth tests, every hundredth is excluded by its
    flag. All play the same minute at most, slice after slice.
    """
    rng = np.random.default_rng(seed)
    frames = round(seconds * 48_000)
    dry = signals.make("train", min(60.0, captures * seconds), seed)
    write_dry(folder, dry)
    places = dry.frames // frames
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
        noise_floor_dbfs=-90.0,
        clipped=0,
        flags=(),
        started_at=START,
        software="benchmark",
    )
    with Ledger(folder, DEVICE, KNOBS) as ledger:
        for index in range(captures):
            at = index % places * frames
            wet = 0.5 * np.tanh((1 + settings[index, 0]) * dry.audio[at : at + frames])
            capture = replace(
                first,
                capture_id=f"{first.session_id}-{index:06d}",
                plan_index=index,
                role=ROLES[index % len(ROLES)],
                setting=KNOBS.to_setting(settings[index]),
                reached=KNOBS.to_setting(settings[index]),
                dry_offset=at,
                flags=("hum",) if index % 100 == 99 else (),
                peak_dbfs=peak_dbfs(wet),
                rms_dbfs=rms_dbfs(wet),
                started_at=START + index * timedelta(seconds=seconds),
            )
            row = {name: value for name, value in vars(capture).items() if name != "flac"}
            flac = encode(to_int24(wet))
            row["audio"] = {"bytes": flac, "path": f"{capture.capture_id}.flac"}
            path, table = (
                home / f"{capture.capture_id}.parquet",
                pa.Table.from_pylist([row], schema),
            )
            path.write_bytes(to_bytes(table))
            ledger.add(path, table)


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


def plan_around(data: Dataset, more: int) -> None:
    """Extend a plan that has every capture of ``data`` by so many settings."""
    still = [Trajectory(position[None]) for position in data.settings()]
    rows = zip(data.rows(), still, strict=True)
    entries = tuple(
        PlanEntry(i, row["role"], way, row["dry_id"], int(row["dry_offset"]), int(row["frames"]))
        for i, (row, way) in enumerate(rows)
    )
    recipe = PlanRecipe.model_validate({"train": {"design": "sobol", "settings": 1, "seconds": 1}})
    plan = timed("a plan of all of them", lambda: Plan(data.device, data.knobs, entries))
    timed(f"extend it by {more}", lambda: extend_plan(plan, [], recipe, More(settings=more)))


def main() -> None:
    captures = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(name) / DEVICE
        timed(f"make {captures} captures", lambda: make_many(folder, captures))
        data = look(folder, " what a session has left")
        plan_around(data, 100)
        timed("check, rows and dries", lambda: recheck(folder, listen=False))
        report = timed("check, every capture's audio too", lambda: recheck(folder))
        print(f"{len(report.findings)} findings")
        index_path(folder).unlink()
        look(folder, " without what a session notes of its parts")
        done = timed("compact --all", lambda: compact(folder, everything=True))
        print(f"{done.merged} parts in {len(done.files)} files")
        data = look(folder, " as merged")
        timed("check, rows and dries, as merged", lambda: recheck(folder, listen=False))
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
