"""Another ampsweep dataset of the same device, or a Hugging Face folder that was made of one."""

from __future__ import annotations

from pathlib import Path

from dataset.imports.base import Imported, Options, Target, adding_to
from dataset.parts import captures_folder, dry_path, read_dry, write_dry
from dataset.review import Verdict, read_review, revise
from dataset.schema import check_same, to_bytes
from dataset.store.identity import digests_in, whole_groups
from dataset.store.rows import part_paths, read_rows
from rigs.errors import UserError
from rigs.files import write_whole


def import_dataset(folder: Path, source: Path, options: Options) -> Imported:
    """Add the captures of another dataset of the same device and panel to a device's ``folder``.

    Parts are copied as they are, to the byte; of a part that is there in some of its captures, the
    others are copied. The source's verdicts come along for what was added.
    """
    parts = part_paths(source) or sorted((source / "data").glob("*.parquet"))
    if not parts:
        raise UserError(f"There are no captures in {source}; name the folder of a device.")
    if captures_folder(source).resolve() == captures_folder(folder).resolve():
        raise UserError(f"{source} is the dataset itself; name another one.")
    headers = [read_rows(part)[0] for part in parts]
    for part, header in zip(parts, headers, strict=True):
        check_same(part, header, headers[0].device, headers[0].knobs, parts[0].name)
    with adding_to(folder):
        Target(folder, headers[0].device, headers[0].knobs, source)  # which checks that they fit
        there = _digests(folder)
        dries: set[str] = set()
        added: list[str] = []
        held = 0
        for part in parts:
            own = list(digests_in(part))
            for name, digest in own:
                if there.get(name, digest) != digest:
                    raise UserError(
                        f"Another capture named {name} is in {folder} already; import {part} into "
                        "a folder of its own."
                    )
            new = [name for name, _ in own if name not in there]
            held += len(own) - len(new)
            if new:
                _bring_dries(source, folder, part, dries)
                _copy(part, captures_folder(folder), new, whole=len(new) == len(own))
            there.update(own)
            added += new
            options.on_capture(len(added) + held)
        _bring_verdicts(source, folder, set(added))
    return Imported(len(added), held)


def _digests(folder: Path) -> dict[str, str]:
    return {name: digest for path in part_paths(folder) for name, digest in digests_in(path)}


def _bring_dries(source: Path, folder: Path, part: Path, brought: set[str]) -> None:
    _, rows = read_rows(part)
    for dry_id in rows["dry_id"].unique().to_pylist():
        if dry_id not in brought:
            if dry_path(folder, dry_id).exists():
                write_dry(folder, read_dry(source, dry_id))  # which checks that it is the same
            else:
                read_dry(source, dry_id)
                write_whole(dry_path(folder, dry_id), dry_path(source, dry_id).read_bytes())
            brought.add(dry_id)


def _copy(part: Path, captures: Path, names: list[str], *, whole: bool) -> None:
    """Copy a part, or those of its captures that are wanted, under a name that is free."""
    if whole and not (captures / part.name).exists():
        write_whole(captures / part.name, part.read_bytes())
        return
    wanted = set(names)
    for table in whole_groups(part):
        for row in range(len(table)):
            name = table["capture_id"][row].as_py()
            if name in wanted:
                path = captures / f"{name}.parquet"
                if path.exists():
                    raise UserError(f"{path} holds other captures; move it away.")
                write_whole(path, to_bytes(table.slice(row, 1)))


def _bring_verdicts(source: Path, folder: Path, added: set[str]) -> None:
    verdicts = {
        row["capture_id"]: Verdict(
            row["role"],
            None if row["flags"] is None else tuple(row["flags"]),
            row["excluded"],
            row["reason"],
        )
        for row in read_review(source).to_dict("records")
        if row["capture_id"] in added
    }
    if verdicts:
        revise(folder, verdicts)
