"""What a session notes of the parts it writes, so that the next reader need not open them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa

from dataset.schema import Header
from dataset.store.index import (
    FROM,
    SMALL_COLUMNS,
    index_path,
    looks_of,
    placed,
    read_index,
    write_index,
)
from dataset.store.rows import part_paths
from rigs.files import sha256_of
from rigs.knobs import KnobTable

EVERY = 256
"""Parts that are written before they are noted; of very many, one in thirty-two."""


class Ledger:
    """Keeps the index of a device's ``folder`` up to date while its only writer appends to it.

    A part is on disk before it is noted. What a writer that is killed has not noted yet is read
    by whoever opens the dataset next. Nothing that goes wrong with the index is told: it only
    saves time. Leaving the context notes what is left.
    """

    def __init__(self, folder: Path, device: str, knobs: KnobTable) -> None:
        self._folder = folder
        self._header = Header(device, knobs, 0)
        self._new: list[pa.Table] = []
        self._looks: dict[str, tuple[int, int]] = {}
        self._digests: dict[str, str] = {}
        self._earlier: Mapping[str, str] | None = None
        self._known: pa.Table | None = None

    def add(self, path: Path, table: pa.Table) -> None:
        """``table`` was written to ``path``: all of its columns, as they are there."""
        try:
            stat, digest = path.stat(), sha256_of(path)
        except OSError:
            return
        self._forget_another(path.name, digest)
        self._digests[path.name] = digest
        self._looks[path.name] = (stat.st_size, stat.st_mtime_ns)
        small = table.select(SMALL_COLUMNS)
        self._new.append(placed(small, path.name, np.arange(len(table))))
        known = 0 if self._known is None else len(self._known)
        if len(self._new) >= max(EVERY, known // 32):
            self.note()

    def _forget_another(self, name: str, digest: str) -> None:
        """A simulation made again may write other bytes under a name: nobody has edited them."""
        if self._earlier is None:
            noted = read_index(self._folder, {})
            self._earlier = {} if noted is None else noted.digests
        if self._earlier.get(name, digest) != digest:
            with suppress(OSError):
                index_path(self._folder).unlink(missing_ok=True)
            self._earlier = {}

    def note(self) -> None:
        """Bring the index up to date, if there are enough parts for one."""
        if not self._new:
            return
        if self._known is None:
            self._known = self._before()
        self._known = pa.concat_tables([self._known, *self._new]).combine_chunks()
        self._new = []
        if len(self._looks) >= FROM:
            write_index(self._folder, self._known, self._looks, self._header, self._digests)

    def _before(self) -> pa.Table:
        """What was noted before this writer began; of its own parts nothing was."""
        looks = looks_of(self._folder, part_paths(self._folder))
        noted = read_index(self._folder, {k: v for k, v in looks.items() if k not in self._looks})
        nothing = self._new[0].slice(0, 0)
        if noted is None:
            return nothing
        if (noted.header.device, noted.header.knobs) != (self._header.device, self._header.knobs):
            return nothing
        before = noted.table["part"].to_pylist()
        self._looks = {name: looks[name] for name in before} | self._looks
        self._digests = {**noted.digests, **self._digests}
        return noted.table

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.note()
