"""Reading columns of a file that anyone may have made, without trusting how much it says it holds.

Parquet can say "the same again" a billion times in a few bytes: by a dictionary, by a run of
nulls in a list, by a compressor. So what a column claims is looked at before it is read, and
what was read so far before there is more.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dataset.layout import Column, Group, check_pages, read_layout

MOST_BYTES = 1 << 30
"""In memory, of all columns asked for at once."""
MOST_VALUES = 1 << 26
"""In the lists of one column: trajectories of 64 knobs for a quarter of an hour."""
CODECS = ("UNCOMPRESSED", "SNAPPY")
"""Ours, and that of most other writers, whose pages swell to some twenty times their size."""

_AT_ONCE = 64 << 20


def read_bounded(
    path: Path, file: pq.ParquetFile, columns: Sequence[str] | None, groups: Sequence[int]
) -> pa.Table:
    """``columns`` (None: all) of those row groups of the open file at ``path``.

    Raises ValueError if they are too much, or not what the file says of them.
    """
    layout = read_layout(path)
    chosen = None if columns is None else list(columns)
    wanted = {group: _wanted(layout[group], chosen) for group in groups}
    claimed = {group: sum(column.unpacked for column in wanted[group]) for group in groups}
    if sum(claimed.values()) > MOST_BYTES:
        raise ValueError("it claims to hold more than a reader can take")
    check_pages(path, [column for group in groups for column in wanted[group]])
    if all(layout[group].rows <= 1 for group in groups):
        return file.read_row_groups(list(groups), columns=chosen, use_threads=False)
    batches: list[Any] = []
    held = 0
    for group, size in claimed.items():
        # A value is no larger than its whole chunk: so many rows fit, even if all share one value.
        rows = max(1, min(1024, _AT_ONCE // max(size, 1)))
        for batch in file.iter_batches(rows, row_groups=[group], columns=chosen, use_threads=False):
            held += batch.nbytes
            if held > MOST_BYTES:
                raise ValueError("it unfolds to more than a reader can take")
            batches.append(batch)
    if not batches:
        return file.read_row_groups([], columns=chosen)
    return pa.Table.from_batches(batches)


def _wanted(group: Group, names: list[str] | None) -> list[Column]:
    """The leaves of those columns of a row group; raises ValueError if they may be anything."""
    wanted = []
    for column in group.columns:
        if names is not None and column.path.partition(".")[0] not in names:
            continue
        if column.codec not in CODECS:
            raise ValueError(f"it is compressed with {column.codec}; write it uncompressed")
        if column.values > MOST_VALUES:
            raise ValueError(f"a column claims to hold {column.values} values")
        # A row's list is read whole, and each of its values may be the dictionary's longest.
        listed = column.of_bytes and column.has_dictionary and column.values > group.rows
        if listed and column.values * column.unpacked > MOST_BYTES:
            raise ValueError(f"the lists of {column.path} unfold to more than a reader can take")
        wanted.append(column)
    return wanted
