"""The small columns of all parts: everything but audio and trajectories."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from dataset.parts import captures_folder
from dataset.review import read_review
from dataset.schema import (
    MAX_FRAMES,
    ROLES,
    Header,
    capture_schema,
    check_same,
    corrupt,
    open_parquet,
    read_header,
    read_table,
)
from dataset.store.identity import digests_in
from dataset.store.index import FROM, looks_of, read_index, write_index
from dataset.store.selection import Selection
from rigs.audio import SAMPLE_RATE
from rigs.errors import UserError
from rigs.knobs import KnobTable

LARGE_COLUMNS = ("audio", "trajectory")
"""Read for one capture at a time."""

NEVER_NULL = (
    *("capture_id", "role", "setting", "dry_id", "dry_offset"),
    *("wet_scale", "sample_rate", "frames"),
)

_ANY_KNOBS = KnobTable.from_json([{"name": "any"}])


def part_paths(folder: Path) -> list[Path]:
    """The parts of captures under a device's folder, in order."""
    parts = captures_folder(folder)
    return sorted(p for p in parts.glob("*.parquet") if not p.name.startswith("."))


def some_parts(folder: Path) -> list[Path]:
    """:func:`part_paths`; raises UserError if there are none."""
    paths = part_paths(folder)
    if not paths:
        raise UserError(
            f"There are no captures in {captures_folder(folder)}; run `ampsweep capture` first."
        )
    return paths


def read_rows(path: Path) -> tuple[Header, pa.Table]:
    """What a part says of itself, and its small columns; raises UserError if anything is amiss."""
    header, table = _read_part(path, None, by_role=False)
    return header, table.drop_columns(["part", "part_row"])


def to_frame(tables: list[tuple[Path, pa.Table]]) -> pd.DataFrame:
    """The rows of one part or more as ``Dataset.captures`` has them, without a review."""
    placed = [_placed(table, path, np.arange(len(table))) for path, table in tables]
    frame = _frame(pa.concat_tables(table.replace_schema_metadata() for table in placed))
    frame["part"] = [str(path) for path, table in tables for _ in range(len(table))]
    return frame


def read_all(folder: Path, only: Selection | None = None) -> tuple[Header, pd.DataFrame]:
    """The rows of all parts, ordered by capture_id, each capture once.

    With ``only``, row groups whose statistics say that they hold none of those captures are left
    unread; the rest is not yet selected from. Raises UserError if there are no parts, if one is
    damaged, if they are of several devices or panels, or if two captures have one name.
    """
    for patience in (2, 1, 0):
        paths = some_parts(folder)
        try:
            header, table = _read_all(folder, paths, only)
            break
        except UserError:
            # Parts that were merged away while this looked: look again.
            if not patience or all(path.exists() or path.is_symlink() for path in paths):
                raise
    frame = _frame(table)
    where = f"{captures_folder(folder)}/"
    frame["part"] = [where + name for name in frame["part"]]
    frame = frame.sort_values("capture_id", kind="stable", ignore_index=True)
    return header, _each_once(frame)


def read_names(folder: Path) -> list[tuple[str, str]]:
    """For each row of each part: the capture's name, and the part's file's.

    A capture that lies in two parts is named twice. Raises UserError as :func:`read_all` does.
    """
    _, table = _read_all(folder, some_parts(folder), None)
    return list(zip(table["capture_id"].to_pylist(), table["part"].to_pylist(), strict=True))


def find_again(folder: Path, capture_id: str) -> tuple[Path, int] | None:
    """Where a capture lies now, part and row, after its part was merged into another.

    None if it is gone. Raises UserError as :func:`read_all` does.
    """
    return _places(folder, captures_folder(folder).stat().st_mtime_ns).get(capture_id)


@lru_cache(maxsize=1)
def _places(folder: Path, time: int) -> dict[str, tuple[Path, int]]:
    _, frame = read_all(folder)
    columns = (frame["capture_id"], frame["part"], frame["part_row"])
    return {name: (Path(part), int(row)) for name, part, row in zip(*columns, strict=True)}


def _read_all(folder: Path, paths: list[Path], only: Selection | None) -> tuple[Header, pa.Table]:
    by_role = only is not None and not _review_changes_roles(folder)
    looks = looks_of(paths)
    first, table = _read_part(paths[0], only, by_role=by_role)
    noted = read_index(folder, looks, first) if len(paths) >= FROM else None
    known = set() if noted is None else set(noted["part"].unique().to_pylist())
    names = table.column_names
    tables = [table] if paths[0].name not in known else []
    for path in paths[1:]:
        if path.name not in known:
            header, table = _read_part(path, only, by_role=by_role)
            check_same(path, header, first.device, first.knobs, paths[0].name)
            tables.append(table)
    fresh = [table.replace_schema_metadata() for table in tables]
    if noted is not None and len(noted):
        fresh.append(_checked(folder / "cache", noted.select(names)).replace_schema_metadata())
    whole = pa.concat_tables(fresh).combine_chunks()
    if len(tables) >= FROM and only is None:
        write_index(folder, whole, looks, first)
    return first, whole


def _review_changes_roles(folder: Path) -> bool:
    return bool(read_review(folder)["role"].notna().any())


def _read_part(path: Path, only: Selection | None, *, by_role: bool) -> tuple[Header, pa.Table]:
    file = open_parquet(path)
    header = read_header(path, file)
    count = file.metadata.num_row_groups
    groups = list(range(count))
    if only is not None:
        groups = only.groups(file, header.knobs, by_role=by_role)
    table = read_table(path, file, sorted(_small_columns()), groups)
    sizes = [file.metadata.row_group(group).num_rows for group in range(count)]
    starts = np.cumsum([0, *sizes])
    rows = [np.arange(starts[group], starts[group + 1]) for group in groups]
    numbers = np.concatenate([np.zeros(0, np.int64), *rows])
    return header, _placed(_checked(path, table), path, numbers)


def _placed(table: pa.Table, path: Path, rows: np.ndarray) -> pa.Table:
    part = pa.array([path.name] * len(table), pa.string())
    return table.append_column("part", part).append_column("part_row", pa.array(rows, pa.int64()))


def _frame(table: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = table.to_pandas()
    # A stranger's nulls are no flags.
    frame["flags"] = [
        [] if flags is None else [flag for flag in flags if flag is not None]
        for flags in frame["flags"]
    ]
    frame.insert(len(frame.columns) - 2, "excluded", False)
    frame.insert(len(frame.columns) - 2, "reason", "")
    return frame


def _each_once(frame: pd.DataFrame) -> pd.DataFrame:
    """``frame`` without what lies in two parts, the same to the byte.

    So it is when a compaction was killed before it had removed what it merged, and after folders
    were merged by hand. The row in the larger part is kept. Raises UserError if two captures of
    one name differ.
    """
    twice = frame["capture_id"].duplicated(keep=False)
    if not twice.any():
        return frame
    names = frozenset(frame["capture_id"][twice])
    sizes = frame["part"].value_counts()
    parts = sorted(set(frame["part"][twice]), key=lambda part: (-sizes[part], part))
    kept: dict[str, tuple[str, str]] = {}
    for part in parts:
        for name, digest in digests_in(Path(part), names):
            where, whose = kept.setdefault(name, (part, digest))
            if whose != digest:
                raise UserError(
                    f"Two captures have the name {name}, one in {where} and another in "
                    f"{Path(part).name}; move one of these parts away."
                )
    chosen = [
        name not in kept or kept[name][0] == part
        for name, part in zip(frame["capture_id"], frame["part"], strict=True)
    ]
    frame = frame[chosen]
    return frame.drop_duplicates("capture_id", ignore_index=True)  # twice within one part


@lru_cache(maxsize=1)
def _small_columns() -> frozenset[str]:
    # The names are the same for every device: any knob table will do.
    names = capture_schema("", _ANY_KNOBS).names
    return frozenset(name for name in names if name not in LARGE_COLUMNS)


def _checked(path: Path, table: pa.Table) -> pa.Table:
    """``table``, if its values make sense."""
    for name in NEVER_NULL:
        if table.column(name).null_count:
            raise corrupt(path, f"{name} is empty")
    for role in table.column("role").unique().to_pylist():
        if role not in ROLES:
            raise corrupt(path, f"role {role[:40]!r}")
    for rate in table.column("sample_rate").unique().to_pylist():
        if rate != SAMPLE_RATE:
            raise UserError(
                f"{path} holds audio at {rate} Hz among captures at {SAMPLE_RATE}; "
                "keep one sample rate in a dataset."
            )
    frames = pc.min_max(table.column("frames"))
    for count in (frames["min"].as_py(), frames["max"].as_py()):
        if count is not None and not 0 < count <= MAX_FRAMES:
            raise corrupt(path, f"{count} frames")
    scales = table.column("wet_scale").to_numpy()
    if not (np.isfinite(scales) & (scales > 0)).all():
        raise corrupt(path, "wet_scale is no positive number")
    if (table.column("dry_offset").to_numpy() < 0).any():
        raise corrupt(path, "dry_offset is negative")
    return table
