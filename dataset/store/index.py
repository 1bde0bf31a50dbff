"""What thousands of small parts say, noted in one file, so that they need not all be opened.

The index lies in the device's cache folder and may be deleted at any time. It holds the small
columns of each part with the part's size and time: a part that has others, or none there, is read
itself. So an index that is behind, as a killed session leaves it, costs time and nothing else. Of
parts that a session wrote it has the SHA-256, too: by that, `dataset check` knows what nobody has
touched since.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dataset.parts import captures_folder
from dataset.schema import (
    SCHEMA_VERSION,
    VERSION_KEY,
    Header,
    capture_schema,
    device_metadata,
    open_parquet,
    read_index_header,
    read_table,
    to_bytes,
)
from rigs.errors import UserError
from rigs.files import make_folder, write_whole
from rigs.knobs import KnobTable

FROM = 256
"""Fewer parts are as quickly read themselves."""

LARGE_COLUMNS = ("audio", "trajectory")
"""Read for one capture at a time."""
# The names are the same for every device: any knob table will do.
_ANY = capture_schema("", KnobTable.from_json([{"name": "any"}]))
SMALL_COLUMNS = tuple(name for name in _ANY.names if name not in LARGE_COLUMNS)

Looks = Mapping[str, tuple[int, int]]
"""For each part, by its file's name: its size in bytes and its time in nanoseconds."""

_PLACE = pa.schema([("part", pa.string()), ("part_row", pa.int64())])
_LOOK = pa.schema(
    [("part_size", pa.int64()), ("part_time", pa.int64()), ("part_sha256", pa.string())]
)


@dataclass(frozen=True)
class Noted:
    """What the index says of some parts: whose they are, and their rows, placed. ``digests``: of
    every part that a session wrote, however it looks now, by the file's name."""

    header: Header
    table: pa.Table
    digests: Mapping[str, str]


def index_path(folder: Path) -> Path:
    return folder / "cache" / "index.parquet"


def placed(table: pa.Table, part: str, rows: NDArray[Any]) -> pa.Table:
    """Rows of a part with its file's name and their numbers in it, and without metadata."""
    names = pa.array([part] * len(table), pa.string())
    whole = table.append_column("part", names).append_column("part_row", pa.array(rows, pa.int64()))
    return whole.replace_schema_metadata()


def looks_of(folder: Path, paths: Sequence[Path]) -> dict[str, tuple[int, int]]:
    """How the parts ``paths`` of a device's folder look; one that went away is left out."""
    wanted = {path.name for path in paths}
    looks = {}
    with os.scandir(captures_folder(folder)) as entries:
        for entry in entries:
            if entry.name in wanted:
                try:
                    stat = entry.stat()
                except FileNotFoundError:
                    continue
                looks[entry.name] = (stat.st_size, stat.st_mtime_ns)
    return looks


def read_index(folder: Path, looks: Looks) -> Noted | None:
    """What is known of the parts that look so.

    None if there is no index, or if it is of no use: damaged, or of another schema. Whether the
    values make sense is for who reads it to check.
    """
    path = index_path(folder)
    if not path.exists():
        return None
    try:
        file = open_parquet(path)
        header = read_index_header(path, file, SMALL_COLUMNS)
        table = read_table(path, file)
        for field in (*_PLACE, *_LOOK):
            if table.schema.field(field.name).type != field.type:
                return None
        parts = table["part"].to_pylist()
        sizes, times, digests = (table[name].to_pylist() for name in _LOOK.names)
    except (UserError, KeyError):
        return None
    same = [
        looks.get(part) == (size, time)
        for part, size, time in zip(parts, sizes, times, strict=True)
    ]
    if header.version != SCHEMA_VERSION:
        return None
    kept = table.filter(pa.array(same, pa.bool_())).select([*SMALL_COLUMNS, *_PLACE.names])
    sealed = {p: digest for p, digest in zip(parts, digests, strict=True) if digest is not None}
    return Noted(header, kept.replace_schema_metadata(), sealed)


def write_index(
    folder: Path, table: pa.Table, looks: Looks, header: Header, digests: Mapping[str, str]
) -> None:
    """Note ``table``, which is placed and of that panel, if that can be written."""
    known = table.filter(pc.is_in(table["part"], pa.array(looks.keys(), pa.string())))
    parts = known["part"].to_pylist()
    sizes = pa.array([looks[part][0] for part in parts], pa.int64())
    times = pa.array([looks[part][1] for part in parts], pa.int64())
    seals = pa.array([digests.get(part) for part in parts], pa.string())
    noted = known
    for field, column in zip(_LOOK, (sizes, times, seals), strict=True):
        noted = noted.append_column(field, column)
    own = device_metadata(header.device, header.knobs)
    own[VERSION_KEY] = str(SCHEMA_VERSION).encode()
    try:
        make_folder(index_path(folder).parent)
        if os.access(index_path(folder).parent, os.W_OK):
            write_whole(index_path(folder), to_bytes(noted.replace_schema_metadata(own)))
    except UserError:
        pass  # it only saves time
