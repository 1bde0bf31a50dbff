"""Reading what thousands of sessions, older versions and strangers left."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tanh_rig import KNOBS
from test_store import rewrite, with_column, with_metadata

from dataset import migrations
from dataset.compact import compact
from dataset.parts import dry_path
from dataset.schema import VERSION_KEY
from dataset.store import Dataset, index
from dataset.store.selection import Selection
from rigs.errors import UserError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def indexed(captured, monkeypatch):
    monkeypatch.setattr("dataset.store.scan.FROM", 4)
    monkeypatch.setattr("dataset.store.scan.WORTH_NOTING", 4)
    Dataset.open(captured)
    assert index.index_path(captured).exists()
    return captured


def opened(folder, monkeypatch):
    """The dataset, and the names of the parts that were read for it."""
    import dataset.store.scan

    read, original = [], dataset.store.scan.open_parquet

    def noting(path):
        read.append(path.name)
        return original(path)

    with monkeypatch.context() as patch:
        patch.setattr("dataset.store.scan.open_parquet", noting)
        return Dataset.open(folder), read


def test_many_parts_are_read_once(indexed, parts, monkeypatch):
    again, read = opened(indexed, monkeypatch)
    assert read == []
    index.index_path(indexed).unlink()
    whole, read = opened(indexed, monkeypatch)
    assert len(read) == 19
    pd.testing.assert_frame_equal(again.captures, whole.captures)
    again.verify()


def test_what_changed_since_is_read_again(indexed, parts, monkeypatch):
    rewrite(parts[3], lambda t: t.set_column(0, t.schema.field(0), pa.array(["new-name"])))
    parts[5].unlink()
    data, read = opened(indexed, monkeypatch)
    assert read == [parts[3].name]
    names = data.captures["capture_id"].tolist()
    assert "new-name" in names
    assert len(names) == 18
    data.verify()


@pytest.mark.parametrize("harm", ["damage", "another device", "stranger's", "bad rows"])
def test_an_index_that_is_of_no_use_is_passed_over(indexed, parts, harm):
    path = index.index_path(indexed)
    if harm == "damage":
        path.write_bytes(path.read_bytes()[:-100])
    elif harm == "another device":
        rewrite(path, with_metadata(device=b"other"))
    elif harm == "stranger's":
        pq.write_table(pa.table({"a": [1]}), path)
    else:
        rewrite(path, lambda t: t.drop_columns("part_time"))
    data = Dataset.open(indexed)
    assert len(data) == 19
    data.verify()


def test_an_older_version_is_brought_up_as_it_is_read(captured, parts, monkeypatch):
    """Version 0, planted: the wet's scale was in dB, and roles had another name."""
    before = Dataset.open(captured)
    audio = [before.audio(row) for row in before.rows()]

    def aged(table):
        scale = pa.array(20 * np.log10(table["wet_scale"].to_numpy()), pa.float32())
        at = table.schema.get_field_index("wet_scale")
        table = table.set_column(at, "wet_gain_db", scale)
        names = ["purpose" if name == "role" else name for name in table.column_names]
        aged = table.rename_columns(names).replace_schema_metadata(table.schema.metadata)
        return with_metadata(version=b"0")(aged)

    def step(table):
        if "dry_id" in table.column_names and "name" in table.column_names:
            return table  # dries were the same
        scale = pa.array(10 ** (table["wet_gain_db"].to_numpy() / 20), pa.float32())
        at = table.schema.get_field_index("wet_gain_db")
        table = table.set_column(at, "wet_scale", scale)
        return table.rename_columns(
            ["role" if name == "purpose" else name for name in table.column_names]
        )

    for path in parts[::2]:
        rewrite(path, aged)
    rewrite(dry_path(captured, before.captures["dry_id"][0]), with_metadata(version=b"0"))
    with pytest.raises(UserError, match="schema version 0, but this ampsweep reads version 1"):
        Dataset.open(captured)
    monkeypatch.setitem(migrations.STEPS, 0, step)
    after = Dataset.open(captured)
    pd.testing.assert_frame_equal(after.captures, before.captures)
    after.verify()
    for one, other in zip(audio, after.decoded(), strict=True):
        assert np.allclose(one, other, atol=1e-6)
    done = compact(captured, everything=True)
    assert (done.merged, done.left) == (9, 10), "what is of an older version stays as it is"
    assert pq.read_metadata(parts[0]).metadata[VERSION_KEY] == b"0"
    rewrite(parts[0], lambda t: t.drop_columns("purpose"))
    with pytest.raises(UserError, match="no column 'role'"):
        Dataset.open(captured)


def run_small(script, folder, megabytes, before=""):
    """Run ``script`` with ``folder``, and no more than so many megabytes on top of what it has
    after ``before``: threads' stacks count, too."""
    limited = f"""
import resource, sys
import numpy as np, pandas, pyarrow as pa, pyarrow.parquet as pq
from dataset.store.cache import Cache, WindowSampler
from dataset.store import Dataset
from rigs.errors import UserError
folder = sys.argv[1]
{before}
used = int(next(l for l in open("/proc/self/status") if l.startswith("VmData")).split()[1]) << 10
resource.setrlimit(resource.RLIMIT_DATA, (used + ({megabytes} << 20),) * 2)
{script}
"""
    return subprocess.run(
        [sys.executable, "-c", limited, str(folder)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "ARROW_DEFAULT_MEMORY_POOL": "system"},
        capture_output=True,
        text=True,
        check=False,
    )


def flags_of(values):
    return lambda t: t.set_column(
        t.schema.get_field_index("flags"),
        t.schema.field("flags"),
        pa.ListArray.from_arrays([0, len(values)], values),
    )


def trajectory_of(values):
    return lambda t: t.set_column(
        t.schema.get_field_index("trajectory"),
        t.schema.field("trajectory"),
        pa.ListArray.from_arrays([0, len(values)], values),
    )


def test_a_few_bytes_that_say_they_are_many_values_are_refused(captured, parts, monkeypatch):
    monkeypatch.setattr("dataset.bounded.MOST_VALUES", 100_000)
    whole = parts[1].read_bytes()
    rewrite(parts[1], flags_of(pa.nulls(1_000_000, pa.string())))
    assert parts[1].stat().st_size < 1_000_000
    with pytest.raises(UserError, match=f"{parts[1].name} .* claims to hold 1000000 values"):
        Dataset.open(captured)
    parts[1].write_bytes(whole)
    rewrite(parts[1], trajectory_of(pa.array(np.zeros(1_000_000, np.float32))))
    data = Dataset.open(captured)
    with pytest.raises(UserError, match="claims to hold 1000000 values"):
        data.trajectory(1)


def test_what_swells_or_claims_too_much_is_refused(captured, parts, monkeypatch):
    whole = parts[1].read_bytes()
    pq.write_table(with_column("software", ["x" * 9_000_000])(pq.read_table(parts[1])), parts[1],
                   compression="zstd")  # fmt: skip
    assert parts[1].stat().st_size < 1_000_000
    with pytest.raises(UserError, match="compressed with ZSTD; write it uncompressed"):
        Dataset.open(captured)
    parts[1].write_bytes(whole)
    rewrite(parts[1], with_column("software", ["x" * 9_000_000]))
    monkeypatch.setattr("dataset.bounded.MOST_BYTES", 1_000_000)
    with pytest.raises(UserError, match="claims to hold more than a reader can take"):
        Dataset.open(captured)


REFUSED = """
import dataset.bounded
dataset.bounded.MOST_BYTES = 100 << 20
try:
    Dataset.open(folder)
except UserError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits on Windows")
def test_one_value_in_a_dictionary_does_not_unfold_without_end(captured, parts):
    """Two megabytes on disk, and 600 if they were unfolded, where there is room for 300."""
    table = with_column("software", ["x" * 200_000])(pq.read_table(parts[1]))
    table = with_column("audio", [None])(table)
    many = pa.concat_tables([table] * 3000)
    pq.write_table(many, parts[1], dictionary_pagesize_limit=1 << 24, row_group_size=3000)
    assert parts[1].stat().st_size < 2_000_000
    done = run_small(REFUSED, captured, 300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert f"{parts[1].name} is damaged" in done.stdout
    assert "unfolds to more than a reader can take" in done.stdout


def test_types_within_types_are_refused(captured, parts):
    kind = pa.int32()
    for _ in range(400):
        kind = pa.struct([("a", kind)])
    for name in ("flags", "setting", "mood"):
        column = pa.nulls(1, kind)
        table = pq.read_table(parts[1])
        if name in table.column_names:
            table = table.drop_columns(name)
        pq.write_table(table.append_column(name, column), parts[1].with_name("deep.parquet"))
        with pytest.raises(UserError, match=r"deep\.parquet"):
            Dataset.open(captured)


def test_a_truncated_newest_part_is_named_and_the_rest_goes_on(captured, parts, planned):
    from tanh_rig import tanh_rig

    from dataset.session import capture

    whole = parts[-1].read_bytes()
    for length in (0, 3, 100, len(whole) // 2, len(whole) - 1):
        parts[-1].write_bytes(whole[:length])
        with pytest.raises(UserError, match=f"{parts[-1].name} is damaged or not Parquet"):
            Dataset.open(captured)
    parts[-1].unlink()  # as the message says
    capture(tanh_rig(), *planned, captured)
    assert parts[-1].read_bytes() == whole


def test_selections_are_by_range_role_and_flag(captured):
    data = Dataset.open(captured)
    gains = data.settings()[:, 0]
    found = data.select(["train"], knobs={"gain": (2, 7.5)})
    wanted = data.captures["role"].eq("train") & (gains >= 2) & (gains <= 7.5)
    assert found.captures["capture_id"].tolist() == data.captures["capture_id"][wanted].tolist()
    at = float(gains[3])
    assert len(data.select(knobs={"Gain": (at, at)})) >= 1, "an end belongs to its range"
    with pytest.raises(UserError, match="no knob 'Volume'"):
        data.select(knobs={"Volume": (0, 1)})
    with pytest.raises(UserError, match="swap the two"):
        Selection(knobs={"Gain": (2, 1)})
    assert KNOBS.names[0] == "Gain"


LARGER = """
data = Dataset.open(folder)
cache = Cache.open(data)
size = cache.wet.nbytes
assert size > limit << 20, size
sampler = WindowSampler(cache, frames=4096, lead=1024, batch=16, seed=0)
heard = sum(abs(sampler.batch(number)[1]).sum() for number in range(50))
assert heard > 0
try:
    everything = np.array(cache.wet)
except MemoryError:
    print("larger than memory")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits on Windows")
def test_a_dataset_larger_than_memory_trains(tmp_path):
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        from scale import make_many
    finally:
        sys.path.pop(0)
    make_many(tmp_path / "many", 40, seconds=20)
    done = run_small(
        "limit = 130\n" + LARGER, tmp_path / "many", 130, "Dataset.open(folder).audio(0)"
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip() == "larger than memory"
