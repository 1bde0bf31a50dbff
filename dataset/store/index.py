"""What thousands of small parts say, noted in one file, so that they need not all be opened.

The index lies in the device's cache folder and may be deleted at any time. It holds the small
columns of each part with the part's size and time: a part that has others is read again.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from dataset.schema import (
    DEVICE_KEY,
    KNOBS_KEY,
    SCHEMA_VERSION,
    VERSION_KEY,
    Header,
    device_metadata,
    open_parquet,
    read_table,
    to_bytes,
)
from rigs.errors import UserError
from rigs.files import make_folder, write_whole

FROM = 256
"""Fewer parts are as quickly read themselves."""

Looks = Mapping[str, tuple[int, int]]
"""For each part, by its file's name: its size in bytes and its time in nanoseconds."""

_OWN = (VERSION_KEY, DEVICE_KEY, KNOBS_KEY)


def index_path(folder: Path) -> Path:
    return folder / "cache" / "index.parquet"


def looks_of(paths: list[Path]) -> dict[str, tuple[int, int]]:
    """How the files look; one that went away in between is left out."""
    looks = {}
    for path in paths:
        try:
            stat = path.stat()
        except FileNotFoundError:
            continue
        looks[path.name] = (stat.st_size, stat.st_mtime_ns)
    return looks


def read_index(folder: Path, looks: Looks, header: Header) -> pa.Table | None:
    """The rows, with columns ``part`` and ``part_row``, of the parts that look as they did.

    None if there is no index, or it is of no use: damaged, or of another device or schema.
    """
    path = index_path(folder)
    if not path.exists():
        return None
    try:
        file = open_parquet(path)
        table = read_table(path, file)
        own = to_metadata(header)
        said = table.schema.metadata or {}
        if any(said.get(key) != own[key] for key in _OWN):
            return None
        parts = table["part"].to_pylist()
        sizes, times = table["part_size"].to_pylist(), table["part_time"].to_pylist()
    except (UserError, KeyError):
        return None
    same = [
        looks.get(part) == (size, time)
        for part, size, time in zip(parts, sizes, times, strict=True)
    ]
    return table.filter(pa.array(same, pa.bool_())).drop_columns(["part_size", "part_time"])


def write_index(folder: Path, table: pa.Table, looks: Looks, header: Header) -> None:
    """Note ``table``, which has columns ``part`` and ``part_row``, if that can be written."""
    known = table.filter(pc.is_in(table["part"], pa.array(looks.keys(), pa.string())))
    parts = known["part"].to_pylist()
    sizes = pa.array([looks[part][0] for part in parts], pa.int64())
    times = pa.array([looks[part][1] for part in parts], pa.int64())
    noted = known.append_column("part_size", sizes).append_column("part_time", times)
    try:
        make_folder(index_path(folder).parent)
        data = to_bytes(noted.replace_schema_metadata(to_metadata(header)))
        if os.access(index_path(folder).parent, os.W_OK):
            write_whole(index_path(folder), data)
    except UserError:
        pass  # it only saves time


def to_metadata(header: Header) -> dict[bytes, bytes]:
    own = device_metadata(header.device, header.knobs)
    return {VERSION_KEY: str(SCHEMA_VERSION).encode(), **own}
