"""The index that a session keeps up to date while it appends."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tanh_rig import KNOBS, tanh_rig

from dataset.offline import recheck
from dataset.plan import Plan
from dataset.schema import to_bytes
from dataset.session import capture, held_indices
from dataset.store import Dataset, index, ledger, scan
from dataset.store.rows import part_paths
from rigs.errors import UserError

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _few_are_many(monkeypatch):
    for module in (scan, ledger):
        monkeypatch.setattr(module, "FROM", 4)
    monkeypatch.setattr(scan, "WORTH_NOTING", 1)
    monkeypatch.setattr(ledger, "EVERY", 5)


def opened(folder, monkeypatch, look=lambda folder: Dataset.open(folder).captures):
    """What ``look`` sees, and the names of the parts that had to be opened for it."""
    read, original = [], scan.open_parquet

    def noting(path):
        read.append(path.name)
        return original(path)

    with monkeypatch.context() as patch:
        patch.setattr(scan, "open_parquet", noting)
        return look(folder), sorted(read)


def cold(folder):
    """The captures as the parts themselves have them."""
    shutil.rmtree(folder / "cache", ignore_errors=True)
    return Dataset.open(folder).captures


def test_after_a_session_no_part_is_opened(planned, tmp_path, monkeypatch):
    capture(tanh_rig(), *planned, tmp_path)
    captures, read = opened(tmp_path, monkeypatch)
    assert read == []
    pd.testing.assert_frame_equal(captures, cold(tmp_path))


def test_a_session_adds_to_what_was_noted_before(planned, tmp_path, monkeypatch):
    plan, dries = planned
    first = Plan(plan.device, plan.knobs, plan.entries[:11], plan.seed)
    whole = Plan(plan.device, plan.knobs, plan.entries, plan.seed, extends=(11,))
    capture(tanh_rig(), first, dries, tmp_path)
    summary = capture(tanh_rig(), whole, dries, tmp_path)
    assert (summary.held, summary.captured) == (11, 8)
    captures, read = opened(tmp_path, monkeypatch)
    assert read == []
    pd.testing.assert_frame_equal(captures, cold(tmp_path))


def test_of_few_parts_nothing_is_noted(planned, tmp_path, monkeypatch):
    monkeypatch.setattr(ledger, "FROM", 20)
    monkeypatch.setattr(scan, "FROM", 20)
    capture(tanh_rig(), *planned, tmp_path)
    assert not index.index_path(tmp_path).exists()


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path[:0] = sys.argv[2:]
from tanh_rig import DEVICE, KNOBS, recipe, tanh_rig
from dataset.planning import make_plan
from dataset.session import Kept, capture
from dataset.store import ledger
ledger.FROM, ledger.EVERY = 4, 5
kept = []

def listen(event):
    kept.append(isinstance(event, Kept))
    if sum(kept) == 13:
        os.kill(os.getpid(), signal.SIGKILL)

capture(tanh_rig(), *make_plan(KNOBS, DEVICE, recipe()), Path(sys.argv[1]), listen)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL on Windows")
def test_what_a_killed_session_did_not_note_is_read(planned, tmp_path, monkeypatch):
    arguments = [str(tmp_path), str(ROOT), str(Path(__file__).parent)]
    done = subprocess.run([sys.executable, "-c", KILLED, *arguments], check=False)
    assert done.returncode == -signal.SIGKILL
    written = [path.name for path in part_paths(tmp_path)]
    assert len(written) >= 13, "a capture that is told of is on disk"
    noted = pq.read_table(index.index_path(tmp_path))["part"].to_pylist()
    assert sorted(noted) == written[:10], "five at a time"
    captures, read = opened(tmp_path, monkeypatch)
    assert read == written[10:], "what is missing, and nothing else"
    assert opened(tmp_path, monkeypatch)[1] == [], "it was noted"
    pd.testing.assert_frame_equal(captures, cold(tmp_path))
    capture(tanh_rig(), *planned, tmp_path)
    assert held_indices(tmp_path, planned[0]) == set(range(19))


def test_an_index_of_other_files_is_passed_over(planned, tmp_path, monkeypatch):
    """The same folder copied, as from a backup: names and sizes are the same, times are not."""
    capture(tanh_rig(), *planned, tmp_path / "one")
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    for path in part_paths(tmp_path / "two"):
        os.utime(path, ns=(1, 1))
    captures, read = opened(tmp_path / "two", monkeypatch)
    assert len(read) == 19
    pd.testing.assert_frame_equal(captures, cold(tmp_path / "two"))
    assert KNOBS.names[0] in captures["setting"][0]


def test_every_flipped_bit_of_the_index_is_noticed_or_does_no_harm(planned, tmp_path):
    capture(tanh_rig(), *planned, tmp_path)
    path = index.index_path(tmp_path)
    whole, truth = path.read_bytes(), cold(tmp_path)
    for place in range(0, len(whole), len(whole) // 150):
        harmed = bytearray(whole)
        harmed[place] ^= 1 << place % 8
        path.write_bytes(harmed)
        pd.testing.assert_frame_equal(Dataset.open(tmp_path).captures, truth)


def test_an_index_that_cannot_be_written_ends_no_session(planned, tmp_path, monkeypatch):
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert capture(tanh_rig(), *planned, tmp_path).captured == 19
    assert len(Dataset.open(tmp_path)) == 19


def test_a_part_that_is_cut_after_it_was_noted_is_found(planned, tmp_path):
    capture(tanh_rig(), *planned, tmp_path)
    path = part_paths(tmp_path)[7]
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(UserError, match=f"{path.name} is damaged"):
        Dataset.open(tmp_path)


def checked(folder, monkeypatch):
    """What is wrong with the dataset, and the parts that had to be opened to know it."""
    report, read = opened(folder, monkeypatch, lambda folder: recheck(folder, listen=False))
    return [(finding.what, finding.where) for finding in report.faults], read


def test_what_nobody_has_touched_is_checked_by_its_digest(planned, tmp_path, monkeypatch):
    capture(tanh_rig(), *planned, tmp_path)
    assert checked(tmp_path, monkeypatch) == ([], [])
    shutil.rmtree(tmp_path / "cache")
    assert len(checked(tmp_path, monkeypatch)[1]) == 19


def test_a_copy_with_other_times_is_what_was_written(planned, tmp_path, monkeypatch):
    capture(tanh_rig(), *planned, tmp_path)
    for path in part_paths(tmp_path):
        os.utime(path, ns=(1, 1))
    faults, read = checked(tmp_path, monkeypatch)
    assert (faults, len(read)) == ([], 19)


def test_a_flipped_bit_is_found_where_size_and_time_tell_nothing(planned, tmp_path, monkeypatch):
    capture(tanh_rig(), *planned, tmp_path)
    path = part_paths(tmp_path)[7]
    stat, harmed = path.stat(), bytearray(path.read_bytes())
    harmed[harmed.index(b"fLaC")] ^= 1
    path.write_bytes(harmed)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert checked(tmp_path, monkeypatch) == ([("edited", path.name)], [path.name])


def test_an_edit_that_fits_in_every_way_is_found(planned, tmp_path, monkeypatch):
    capture(tanh_rig(), *planned, tmp_path)
    one, *_, another = sorted((tmp_path / "captures").iterdir())
    whole = shutil.copytree(tmp_path, tmp_path.with_name("whole"))
    table = pq.read_table(one)
    level = table.schema.get_field_index("input_level_dbu")
    told = table.set_column(level, table.schema.field(level), pa.array([3.0], pa.float32()))
    one.write_bytes(to_bytes(told))
    assert checked(tmp_path, monkeypatch) == ([("edited", one.name)], [one.name])
    another.unlink()
    assert checked(tmp_path, monkeypatch)[1] == [one.name]
    assert checked(whole, monkeypatch) == ([], []), "a copy with its times is as the first"


def test_a_part_that_was_written_again_is_read(planned, tmp_path, monkeypatch):
    capture(tanh_rig(), *planned, tmp_path)
    path = part_paths(tmp_path)[7]
    table = pq.read_table(path)
    pq.write_table(table, path)
    assert checked(tmp_path, monkeypatch) == ([("rewritten", path.name)], [path.name])


def test_readers_pass_on_what_a_session_noted(planned, tmp_path, monkeypatch):
    capture(tanh_rig(), *planned, tmp_path)
    same, edited = part_paths(tmp_path)[7:9]
    os.utime(same, ns=(1, 1))
    harmed = bytearray(edited.read_bytes())
    harmed[harmed.index(b"fLaC")] ^= 1
    edited.write_bytes(harmed)
    assert opened(tmp_path, monkeypatch)[1] == [same.name, edited.name]
    assert opened(tmp_path, monkeypatch)[1] == [], "it was noted"
    assert checked(tmp_path, monkeypatch) == ([("edited", edited.name)], [edited.name])


def test_what_only_readers_have_noted_is_read(planned, tmp_path, monkeypatch):
    capture(tanh_rig(), *planned, tmp_path)
    cold(tmp_path)
    assert index.index_path(tmp_path).exists()
    assert len(checked(tmp_path, monkeypatch)[1]) == 19


def test_what_is_captured_anew_was_not_edited(planned, tmp_path, monkeypatch):
    """Another version of a simulation writes other bytes under the same names."""
    capture(tanh_rig(), *planned, tmp_path)
    again = part_paths(tmp_path)[7]
    table = pq.read_table(again)
    level = table.schema.get_field_index("input_level_dbu")
    told = table.set_column(level, table.schema.field(level), pa.array([3.0], pa.float32()))
    again.write_bytes(to_bytes(told))
    monkeypatch.setattr(ledger, "FROM", 99)  # this writer notes nothing of its own
    header = scan.read_header(again, scan.open_parquet(again))
    with ledger.Ledger(tmp_path, header.device, header.knobs) as writer:
        writer.add(again, told)
    faults, read = checked(tmp_path, monkeypatch)
    assert (faults, len(read)) == ([], 19)
