"""The small columns of many parts, read at once: everything but audio and trajectories."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dataset.ahead import in_order
from dataset.parts import captures_folder
from dataset.schema import (
    MAX_FRAMES,
    ROLES,
    Header,
    check_same,
    corrupt,
    open_parquet,
    read_header,
    read_unvalidated,
    validated,
)
from dataset.store.index import (
    FROM,
    SMALL_COLUMNS,
    Looks,
    looks_of,
    placed,
    read_index,
    write_index,
)
from dataset.store.selection import Selection
from rigs.audio import SAMPLE_RATE
from rigs.errors import UserError
from rigs.knobs import KnobTable

Progress = Callable[[int, int], None]
"""Called with how many of how many are done."""
Look = Callable[[Path], None]
"""Called with each part that could be read, from several threads."""

NEVER_NULL = (
    *("capture_id", "role", "setting", "dry_id", "dry_offset"),
    *("wet_scale", "sample_rate", "frames"),
)
WORTH_NOTING = 32
"""Parts that had to be read: fewer are as quickly read again."""

_AT_ONCE = 32
"""Parts that a thread reads in one go, and whose values are then checked together."""


def nobody(done: int, of: int) -> None:
    """The :data:`Progress` that no one follows."""


@dataclass(frozen=True)
class Scanned:
    """Rows of parts that are all of ``header``'s device and panel; ``first`` is one of the parts.

    ``table`` has the small columns of the schema, then ``part``, the file's name, and
    ``part_row``, the row in it.
    """

    header: Header
    first: Path
    table: pa.Table

    @property
    def panel(self) -> tuple[str, KnobTable]:
        return self.header.device, self.header.knobs


Damaged = tuple[Path, UserError]


def scan(
    folder: Path,
    paths: Sequence[Path],
    only: Selection | None = None,
    *,
    by_role: bool = False,
    progress: Progress = nobody,
) -> list[Scanned]:
    """The rows of ``paths``, all parts under a device's ``folder``, panel by panel.

    Where they are many, those of which the index has the rows are not opened. With ``only``, row
    groups whose statistics say that they hold none of those captures are left unread (``by_role``:
    whether by their role, too). Raises UserError for the first part that is damaged.
    """
    if len(paths) < FROM:
        return _joined(_each_whole(_read(paths, only, by_role, progress)))
    looks = looks_of(folder, paths)
    known, digests = noted(folder, looks)
    unread = _others(paths, known)
    found = _joined([*known, *_each_whole(_read(unread, only, by_role, progress))])
    if len(unread) >= WORTH_NOTING and only is None and len(found) == 1:
        write_index(folder, found[0].table, looks, found[0].header, digests)
    return found


def scan_each(
    paths: Sequence[Path], known: Sequence[Scanned], progress: Progress, look: Look
) -> tuple[list[Scanned], list[Damaged]]:
    """The rows of ``paths`` as the parts themselves have them, and those that cannot be read.

    ``known``: rows of some of them, which are not read again.
    """
    found = list(known)
    damaged: list[Damaged] = []
    for some, wrong in _read(_others(paths, known), None, False, progress, look):
        found += some
        damaged += wrong
    return _joined(found), damaged


def one_panel(found: Sequence[Scanned]) -> tuple[Header, pa.Table]:
    """All the rows; raises UserError if they are of several devices or panels."""
    first, *others = found
    for other in others:
        check_same(other.first, other.header, *first.panel, first.first.name)
    return first.header, first.table


def noted(folder: Path, looks: Looks) -> tuple[list[Scanned], Mapping[str, str]]:
    """What the index says of the parts that look so, in one piece at most.

    Beside it the digests of all that a session wrote.
    """
    index = read_index(folder, looks)
    if index is None:
        return [], {}
    try:
        checked(folder, index.table)
    except UserError:
        return [], {}
    if not len(index.table):
        return [], index.digests
    first = captures_folder(folder) / index.table["part"][0].as_py()
    return [Scanned(index.header, first, index.table)], index.digests


def _others(paths: Sequence[Path], known: Sequence[Scanned]) -> list[Path]:
    """Those of ``paths`` that have no row in ``known``."""
    names = {name for one in known for name in one.table["part"].unique().to_pylist()}
    return [path for path in paths if path.name not in names]


Few = tuple[list[Scanned], list[Damaged]]


def _read(
    paths: Sequence[Path],
    only: Selection | None,
    by_role: bool,
    progress: Progress,
    look: Look | None = None,
) -> Iterator[Few]:
    """The parts a few at a time, by all cores; ``progress`` is told of all of them."""
    some = [paths[at : at + _AT_ONCE] for at in range(0, len(paths), _AT_ONCE)]
    work = partial(_read_few, only=only, by_role=by_role, look=look)
    done = 0
    # What is few is read here: threads would take longer to start.
    reads = map(work, some) if len(some) < 3 else in_order(work, some)
    for few, read in zip(some, reads, strict=True):
        done += len(few)
        progress(done, len(paths))
        yield read


def _each_whole(reads: Iterator[Few]) -> list[Scanned]:
    found: list[Scanned] = []
    for some, damaged in reads:
        if damaged:
            raise damaged[0][1]
        found += some
    return found


def _joined(found: Sequence[Scanned]) -> list[Scanned]:
    """The same, each panel once, in the order in which they come first; no value is looked at."""
    panels: dict[tuple[str, KnobTable], list[Scanned]] = {}
    for one in found:
        panels.setdefault(one.panel, []).append(one)
    return [
        replace(alike[0], table=pa.concat_tables([one.table for one in alike]))
        for alike in panels.values()
    ]


def _read_few(
    paths: Sequence[Path], *, only: Selection | None, by_role: bool, look: Look | None
) -> Few:
    """What those of ``paths`` hold that can be read, and what is wrong with the others."""
    read: list[Scanned] = []
    damaged: list[Damaged] = []
    before: tuple[pq.ParquetFile, Header] | None = None
    for path in paths:
        try:
            file = open_parquet(path)
            if before is None or not _says_the_same(file, before[0]):
                before = file, read_header(path, file)
            header = before[1]
            read.append(Scanned(header, path, _rows(path, file, header, only, by_role)))
            if look is not None:
                look(path)
        except UserError as error:
            damaged.append((path, error))
    found = []
    for alike in _joined(read):  # checked together, which costs a fraction
        try:
            found.append(_sound(alike))
        except UserError:  # one of them is to blame
            for one in read:
                if one.panel == alike.panel:
                    try:
                        found.append(_sound(one))
                    except UserError as error:
                        damaged.append((one.first, error))
    order = {path: number for number, path in enumerate(paths)}
    return found, sorted(damaged, key=lambda one: order[one[0]])


def _says_the_same(file: pq.ParquetFile, other: pq.ParquetFile) -> bool:
    """Whether two files have one schema, and the same to say of themselves: most do."""
    if file.metadata.metadata != other.metadata.metadata:
        return False
    return bool(file.schema.equals(other.schema))


def _rows(
    path: Path, file: pq.ParquetFile, header: Header, only: Selection | None, by_role: bool
) -> pa.Table:
    """The small columns of an open part, and where they are from; values are yet unchecked."""
    count = file.metadata.num_row_groups
    groups = list(range(count))
    if only is not None:
        groups = only.groups(path, header.knobs, by_role=by_role)
    table = read_unvalidated(path, file, header.version, SMALL_COLUMNS, groups)
    sizes = [file.metadata.row_group(group).num_rows for group in range(count)]
    starts = np.cumsum([0, *sizes])
    rows = [np.arange(starts[group], starts[group + 1]) for group in groups]
    table = table.select(SMALL_COLUMNS)  # whatever their order is in a stranger's
    return placed(table, path.name, np.concatenate([np.zeros(0, np.int64), *rows]))


def _sound(scanned: Scanned) -> Scanned:
    checked(scanned.first, validated(scanned.first, scanned.table))
    return scanned


def checked(path: Path, table: pa.Table) -> pa.Table:
    """``table``, the small columns of a part, if its values make sense; raises UserError."""
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
