"""Reading a dataset: the columns of all captures as one frame, and their audio on demand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from dataset.checks import faults
from dataset.flac import unpack
from dataset.parts import captures_folder, read_dry
from dataset.plan import to_trajectory
from dataset.review import apply_review
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
from dataset.signals import Dry
from rigs.audio import SAMPLE_RATE, Audio
from rigs.errors import UserError
from rigs.knobs import KnobTable
from rigs.trajectory import Trajectory

LARGE_COLUMNS = ("audio", "trajectory")
"""Read for one capture at a time."""

NEVER_NULL = (
    *("capture_id", "role", "setting", "dry_id", "dry_offset"),
    *("wet_scale", "sample_rate", "frames"),
)


@dataclass(frozen=True, eq=False)
class Dataset:
    """The captures under a device's folder, or a selection of them.

    ``captures`` is a pandas frame with a row for each: the schema's columns but ``audio`` and
    ``trajectory``, then ``excluded`` and ``reason`` (from review.parquet), ``part`` (the file)
    and ``part_row`` (the row in it). A ``row`` below is a row of it, or its position.
    """

    folder: Path
    device: str
    knobs: KnobTable
    captures: pd.DataFrame

    @classmethod
    def open(cls, folder: Path | str, device: str | None = None) -> Dataset:
        """Read the small columns of all parts, and apply review.parquet.

        Raises UserError if there are none, or one is damaged, or they are of several devices,
        panels or sample rates, or not of ``device``.
        """
        folder = Path(folder)
        parts = captures_folder(folder)
        paths = sorted(p for p in parts.glob("*.parquet") if not p.name.startswith("."))
        if not paths:
            raise UserError(f"There are no captures in {parts}; run `ampsweep capture` first.")
        first: Header | None = None
        tables = []
        for path in paths:
            file = open_parquet(path)
            header = read_header(path, file)
            first = first or header
            check_same(path, header, first.device, first.knobs, paths[0].name)
            names = [n for n in file.schema_arrow.names if n in _small_columns()]
            tables.append(_checked(path, read_table(path, file, names)))
        assert first is not None
        if device is not None and first.device != device:
            raise UserError(f"{folder} is of the device {first.device!r}, not of {device!r}.")
        frame = pa.concat_tables(t.replace_schema_metadata() for t in tables).to_pandas()
        frame["excluded"], frame["reason"] = False, ""
        frame["part"] = [str(p) for p, t in zip(paths, tables, strict=True) for _ in range(len(t))]
        frame["part_row"] = np.concatenate([np.arange(len(t)) for t in tables])
        twice = frame["capture_id"][frame["capture_id"].duplicated()]
        if len(twice):
            raise UserError(
                f"Capture {twice.iloc[0]} is in {parts} twice; after a merge, move the parts that "
                "were merged away."
            )
        return cls(folder, first.device, first.knobs, apply_review(frame, folder))

    def __len__(self) -> int:
        return len(self.captures)

    def select(
        self, roles: Sequence[str] = ROLES, *, flagged: bool = False, excluded: bool = False
    ) -> Dataset:
        """Only the captures of these roles; those with faults or excluded ones only if asked for.

        Raises UserError for a role that there is not.
        """
        for role in roles:
            if role not in ROLES:
                raise UserError(f"There is no role {role!r}; roles are {', '.join(ROLES)}.")
        keep = self.captures["role"].isin(list(roles))
        if not flagged:
            keep &= self.captures["flags"].map(lambda flags: not faults(flags))
        if not excluded:
            keep &= ~self.captures["excluded"]
        return replace(self, captures=self.captures[keep].reset_index(drop=True))

    def row(self, row: pd.Series[Any] | int) -> pd.Series[Any]:
        return self.captures.iloc[row] if isinstance(row, int) else row

    def rows(self) -> Iterator[pd.Series[Any]]:
        for position in range(len(self)):
            yield self.captures.iloc[position]

    def settings(self) -> NDArray[np.float32]:
        """Where the knobs stood at each capture's first sample, shape (captures, knobs)."""
        rows = [[s[name] for name in self.knobs.names] for s in self.captures["setting"]]
        return np.array(rows, np.float32).reshape(-1, len(self.knobs))

    def audio(self, row: pd.Series[Any] | int) -> Audio:
        """The wet, shape (frames,) float32, ±1.0 = 0 dBFS; raises UserError if damaged."""
        row = self.row(row)
        stored = _read_cell(Path(row["part"]), int(row["part_row"]), "audio")
        try:
            if stored is None or stored.get("bytes") is None:
                raise ValueError(f"capture {row['capture_id']} has no audio")
            scale, frames = float(row["wet_scale"]), int(row["frames"])
            return unpack(stored["bytes"], scale, frames, int(row["sample_rate"]))
        except ValueError as error:
            raise corrupt(Path(row["part"]), error) from None

    def whole_dry(self, dry_id: str) -> Dry:
        """The dry of that id, its samples held against the id; raises UserError."""
        return _cached_dry(self.folder, dry_id)

    def dry(self, row: pd.Series[Any] | int) -> Audio:
        """What was played for the capture, shape (frames,) float32; raises UserError."""
        row = self.row(row)
        whole = self.whole_dry(str(row["dry_id"]))
        start, end = int(row["dry_offset"]), int(row["dry_offset"]) + int(row["frames"])
        if end > whole.frames:
            raise UserError(
                f"{row['part']} plays frames {start} to {end} of its dry, which has {whole.frames}."
            )
        return whole.audio[start:end]

    def trajectory(self, row: pd.Series[Any] | int) -> Trajectory:
        """Where the knobs went, commanded; one frame if they stood. Raises UserError."""
        row = self.row(row)
        rate = row["trajectory_rate"]
        flat, where = None, str(row["part"])
        if not pd.isna(rate):
            flat = _read_cell(Path(where), int(row["part_row"]), "trajectory")
        cells = {"setting": row["setting"], "trajectory": flat, "trajectory_rate": rate}
        trajectory = to_trajectory(cells, self.knobs, where)
        try:
            trajectory.check(self.knobs)
        except UserError as error:
            raise UserError(f"{where}: {error}") from None
        return trajectory

    def verify(self) -> None:
        """Decode everything once; raises UserError for the first thing that is damaged."""
        for row in self.rows():
            self.audio(row)
            self.dry(row)
            self.trajectory(row)


@lru_cache(maxsize=1)
def _small_columns() -> frozenset[str]:
    # The names are the same for every device: any knob table will do.
    names = capture_schema("", _ANY_KNOBS).names
    return frozenset(name for name in names if name not in LARGE_COLUMNS)


_ANY_KNOBS = KnobTable.from_json([{"name": "any"}])


@lru_cache(maxsize=4)
def _cached_dry(folder: Path, dry_id: str) -> Dry:
    return read_dry(folder, dry_id)


def _read_cell(path: Path, row: int, column: str) -> Any:
    """One value of a part, reading no more than its row group."""
    file = open_parquet(path)
    read_header(path, file)
    for group in range(file.metadata.num_row_groups):
        rows = file.metadata.row_group(group).num_rows
        if row < rows:
            try:
                table = file.read_row_group(group, columns=[column])
                table.validate(full=True)
            except (OSError, ValueError, MemoryError, pa.ArrowException) as error:
                raise corrupt(path, error) from None
            return table.column(column)[row].as_py()
        row -= rows
    raise corrupt(path, "it has fewer rows than before")


def _checked(path: Path, table: pa.Table) -> pa.Table:
    """``table`` with its columns in one order, if its values make sense."""
    for name in NEVER_NULL:
        if table.column(name).null_count:
            raise corrupt(path, f"{name} is empty")
    for row in table.select(["capture_id", "role", "sample_rate", "frames"]).to_pylist():
        if row["role"] not in ROLES:
            raise corrupt(path, f"role {row['role'][:40]!r}")
        if row["sample_rate"] != SAMPLE_RATE:
            raise UserError(
                f"{path} holds audio at {row['sample_rate']} Hz among captures at {SAMPLE_RATE}; "
                "keep one sample rate in a dataset."
            )
        if not 0 < row["frames"] <= MAX_FRAMES:
            raise corrupt(path, f"{row['frames']} frames")
    scales = table.column("wet_scale").to_numpy()
    if not (np.isfinite(scales) & (scales > 0)).all():
        raise corrupt(path, "wet_scale is no positive number")
    if (table.column("dry_offset").to_numpy() < 0).any():
        raise corrupt(path, "dry_offset is negative")
    return table.select(sorted(table.column_names))
