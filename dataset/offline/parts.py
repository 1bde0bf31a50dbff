"""Reading all parts, one by one: what is wrong with one says nothing of the others."""

from __future__ import annotations

from pathlib import Path

from dataset.layout import read_layout
from dataset.offline.report import Finding
from dataset.offline.seals import as_written
from dataset.parts import captures_folder
from dataset.review import apply_review
from dataset.schema import check_same
from dataset.store import Dataset
from dataset.store.rows import framed, some_parts
from dataset.store.scan import Progress, scan_each
from rigs.errors import UserError

MAX_NAMED = 20
"""Files that are nobody's are named up to so many."""


def read_all(folder: Path, progress: Progress) -> tuple[Dataset | None, list[Finding]]:
    """The captures that can be read, reviewed, and what is wrong with the other parts.

    Every part is read: to the digest of what a session wrote, or, if it has another or none is
    known, to its rows. None if nothing can be read. Raises UserError if there are no captures.
    """
    paths = some_parts(folder)
    findings = _strangers(folder)
    rewritten: list[str] = []

    def look(path: Path) -> None:
        if _is_rewritten(path):
            rewritten.append(path.name)

    known, changed = as_written(folder, paths)
    found, damaged = scan_each(paths, known, progress, look)
    for path, error in damaged:
        lost = path.is_symlink() and not path.exists()
        words = f"{path} is a link to nothing; restore it with `dvc checkout`."
        findings.append(Finding("damaged", path.name, words if lost else str(error)))
    findings += [Finding("rewritten", name, _REWRITTEN) for name in sorted(rewritten)]
    named = {*rewritten, *(path.name for path, _ in damaged)}
    findings += [Finding("edited", name, _CHANGED) for name in changed if name not in named]
    if not found:
        return None, findings
    # The device is what most parts are of: a stranger's single part does not make it one.
    ours = max(found, key=lambda one: len(one.table["part"].unique()))
    for other in found:
        if other is not ours:
            for name in other.table["part"].unique().to_pylist():
                path = captures_folder(folder) / name
                try:
                    check_same(path, other.header, *ours.panel, "most of this folder")
                except UserError as error:
                    findings.append(Finding("another device", name, str(error)))
    frame = framed(folder, ours.table)
    try:
        frame = apply_review(frame, folder)
    except UserError as error:
        findings.append(Finding("damaged", "review.parquet", str(error)))
    return Dataset(folder, *ours.panel, frame), findings


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


_CHANGED = (
    "It is not, byte for byte, what the session wrote; restore it from a backup or with "
    "`dvc checkout`."
)
_REWRITTEN = (
    "Another program has written this part again, perhaps with other values; restore it from a "
    "backup or with `dvc checkout`."
)


def _is_rewritten(path: Path) -> bool:
    """Parts are never compressed nor given dictionaries: pandas, for one, does both."""
    columns = [group.columns[0] for group in read_layout(path)]
    return any(column.codec != "UNCOMPRESSED" or column.has_dictionary for column in columns)
