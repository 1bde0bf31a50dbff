"""Merging small parts into large files, without changing anything in them.

A session writes one part a capture, so that whatever ends it, nothing is lost; thousands of them
are slow to open and to push. Merged files hold the same rows, to the byte of their audio.

At any moment every capture is in at least one file: the merged file is whole under its name, and
was read back and compared, before the first of its parts is removed. Killed in between, a capture
lies in two files, the same to the byte, which readers take for one; the next compaction removes
what is left over. Only parts below :data:`LARGE` are merged and only into files above it, so no
capture is ever merged twice, nor stored more than twice by DVC, which keeps every version.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from dataset.parts import captures_folder
from dataset.schema import (
    SCHEMA_VERSION,
    VERSION_KEY,
    open_parquet,
    read_header,
    read_table,
)
from dataset.store.identity import digests, digests_in
from dataset.store.rows import part_paths, read_names
from rigs.errors import UserError
from rigs.files import only_one, remove_leftovers, sync_folder

LARGE = 64 << 20
"""Bytes: a file of this size and more is left as it is."""
TARGET = 128 << 20
"""Bytes a merged file should not exceed; it is more than LARGE."""
GROUP = 1 << 20
"""Bytes of audio in a row group, about: what is read to get at one capture of it."""
MOST_ROWS = 1024
"""In a row group."""


@dataclass(frozen=True)
class Compacted:
    """What was done: ``merged`` parts into ``files``. ``left`` parts of ``left_bytes`` are small
    and were not merged."""

    merged: int
    files: tuple[Path, ...]
    left: int
    left_bytes: int


def compact(
    folder: Path,
    *,
    everything: bool = False,
    large: int = LARGE,
    target: int = TARGET,
    on_part: Callable[[int, int], None] = lambda done, of: None,
) -> Compacted:
    """Merge the parts under a device's ``folder`` that are smaller than ``large``.

    They are merged into files of at most ``target`` bytes and at least ``large``; what is too
    little for one waits for the captures to come, or, with ``everything``, is merged too: that
    file may be merged once more, later. ``on_part`` hears how many parts of how many are merged.

    Raises UserError if a session is capturing into the folder, if a part is damaged, if two
    captures of one name differ, or if a file cannot be written. Nothing is lost then.
    """
    captures = captures_folder(folder)
    if not captures.is_dir():
        raise UserError(f"There are no captures in {captures}; run `ampsweep capture` first.")
    with only_one(captures, wait=False):
        remove_leftovers(captures)
        _remove_merged(folder)
        small = {path: path.stat().st_size for path in part_paths(folder)}
        small = {path: size for path, size in small.items() if size < large}
        least = 0 if everything else large
        runs = [run for run in _runs(small, target) if sum(small[p] for p in run) >= least]
        count, done = sum(map(len, runs)), 0
        files = []
        for run in runs:
            on_part(done, count)
            for alike in _alike(run):
                if len(alike) > 1 and sum(small[path] for path in alike) >= least:
                    files.append(_merge(alike, captures))
            done += len(run)
            on_part(done, count)
        left = [path for path in small if path.exists()]
        merged = len(small) - len(left)
        return Compacted(merged, tuple(files), len(left), sum(small[path] for path in left))


def _runs(parts: Mapping[Path, int], target: int) -> Iterator[list[Path]]:
    """The parts, each with its size, in runs of up to ``target`` bytes."""
    run: list[Path] = []
    size = 0
    for path, own in parts.items():
        if run and size + own > target:
            yield run
            run, size = [], 0
        run.append(path)
        size += own
    if run:
        yield run


def _alike(parts: Sequence[Path]) -> list[dict[Path, pa.Table]]:
    """The parts' whole tables, those of the same columns together; none of an older version."""
    kinds: list[dict[Path, pa.Table]] = []
    for path in parts:
        file = open_parquet(path)
        read_header(path, file)
        schema = file.schema_arrow
        if schema.metadata[VERSION_KEY] != str(SCHEMA_VERSION).encode():
            continue
        table = read_table(path, file)
        for kind in kinds:
            if next(iter(kind.values())).schema.equals(table.schema, check_metadata=True):
                kind[path] = table
                break
        else:
            kinds.append({path: table})
    return kinds


def _merge(parts: Mapping[Path, pa.Table], captures: Path) -> Path:
    """Write ``parts`` as one file, prove that it holds all of them, remove them; its path."""
    expected = [digest for table in parts.values() for digest in digests(table)]
    names = [name for name, _ in expected]
    if len(set(names)) != len(names):
        twice = next(name for name, count in Counter(names).items() if count > 1)
        raise UserError(f"Capture {twice} is in two parts of {captures}; move one of them away.")
    path = captures / f"{min(names)}+{len(names)}.parquet"
    if path.exists():
        raise UserError(f"{path} is there already, and parts are never rewritten; move it away.")
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=captures)
        os.close(handle)
        temporary = Path(name)
        _write(list(parts.values()), temporary)
        if list(digests_in(temporary)) != expected:
            raise UserError(f"{path} did not come out as its parts are; nothing was removed.")
        temporary.chmod(0o644)  # mkstemp's files are private
        temporary.replace(path)
        sync_folder(captures)
    except OSError as error:
        raise UserError(
            f"{path} could not be written ({error.strerror or error}); no part was removed: "
            "make room or mend the disk, then run the same command again."
        ) from None
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
    for part in parts:
        part.unlink()
    sync_folder(captures)
    return path


def _write(parts: Sequence[pa.Table], path: Path) -> None:
    """The rows of ``parts`` one after another, as uncompressed Parquet, on the disk.

    Row groups are small, so that one capture is read without its neighbours, and have statistics
    of roles and settings, so that those without any wanted capture are passed over.
    """
    schema = parts[0].schema
    positions = schema.field("setting").type
    with path.open("wb") as sink:
        with pq.ParquetWriter(
            sink,
            schema,
            version="2.6",
            data_page_version="1.0",
            compression="none",
            use_dictionary=False,
            write_statistics=["role", *(f"setting.{field.name}" for field in positions)],
            write_page_checksum=True,
            store_schema=True,
        ) as writer:
            held: list[pa.Table] = []
            size = 0
            for row in (part.slice(at, 1) for part in parts for at in range(len(part))):
                own = row.nbytes
                if held and (size + own > GROUP or len(held) == MOST_ROWS):
                    writer.write_table(pa.concat_tables(held), MOST_ROWS)
                    held, size = [], 0
                held.append(row)
                size += own
            writer.write_table(pa.concat_tables(held), MOST_ROWS)
        sink.flush()
        os.fsync(sink.fileno())


def _remove_merged(folder: Path) -> None:
    """Remove parts whose captures all lie in larger ones, the same to the byte."""
    own: dict[str, set[str]] = {}
    holders: dict[str, set[str]] = {}
    for name, part in read_names(folder):
        own.setdefault(part, set()).add(name)
        holders.setdefault(name, set()).add(part)
    twice = {part for parts in holders.values() if len(parts) > 1 for part in parts}
    captures = captures_folder(folder)
    known = {part: dict(digests_in(captures / part)) for part in twice}
    # The smallest first: what a compaction merged is smaller than what it was merged into. Of two
    # copies, the one under a name of its own.
    for part in sorted(twice, key=lambda p: (len(own[p]), p.removesuffix(".parquet") in own[p], p)):
        others = [other for other in known if other != part]
        if all(
            any(known[other].get(name) == digest for other in others)
            for name, digest in known[part].items()
        ):
            (captures / part).unlink()
            del known[part]
    if twice:
        sync_folder(captures)
