"""A pack: a folder of snapshots, one a setting, that is a rig as well (`docs/nam-packs.md`).

It is made in a folder beside its own, NAME.unfinished, which takes its name when all is there: what
was interrupted never looks finished, and goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from rigs.errors import UserError
from rigs.files import make_folder, remove_leftovers, sha256_of, sync_folder, write_whole
from rigs.knobs import Setting
from training.checkpoint import Model
from training.exports.pack_names import Naming
from training.exports.snapshot import Labels, write_snapshot

RIG = "pack.toml"
UNFINISHED = "pack.unfinished"
MOST = 10_000
"""Files; what the reader takes."""


def fingerprint(model: Path, settings: list[Setting], labels: Labels) -> str:
    """Of all that a pack is made of: ``model``'s files, the settings and what is said of them."""
    parts = [sha256_of(model / name) for name in ("model.json", "model.safetensors")]
    said = json.dumps([parts, settings, asdict(labels)])
    return hashlib.sha256(said.encode()).hexdigest()


def write_pack(
    folder: Path,
    model: Model,
    settings: list[Setting],
    labels: Labels,
    date: datetime,
    made_of: str,
    progress: Callable[[int], None] = lambda _: None,
) -> bool:
    """Write the pack; returns False if it is there already, made of the same (``made_of``).

    ``progress`` is told how many files are done. Raises UserError if the settings cannot be told
    apart by name, if something else stands in ``folder``, or if it cannot be written.
    """
    naming = Naming.of(model.device, model.knobs, settings)
    files = {naming.file(setting): setting for setting in settings}
    comment = (
        f"The model {model.name!r} at {len(files)} settings: a rig like any other.",
        f"Made of {made_of}.",
    )
    rig = naming.rig(f"{naming.device}-pack", map(_one_line, comment)).encode()
    if _is_there(folder, rig, files):
        return False
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    _prepare(unfinished, rig)
    for done, (name, setting) in enumerate(files.items()):
        progress(done)
        if not (unfinished / name).exists():
            write_snapshot(unfinished / name, model, setting, labels, date)
    progress(len(files))
    _finish(unfinished, folder)
    return True


def _is_there(folder: Path, rig: bytes, files: Mapping[str, Setting]) -> bool:
    """Raises UserError if another thing is there."""
    if not folder.exists():
        return False
    if not folder.is_dir():
        raise UserError(f"{folder} is a file; a pack is a folder: give another name.")
    names = {path.name for path in folder.iterdir()}
    if not names:
        return False
    if names >= {RIG, *files} and (folder / RIG).read_bytes() == rig:
        return True
    raise UserError(
        f"{folder} holds another pack or other files; remove it, or name another folder."
    )


def _prepare(unfinished: Path, rig: bytes) -> None:
    """Leave in ``unfinished`` only what belongs to this pack; raises UserError if it is not one."""
    make_folder(unfinished)
    remove_leftovers(unfinished)
    marks = [unfinished / name for name in (UNFINISHED, RIG)]
    found = next((mark for mark in marks if mark.is_file()), None)
    if found is None and any(unfinished.iterdir()):
        raise UserError(f"{unfinished} holds files that are no part of a pack; move it away.")
    if found is None or found.read_bytes() != rig:
        for path in unfinished.glob("*.nam"):
            path.unlink()
        marks[1].unlink(missing_ok=True)
        write_whole(marks[0], rig)


def _finish(unfinished: Path, folder: Path) -> None:
    try:
        if (unfinished / UNFINISHED).exists():
            (unfinished / UNFINISHED).replace(unfinished / RIG)
            sync_folder(unfinished)
        if folder.exists():  # and is empty
            folder.rmdir()
        unfinished.replace(folder)
        sync_folder(folder.parent)
    except OSError as error:
        raise UserError(
            f"The pack is whole, but {unfinished} could not be renamed to {folder} "
            f"({error.strerror or error}); run the same command again."
        ) from None


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)
