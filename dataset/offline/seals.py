"""Parts that are to the byte what a session wrote: what it noted of them is what they hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from dataset.ahead import in_order
from dataset.store.index import looks_of
from dataset.store.scan import Scanned, noted
from rigs.files import sha256_of


def as_written(folder: Path, paths: Sequence[Path]) -> tuple[list[Scanned], list[str]]:
    """The rows of those of ``paths`` that are as noted, and the names of those that are not.

    ``paths``: parts under a device's ``folder``. Of what no session has noted nothing is said; the
    rows of what looks otherwise than when it was noted are left to be read.
    """
    known, digests = noted(folder, looks_of(folder, paths))
    sealed = [path for path in paths if path.name in digests]
    whole: list[str] = []
    broken: list[str] = []
    for path, digest in zip(sealed, in_order(_digest, sealed), strict=True):
        (whole if digest == digests[path.name] else broken).append(path.name)
    vouched = pa.array(whole, pa.string())
    tables = [one.table.filter(pc.is_in(one.table["part"], vouched)) for one in known]
    pairs = zip(known, tables, strict=True)
    return [replace(one, table=table) for one, table in pairs if len(table)], broken


def _digest(path: Path) -> str | None:
    try:
        return sha256_of(path)
    except OSError:
        return None
