"""The small columns of all parts: everything but audio and trajectories."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from dataset.parts import captures_folder
from dataset.review import read_review
from dataset.schema import Header, open_parquet, read_header, read_table
from dataset.store.identity import digests_in
from dataset.store.index import SMALL_COLUMNS, placed
from dataset.store.scan import Progress, checked, nobody, one_panel, scan
from dataset.store.selection import Selection
from rigs.errors import UserError


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
    file = open_parquet(path)
    header = read_header(path, file)
    return header, checked(path, read_table(path, file, SMALL_COLUMNS))


def to_frame(tables: list[tuple[Path, pa.Table]]) -> pd.DataFrame:
    """The rows of one part or more as ``Dataset.captures`` has them, without a review."""
    rows = [placed(table, str(path), np.arange(len(table))) for path, table in tables]
    return _frame(pa.concat_tables(rows))


def read_all(
    folder: Path, only: Selection | None = None, progress: Progress = nobody
) -> tuple[Header, pd.DataFrame]:
    """The rows of all parts, ordered by capture_id, each capture once.

    With ``only``, row groups whose statistics say that they hold none of those captures are left
    unread; the rest is not yet selected from. ``progress`` is told of the parts that have to be
    opened. Raises UserError if there are no parts, if one is damaged, if they are of several
    devices or panels, or if two captures have one name.
    """
    for patience in (2, 1, 0):
        paths = some_parts(folder)
        by_role = only is not None and not _review_changes_roles(folder)
        try:
            header, table = one_panel(scan(folder, paths, only, by_role=by_role, progress=progress))
            break
        except UserError:
            # Parts that were merged away while this looked: look again.
            if not patience or all(path.exists() or path.is_symlink() for path in paths):
                raise
    return header, each_once(framed(folder, table))


def framed(folder: Path, table: pa.Table) -> pd.DataFrame:
    """The rows of a scan as ``Dataset.captures`` has them, without a review, in order of name."""
    frame = _frame(table)
    where = f"{captures_folder(folder)}/"
    frame["part"] = [where + name for name in frame["part"]]
    return frame.sort_values("capture_id", kind="stable", ignore_index=True)


def read_names(folder: Path) -> list[tuple[str, str]]:
    """For each row of each part: the capture's name, and the part's file's.

    A capture that lies in two parts is named twice. Raises UserError as :func:`read_all` does.
    """
    _, table = one_panel(scan(folder, some_parts(folder)))
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


def _review_changes_roles(folder: Path) -> bool:
    return bool(read_review(folder)["role"].notna().any())


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


def each_once(frame: pd.DataFrame) -> pd.DataFrame:
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
