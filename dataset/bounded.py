"""Reading columns of a file that anyone may have made, without trusting how much it says it holds.

Parquet can say "the same again" a billion times in a few bytes: by a dictionary, by a run of
nulls in a list, by a compressor. So what a column claims is looked at before it is read, and
what was read so far before there is more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

MOST_BYTES = 1 << 30
"""In memory, of all columns asked for at once."""
MOST_VALUES = 1 << 26
"""In the lists of one column: trajectories of 64 knobs for a quarter of an hour."""
CODECS = ("UNCOMPRESSED", "SNAPPY")
"""Ours, and that of most other writers, whose pages swell to some twenty times their size."""

_AT_ONCE = 64 << 20


def read_bounded(
    file: pq.ParquetFile, columns: Sequence[str] | None, groups: Sequence[int]
) -> pa.Table:
    """``columns`` (None: all) of those row groups; raises ValueError if they are too much."""
    chosen = None if columns is None else list(columns)
    claimed = [_claimed(file, group, chosen) for group in groups]
    if sum(claimed) > MOST_BYTES:
        raise ValueError("it claims to hold more than a reader can take")
    if all(file.metadata.row_group(group).num_rows <= 1 for group in groups):
        return file.read_row_groups(list(groups), columns=chosen, use_threads=False)
    batches: list[Any] = []
    held = 0
    for group, size in zip(groups, claimed, strict=True):
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


def _claimed(file: pq.ParquetFile, group: int, columns: list[str] | None) -> int:
    """How many bytes the columns of a row group are said to be, once decompressed."""
    info = file.metadata.row_group(group)
    total = 0
    for number in range(info.num_columns):
        column = info.column(number)
        if columns is not None and column.path_in_schema.partition(".")[0] not in columns:
            continue
        if column.compression not in CODECS:
            raise ValueError(f"it is compressed with {column.compression}; write it uncompressed")
        if column.num_values > MOST_VALUES:
            raise ValueError(f"a column claims to hold {column.num_values} values")
        total += column.total_uncompressed_size
    return total
