"""Parquet whose own words are lies: nothing crashes, memory is bounded, and the part is named."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import shelf
from forged import mutations
from test_store import rewrite, with_column

from dataset import layout
from dataset.layout import check_pages, read_layout
from dataset.store import Dataset
from dataset.thrift import read_struct
from rigs.errors import UserError

HERE = Path(__file__).parent
SWEEP = 5


@pytest.fixture
def folder(tmp_path):
    return shelf.write(tmp_path / "tanh-amp", [shelf.captures()[0], shelf.captures()[SWEEP]])


@pytest.fixture
def part(folder):
    return folder / "captures" / f"{shelf.captures()[SWEEP].capture_id}.parquet"


def footer_of(path):
    """Where the footer begins, and what it says."""
    whole = path.read_bytes()
    begin = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    return begin, read_struct(whole[begin:-8])[0]


READ = """
import resource, sys
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
from forged import read_all_of
from dataset.store import Dataset
folder, part, forgeries = map(Path, sys.argv[3:])
Dataset.open(folder).verify()
used = int(next(l for l in open("/proc/self/status") if l.startswith("VmData")).split()[1]) << 10
resource.setrlimit(resource.RLIMIT_DATA, (used + (150 << 20),) * 2)
forged = (path.read_bytes() for path in sorted(forgeries.iterdir()))
for said in read_all_of(folder, part, forged):
    print(" ".join(said.split()), flush=True)
"""


def read_small(folder, part, forgeries):
    """What a process with 150 MB to spare says of each forgery, one a line."""
    home = folder.parent / "forgeries"
    home.mkdir()
    for number, forged in enumerate(forgeries):
        (home / f"{number:04d}").write_bytes(forged)
    arguments = [str(HERE), str(HERE.parents[1]), str(folder), str(part), str(home)]
    done = subprocess.run(
        [sys.executable, "-c", READ, *arguments],
        env={**os.environ, "ARROW_DEFAULT_MEMORY_POOL": "system"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (done.returncode, done.stderr[-2000:])
    return done.stdout.splitlines()


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits on Windows")
@pytest.mark.parametrize("compression", ["none", "snappy"])
def test_forged_parts_are_named_and_nothing_crashes(folder, part, compression):
    if compression != "none":
        pq.write_table(pq.read_table(part), part, compression=compression)
    said = read_small(folder, part, mutations(part, 90, seed=7))
    assert len(said) == 90
    refused = [line for line in said if line != "read"]
    assert len(refused) > 60
    assert all(part.name in line or "dry" in line for line in refused), refused


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits on Windows")
def test_levels_that_do_not_fit_the_schema_end_no_process(folder, part):
    """Arrow ends the process when it is asked what it knows of such a column."""
    begin, said = footer_of(part)
    whole, forgeries = part.read_bytes(), []
    for element in said[2][1:]:
        forged = bytearray(whole)
        forged[begin + element[3].begin] = 0  # the column is said never to be null
        forgeries.append(bytes(forged))
    told = read_small(folder, part, forgeries)
    assert len(told) == len(forgeries) > 30
    assert all(part.name in line for line in told if line != "read")


def page(path, name):
    """The column, where its first page's header is, and the numbers in that."""
    [column] = [c for c in read_layout(path)[0].columns if c.path == name]
    header, size = read_struct(path.read_bytes()[column.start : column.start + 100])
    return column, header, size


@pytest.mark.parametrize("field", ["unpacked", "packed", "values"])
@pytest.mark.parametrize("more", [True, False])
def test_a_page_that_is_not_what_the_file_says_is_refused(folder, part, field, more):
    column, header, _ = page(part, "trajectory.list.element")
    number = {"unpacked": header[2], "packed": header[3], "values": header[5][1]}[field]
    forged = bytearray(part.read_bytes())
    last = column.start + number.end - 1
    forged[last] = 0x7E if more else 0x00
    assert forged != part.read_bytes()
    part.write_bytes(forged)
    data = Dataset.open(folder)
    with pytest.raises(UserError, match=f"{part.name} is damaged .*trajectory"):
        data.trajectory(1)


def test_a_dictionary_that_claims_more_values_than_it_has_bytes_is_refused(folder, part):
    rewrite(part, with_column("software", ["x" * 100]))
    Dataset.open(folder).verify()
    column, header, _ = page(part, "software")
    assert header[1] == 2, "pandas' parts have dictionaries"
    forged = bytearray(part.read_bytes())
    at = column.start + header[7][1].begin
    assert header[7][1].end - header[7][1].begin == 1
    forged[at] = 0x7F - 1  # 63 values; with a byte each that would do
    part.write_bytes(forged)
    with pytest.raises(UserError, match=part.name):
        Dataset.open(folder)
    [group] = read_layout(part)
    check_pages(part, [c for c in group.columns if c.path != "software"])


def test_a_footer_is_read_alike_by_its_shape_and_by_itself(folder, monkeypatch):
    """What many parts have in common is known from the first of them."""
    parts = sorted((folder / "captures").glob("*.parquet"))
    monkeypatch.setattr(layout, "_shapes", [])
    layout._layout.cache_clear()
    by_shape = [read_layout(path) for path in parts * 2]
    assert layout._shapes
    layout._layout.cache_clear()
    monkeypatch.setattr(layout, "_MOST_SHAPES", 0)
    monkeypatch.setattr(layout, "_shapes", [])
    assert [read_layout(path) for path in parts * 2] == by_shape
    names = [column.path for column in by_shape[0][0].columns]
    schema = pq.ParquetFile(parts[0]).schema
    assert names == [schema.column(i).path for i in range(len(schema))]
    told = pq.ParquetFile(parts[1]).metadata.row_group(0)
    for number, column in enumerate(by_shape[1][0].columns):
        other = told.column(number)
        assert (column.values, column.unpacked, column.size, column.start, column.codec) == (
            other.num_values,
            other.total_uncompressed_size,
            other.total_compressed_size,
            other.data_page_offset,
            other.compression,
        )


def test_bounds_of_merged_parts_are_those_arrow_knows(tmp_path):
    from dataset.compact import compact

    folder = shelf.write(tmp_path / "tanh-amp")
    compact(folder, everything=True)
    [path] = (folder / "captures").glob("*.parquet")
    told = pq.ParquetFile(path).metadata.row_group(0)
    for number, column in enumerate(read_layout(path)[0].columns):
        known = told.column(number).statistics
        assert (column.bounds is not None) == (known is not None and known.has_min_max)
        if column.path == "setting.Gain":
            assert np.frombuffer(b"".join(column.bounds), "<f4").tolist() == [known.min, known.max]
