"""What of a plan lies in a device's folder already."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from dataset.parts import captures_folder, dry_path
from dataset.plan import Plan
from dataset.schema import check_same
from dataset.session.events import SetAside
from dataset.signals import Dry
from dataset.store.rows import part_paths
from dataset.store.scan import Scanned, scan
from rigs.errors import UserError
from rigs.files import make_folder, sync_folder

DAMAGED = "damaged"
"""The folder, beside the captures', of parts that were cut short."""

_ONE_CAPTURE = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{4}-\d{6}")
"""A part as a session writes it; one that holds many is never moved."""


def held_indices(folder: Path, plan: Plan) -> set[int]:
    """The indices of ``plan`` that have a part under a device's ``folder``.

    Captures of a plan that this one extends are among them. Parts of other plans may lie there
    too. Raises UserError for a part that is damaged or of another device or panel.
    """
    held: set[int] = set()
    for found in scan(folder, part_paths(folder)):
        check_same(found.first, found.header, plan.device, plan.knobs, "the plan")
        of_plan = (index for _, of, index in _entries(found) if plan.asks_for(of, index))
        held.update(index for index in of_plan if index is not None)
    return held


def _entries(found: Scanned) -> Iterator[tuple[str, str | None, int | None]]:
    """Of each capture: its part's name, and the plan and entry that it fulfils."""
    names = ("part", "plan_id", "plan_index")
    return zip(*(found.table[name].to_pylist() for name in names), strict=True)


def set_aside_cut(folder: Path, on_event: Callable[[SetAside], None]) -> None:
    """Move the newest captures out of the way that are cut short, as a power cut may leave them.

    A disk may lose what it said was written, but only what was written last: such a part is moved
    to the folder ``damaged`` and captured again. Any other damage is not the session's to judge.
    Raises UserError if it cannot be moved.
    """
    for path in sorted(captures_folder(folder).glob("*.parquet"), reverse=True):
        if not _ONE_CAPTURE.fullmatch(path.stem) or not path.is_file() or not _is_cut(path):
            return
        to = make_folder(folder / DAMAGED) / path.name
        number = 1
        while to.exists():
            number += 1
            to = to.with_name(f"{path.stem}-{number}.parquet")
        try:
            path.rename(to)
            sync_folder(path.parent)
        except OSError as error:
            raise UserError(
                f"{path} was cut short and cannot be moved away ({error.strerror or error}); "
                "move it, to have it captured again."
            ) from None
        on_event(SetAside(path, to))


def _is_cut(path: Path) -> bool:
    """Whether the file has no end, as Parquet's last four bytes say it."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 4))
        return file.read(4) != b"PAR1"


def forget_other_plans(folder: Path, plan: Plan, dries: Iterable[str]) -> None:
    """Remove a simulation's captures that are not of ``plan``, and dries that it does not play.

    They can be made again at any time, and what lies under ``folder`` must follow from the plan
    alone. Raises UserError for a part that is damaged or of another device.
    """
    for found in scan(folder, part_paths(folder)):
        if found.header.device != plan.device:
            check_same(found.first, found.header, plan.device, plan.knobs, "the plan")
        same_panel = found.header.knobs == plan.knobs
        others = {
            part
            for part, of, index in _entries(found)
            if not (same_panel and plan.asks_for(of, index))
        }
        for part in sorted(others):
            (captures_folder(folder) / part).unlink()
    wanted = {dry_path(folder, dry_id) for dry_id in dries}
    for path in (folder / "dry").glob("*.parquet"):
        if path not in wanted:
            path.unlink()


def by_id(plan: Plan, dries: Iterable[Dry]) -> dict[str, Dry]:
    """The dries by their ids; raises UserError if the plan plays one that is not there."""
    found = {dry.dry_id: dry for dry in dries}
    for entry in plan.entries:
        dry = found.get(entry.dry_id)
        if dry is None:
            raise UserError(
                f"The plan plays the dry {entry.dry_id[:16]}, which is not there; make the plan "
                "again, so that its dry signals are made with it."
            )
        if entry.dry_offset + entry.frames > dry.frames:
            raise UserError(
                f"Entry {entry.index} of the plan ends after the dry {dry.name!r} does; make the "
                "plan again."
            )
    return found
