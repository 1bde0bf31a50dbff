"""Reading all parts, one by one: what is wrong with one says nothing of the others."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow as pa

from dataset.offline.report import Finding
from dataset.parts import captures_folder
from dataset.review import apply_review
from dataset.schema import Header, check_same, open_parquet
from dataset.store import Dataset
from dataset.store.rows import read_rows, some_parts, to_frame
from rigs.errors import UserError

MAX_NAMED = 20
"""Files that are nobody's are named up to so many."""


def read_all(folder: Path) -> tuple[Dataset | None, list[Finding]]:
    """The captures that can be read, reviewed, and what is wrong with the other parts.

    None if nothing can be read. Raises UserError if there are no captures at all.
    """
    paths = some_parts(folder)
    findings = _strangers(folder)
    read: list[tuple[Path, Header, pa.Table]] = []
    for path in paths:
        try:
            if path.is_symlink() and not path.exists():
                raise UserError(f"{path} is a link to nothing; restore it with `dvc checkout`.")
            read.append((path, *read_rows(path)))
            findings += _rewritten(path)
        except UserError as error:
            findings.append(Finding("damaged", path.name, str(error)))
    if not read:
        return None, findings
    # The device is what most parts are of: a stranger's single part does not make it one.
    (device, knobs), _ = Counter((h.device, h.knobs) for _, h, _ in read).most_common(1)[0]
    ours = []
    for path, header, table in read:
        try:
            check_same(path, header, device, knobs, "most of this folder")
            ours.append((path, table))
        except UserError as error:
            findings.append(Finding("another device", path.name, str(error)))
    frame = to_frame(ours)
    try:
        frame = apply_review(frame, folder)
    except UserError as error:
        findings.append(Finding("damaged", "review.parquet", str(error)))
    return Dataset(folder, device, knobs, frame), findings


def _strangers(folder: Path) -> list[Finding]:
    names = sorted(
        path.name
        for path in captures_folder(folder).iterdir()
        if path.suffix != ".parquet" and not path.name.startswith(".")
    )
    said = [Finding("stray file", name, "No reader looks at it.", False) for name in names]
    if len(said) > MAX_NAMED:
        rest = len(said) - MAX_NAMED
        said[MAX_NAMED:] = [Finding("stray file", "…", f"{rest} more.", False)]
    return said


def _rewritten(path: Path) -> list[Finding]:
    """Parts are never compressed nor given dictionaries: pandas, for one, does both."""
    file = open_parquet(path)
    for group in range(file.metadata.num_row_groups):
        column = file.metadata.row_group(group).column(0)
        if column.compression != "UNCOMPRESSED" or column.has_dictionary_page:
            words = (
                "Another program has written this part again, perhaps with other values; restore "
                "it from a backup or with `dvc checkout`."
            )
            return [Finding("rewritten", path.name, words)]
    return []
