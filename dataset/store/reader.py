"""Reading a dataset: the columns of all captures as one frame, and their audio on demand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dataset.ahead import in_order
from dataset.flac import unpack
from dataset.parts import read_dry
from dataset.plan import to_trajectory
from dataset.review import apply_review
from dataset.schema import ROLES, corrupt
from dataset.signals import Dry
from dataset.store.cells import read_cell
from dataset.store.rows import find_again, read_all
from dataset.store.scan import Progress, nobody
from dataset.store.selection import Range, Selection
from rigs.audio import Audio
from rigs.errors import UserError
from rigs.knobs import KnobTable
from rigs.trajectory import Trajectory

DECODERS = 2
"""Threads that decode at once; FLAC is decoded outside Python's lock."""


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
    def open(
        cls,
        folder: Path | str,
        device: str | None = None,
        *,
        only: Selection | None = None,
        progress: Progress = nobody,
    ) -> Dataset:
        """Read the small columns of all parts, and apply review.parquet.

        The captures are ordered by their names, however they lie in parts, and one that lies in
        two parts, the same to the byte, is one. With ``only``, parts of a file that hold none of
        those captures are not read. ``progress`` is told how many of the parts that have to be
        opened are done. Raises UserError if there are none, or one is damaged, or they are of
        several devices, panels or sample rates, or not of ``device``.
        """
        folder = Path(folder)
        header, frame = read_all(folder, only, progress)
        if device is not None and header.device != device:
            raise UserError(f"{folder} is of the device {header.device!r}, not of {device!r}.")
        found = cls(folder, header.device, header.knobs, apply_review(frame, folder))
        return found if only is None else found.where(only)

    def __len__(self) -> int:
        return len(self.captures)

    def select(
        self,
        roles: Sequence[str] = ROLES,
        *,
        knobs: Mapping[str, Range] | None = None,
        flagged: bool = False,
        excluded: bool = False,
    ) -> Dataset:
        """Only the captures of these roles, with ``knobs`` within these ranges (of a sweep, at its
        beginning); those with faults or excluded ones only if asked for.

        Raises UserError for a role or a knob that there is not.
        """
        return self.where(Selection(roles, knobs or {}, flagged, excluded))

    def where(self, wanted: Selection) -> Dataset:
        """Only the captures that are ``wanted``; raises UserError for an unknown knob."""
        keep = wanted.keeps(self.captures, self.knobs)
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
        return _decoded(row, self._flac(row))

    def stored(self, row: pd.Series[Any] | int) -> Audio:
        """The wet as its FLAC holds it: whole 24-bit steps, to be multiplied by ``wet_scale``."""
        row = self.row(row)
        return _decoded(row, self._flac(row), scaled=False)

    def decoded(self, threads: int = DECODERS) -> Iterator[Audio]:
        """The wets of all captures in order, as :meth:`audio` gives them, decoded ahead.

        No more than a few captures are held at once. Raises UserError if one is damaged.
        """
        stored = ((row, self._flac(row)) for row in self.rows())
        yield from in_order(lambda one: _decoded(*one), stored, threads)

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
            flat = self._cell(row, "trajectory").values
        cells = {"setting": row["setting"], "trajectory": flat, "trajectory_rate": rate}
        trajectory = to_trajectory(cells, self.knobs, where)
        try:
            trajectory.check(self.knobs)
        except UserError as error:
            raise UserError(f"{where}: {error}") from None
        return trajectory

    def verify(self) -> None:
        """Decode everything once; raises UserError for the first thing that is damaged."""
        for row, _ in zip(self.rows(), self.decoded(), strict=True):
            self.dry(row)
            self.trajectory(row)

    def _cell(self, row: pd.Series[Any], column: str) -> Any:
        """One value of a capture's part as an Arrow scalar; raises UserError."""
        path, number = Path(row["part"]), int(row["part_row"])
        try:
            return read_cell(path, number, column)
        except UserError:
            now = None if path.exists() else find_again(self.folder, str(row["capture_id"]))
            if now is None:
                raise
            return read_cell(*now, column)

    def _flac(self, row: pd.Series[Any]) -> Any:
        """The stored bytes of a capture, as an Arrow buffer; raises UserError."""
        stored = self._cell(row, "audio")
        data = stored["bytes"] if stored.is_valid else None
        if data is None or not data.is_valid:
            raise corrupt(Path(row["part"]), f"capture {row['capture_id']} has no audio")
        return data.as_buffer()


@lru_cache(maxsize=4)
def _cached_dry(folder: Path, dry_id: str) -> Dry:
    return read_dry(folder, dry_id)


def _decoded(row: pd.Series[Any], flac: Any, *, scaled: bool = True) -> Audio:
    try:
        scale, frames = float(row["wet_scale"]) if scaled else 1.0, int(row["frames"])
        return unpack(flac, scale, frames, int(row["sample_rate"]))
    except ValueError as error:
        raise corrupt(Path(row["part"]), error) from None
