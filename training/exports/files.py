"""Putting an export where a person asked for it."""

from __future__ import annotations

from pathlib import Path

from rigs.errors import UserError
from rigs.files import make_folder, write_whole


def write_export(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path``, whole or not at all; its folder is made if there is none.

    Raises UserError if it cannot be written, or if something other than a file stands there.
    """
    if path.is_dir():
        raise UserError(f"{path} is a folder; give the name of a file to write.")
    if path.exists() and not path.is_file():  # a device would be replaced by a file
        raise UserError(f"{path} is not an ordinary file; give another name to write to.")
    make_folder(path.parent)
    write_whole(path, data)
