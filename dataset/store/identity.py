"""When two rows are one capture: every column is the same, and every byte of its audio."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from dataset.schema import open_parquet, read_header, read_table


def row_digest(row: dict[str, Any]) -> str:
    """SHA-256, in hex, of a row as Python values: of all its columns, whatever their order."""
    digest = hashlib.sha256()
    for name in sorted(row):
        value = row[name]
        if isinstance(value, dict) and isinstance(value.get("bytes"), bytes):
            value = {**value, "bytes": hashlib.sha256(value["bytes"]).hexdigest()}
        digest.update(repr((name, value)).encode())
    return digest.hexdigest()


def digests(table: pa.Table) -> Iterator[tuple[str, str]]:
    """The name and the digest of each capture of ``table``, which has all columns."""
    for start in range(len(table)):  # one after another: audio is large
        row = table.slice(start, 1).to_pylist()[0]
        yield row["capture_id"], row_digest(row)


def whole_groups(path: Path) -> Iterator[pa.Table]:
    """All columns of a part, one row group after another; raises UserError if it is damaged."""
    file = open_parquet(path)
    read_header(path, file)
    for group in range(file.metadata.num_row_groups):
        yield read_table(path, file, None, [group])


def digests_in(path: Path, wanted: frozenset[str] | None = None) -> Iterator[tuple[str, str]]:
    """The same of the ``wanted`` captures of a part (of all, if None)."""
    for table in whole_groups(path):
        if wanted is not None:
            table = table.filter(pa.array([i in wanted for i in table["capture_id"].to_pylist()]))
        yield from digests(table)
