"""Captures made elsewhere, or exported by ampsweep. A new source is one file and one line here."""

from __future__ import annotations

from pathlib import Path

from dataset.exports.base import ABOUT
from dataset.imports.base import Import, Imported, Options, read_about
from dataset.imports.dataset import import_dataset
from dataset.imports.named import import_named
from dataset.imports.pairs import import_pairs
from dataset.imports.wav import import_wav
from rigs.errors import UserError

IMPORTS: dict[str, Import] = {
    "dataset": import_dataset,
    "huggingface": import_dataset,
    "nam": import_pairs,
    "wav": import_wav,
    "names": import_named,
}
"""What a folder can be; "names": WAV files with settings in their names."""


def kind_of(folder: Path) -> str:
    """Which of IMPORTS a folder is; raises UserError if it is none."""
    if not folder.is_dir():
        raise UserError(f"There is no folder {folder}; name one with captures in it.")
    if (folder / ABOUT).is_file():
        kind = read_about(folder).export
        if kind in IMPORTS:
            return kind
    if (folder / "captures").is_dir() or any((folder / "data").glob("*.parquet")):
        return "dataset"
    return "names"


__all__ = ["IMPORTS", "Imported", "Options", "kind_of"]
