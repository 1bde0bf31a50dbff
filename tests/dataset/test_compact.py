import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from tanh_rig import tanh_rig
from test_store import rewrite, with_column

import dataset.store.scan
from dataset.compact import compact
from dataset.session import capture
from dataset.store import Dataset
from dataset.store.cache import Cache
from dataset.store.identity import digests_in
from dataset.store.rows import part_paths
from dataset.store.selection import Selection
from rigs.errors import UserError
from rigs.files import only_one

HERE = Path(__file__).parent
SMALL = {"large": 200_000, "target": 400_000}
"""Bytes: the parts of these tests hold some 50 to 100 thousand each."""


def everything(folder):
    """The rows and their audio's hashes, whatever the parts they lie in."""
    return dict(pair for path in part_paths(folder) for pair in digests_in(path))


def test_merging_changes_no_sample_and_no_column(captured, parts):
    before, sizes = everything(captured), [path.stat().st_size for path in parts]
    data = Dataset.open(captured)
    wets = [data.audio(row) for row in data.rows()]
    done = compact(captured, **SMALL)
    assert done.merged + done.left == 19
    assert len(done.files) >= 2
    for path in done.files:
        assert 200_000 <= path.stat().st_size <= 410_000
    assert part_paths(captured) == sorted([*done.files, *(p for p in parts if p.exists())])
    assert sum(path.stat().st_size for path in part_paths(captured)) < sum(sizes)
    assert everything(captured) == before
    after = Dataset.open(captured)
    places = ["part", "part_row"]
    pd.testing.assert_frame_equal(
        after.captures.drop(columns=places), data.captures.drop(columns=places)
    )
    for wet, again, row in zip(wets, after.decoded(), after.rows(), strict=True):
        assert (wet == again).all()
        assert (after.trajectory(row).positions == data.trajectory(row.name).positions).all()
        assert (data.audio(row.name) == wet).all(), "who opened it before still finds it"
    after.verify()
    cache = Cache.open(after)
    assert (cache.window(4, 0, len(wets[4])).wet == wets[4]).all()


def test_a_large_file_and_what_is_too_little_for_one_are_left(captured, parts):
    first = compact(captured, **SMALL)
    looks = {path: path.stat().st_mtime_ns for path in part_paths(captured)}
    again = compact(captured, **SMALL)
    assert (again.merged, again.files, again.left) == (0, (), first.left)
    assert {path: path.stat().st_mtime_ns for path in part_paths(captured)} == looks
    assert compact(captured).left == len(looks), "all of them are small by the usual measure"
    last = compact(captured, everything=True)
    assert (last.merged, len(last.files), last.left) == (len(looks), 1, 0)
    assert len(Dataset.open(captured)) == 19


def test_a_simulated_rig_captures_nothing_again(captured, planned):
    compact(captured, everything=True, **SMALL)
    names = [path.name for path in part_paths(captured)]
    summary = capture(tanh_rig(), *planned, captured)
    assert (summary.captured, summary.held) == (0, 19)
    assert [path.name for path in part_paths(captured)] == names


def test_what_is_missing_is_captured_beside_what_was_merged(captured, planned, parts):
    before = everything(captured)
    parts[3].unlink()
    parts[7].unlink()
    compact(captured, everything=True, **SMALL)
    summary = capture(tanh_rig(), *planned, captured)
    assert summary.captured == 2
    assert everything(captured) == before


def test_no_compaction_while_a_session_runs(captured, parts):
    with (
        only_one(captured / "captures", wait=False),
        pytest.raises(UserError, match="Another session is capturing"),
    ):
        compact(captured, everything=True)
    assert all(path.exists() for path in parts)
    with pytest.raises(UserError, match="no captures"):
        compact(captured / "elsewhere")


def test_damaged_and_foreign_parts_are_not_merged(captured, parts):
    before = [path.read_bytes() for path in parts]
    harmed = bytearray(before[5])
    harmed[len(harmed) // 2] ^= 1
    parts[5].write_bytes(harmed)
    with pytest.raises(UserError, match=f"{parts[5].name} is damaged"):
        compact(captured, everything=True)
    parts[5].write_bytes(before[5])
    assert [path.read_bytes() for path in parts] == before
    # With a column of its own, a part has a schema of its own.
    rewrite(parts[2], lambda t: t.append_column("mood", [["happy"] * len(t)]))
    done = compact(captured, everything=True)
    assert (done.merged, done.left) == (18, 1)
    assert parts[2].exists()


def test_a_full_disk_costs_nothing(captured, parts, monkeypatch):
    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dataset.compact.os.fsync", full)
    with pytest.raises(UserError, match="could not be written \\(No space left on device\\)"):
        compact(captured, everything=True)
    monkeypatch.undo()
    assert sorted((captured / "captures").iterdir()) == parts
    Dataset.open(captured).verify()


def test_killed_at_any_moment_every_capture_is_found_once(captured):
    before = everything(captured)
    ours = Dataset.open(captured).captures["capture_id"].tolist()
    # A flush, the rename, a flush of the folder, the temporary name's removal, 19 parts, a flush.
    steps = [0, 1, 2, 3, 4, 5, 6, 14, 22, 23]
    command = [sys.executable, str(HERE / "compact_server.py"), str(captured), *map(str, steps)]
    path = os.pathsep.join([str(HERE), str(HERE.parents[1])])
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == [19, 19, 38, 38, 38, 37, 36, 28, 20, 19]
    for step in steps:
        folder = captured.with_name(f"{captured.name}-{step}")
        data = Dataset.open(folder)
        assert data.captures["capture_id"].tolist() == ours
        compact(folder, everything=True)
        (path,) = (captured.parent / folder.name / "captures").iterdir()
        assert everything(folder) == before
        assert len(pq.read_table(path, columns=["capture_id"])) == 19
        shutil.rmtree(folder)


def test_copies_of_a_part_are_one_capture_and_the_surplus_goes(captured, parts):
    shutil.copy(parts[0], captured / "captures/copy.parquet")
    assert len(Dataset.open(captured)) == 19
    compact(captured)
    assert len(part_paths(captured)) == 19
    shutil.copy(parts[0], captured / "captures/copy.parquet")
    rewrite(captured / "captures/copy.parquet", with_column("clipped", [7]))
    with pytest.raises(UserError, match="Two captures have the name"):
        Dataset.open(captured)
    with pytest.raises(UserError, match="in two parts"):
        compact(captured, everything=True)
    assert len(part_paths(captured)) == 20


def test_only_row_groups_that_may_hold_wanted_captures_are_read(captured, monkeypatch):
    monkeypatch.setattr("dataset.compact.GROUP", 150_000)
    compact(captured, everything=True)
    read = []
    original = dataset.store.scan.read_unvalidated

    def noting(path, file, version, columns, groups):
        read.append((len(groups), file.metadata.num_row_groups))
        return original(path, file, version, columns, groups)

    whole = Dataset.open(captured)
    gains = whole.settings()[:, 0]
    monkeypatch.setattr("dataset.store.scan.read_unvalidated", noting)
    tight = Dataset.open(captured, only=Selection(knobs={"gain": (9.9, 10)}, roles=["train"]))
    assert read[0][0] < read[0][1], "some row groups hold no such capture"
    wanted = whole.captures["role"].eq("train") & (gains >= np.float32(9.9))
    assert tight.captures["capture_id"].tolist() == whole.captures["capture_id"][wanted].tolist()
    for row in tight.rows():
        assert (tight.audio(row) == whole.audio(int(row["part_row"]))).all()
