"""Single values of a part: the audio or the trajectory of one capture."""

from __future__ import annotations

import threading
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from dataset.schema import corrupt, open_parquet, read_header, read_table


class OpenPart:
    """A part that was opened and checked, and stays so while one capture after another is read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = open_parquet(path)
        read_header(path, self._file)
        metadata = self._file.metadata
        self._rows = [metadata.row_group(g).num_rows for g in range(metadata.num_row_groups)]
        self._lock = threading.Lock()
        self._held: dict[tuple[int, str], pa.ChunkedArray] = {}

    def cell(self, row: int, column: str) -> Any:
        """One value as an Arrow scalar, from no more than its row group; raises UserError."""
        for group, rows in enumerate(self._rows):
            if row < rows:
                return self._group(group, column)[row]
            row -= rows
        raise corrupt(self._path, "it has fewer rows than before")

    def _group(self, group: int, column: str) -> pa.ChunkedArray:
        with self._lock:
            if (group, column) not in self._held:
                table = read_table(self._path, self._file, [column], [group])
                # Two, for who reads in threads goes back and forth between neighbours.
                if len(self._held) == 2:
                    del self._held[next(iter(self._held))]
                self._held[group, column] = table.column(column)
            return self._held[group, column]


def read_cell(path: Path, row: int, column: str) -> Any:
    """One value of a part as an Arrow scalar; raises UserError if the part is damaged or gone."""
    try:
        stat = path.stat()
    except OSError:
        return OpenPart(path).cell(row, column)  # which says what is wrong
    return _opened(path, stat.st_size, stat.st_mtime_ns, stat.st_ino).cell(row, column)


def read_row(path: Path, row: int) -> pa.Table:
    """All columns of one row of a part; raises UserError if the part is damaged or gone."""
    file = open_parquet(path)
    read_header(path, file)
    for group in range(file.metadata.num_row_groups):
        rows = file.metadata.row_group(group).num_rows
        if row < rows:
            return read_table(path, file, None, [group]).slice(row, 1)
        row -= rows
    raise corrupt(path, "it has fewer rows than before")


@lru_cache(maxsize=2)
def _opened(path: Path, *look: int) -> OpenPart:
    return OpenPart(path)
