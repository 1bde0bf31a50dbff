"""What all imports have in common: whose captures they are, and adding them to a dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dataset.exports.base import ABOUT
from dataset.parts import Capture, captures_folder, write_dry, write_part
from dataset.schema import KnobRow
from dataset.signals import Dry
from dataset.store import Dataset
from dataset.store.ledger import Ledger
from dataset.store.rows import part_paths
from rigs.audio import SAMPLE_RATE
from rigs.errors import UserError
from rigs.files import make_folder, only_one, remove_leftovers
from rigs.knobs import KnobTable

MOST_BYTES = 64 << 20
"""Of a JSON or CSV file that is read."""
MOST_CAPTURES = 1 << 20


@dataclass(frozen=True)
class Imported:
    """``added`` captures were not there before, ``held`` were. ``notes`` is for a person."""

    added: int
    held: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Options:
    """What a folder does not say of itself; ``pack`` is for WAVs with settings in their names."""

    pack: Any = None
    on_capture: Callable[[int], None] = field(default=lambda done: None)


Import = Callable[[Path, Path, Options], Imported]
"""Adds the captures of a source folder to a device's folder, which may not be there yet. Raises
UserError if they do not belong there, or are damaged; what was added by then stays."""


class About(BaseModel):
    """An export's own file."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)
    export: str = Field(max_length=40)
    version: int
    device: str = Field(min_length=1, max_length=200)
    sample_rate: int
    knobs: list[KnobRow] = Field(min_length=1, max_length=1000)

    @property
    def table(self) -> KnobTable:
        return KnobTable.from_json([row.model_dump() for row in self.knobs])


def read_text(path: Path) -> str:
    """A text file of bounded size; raises UserError."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise UserError(f"{path} is larger than 64 MiB; no file of an export is.")
        return data.decode("utf-8-sig")
    except FileNotFoundError:
        raise UserError(f"There is no file {path}; export the dataset again.") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}); export the dataset again.") from None


def read_about(folder: Path) -> About:
    """Raises UserError if the file is no export's, or of a version this ampsweep does not know."""
    path = folder / ABOUT
    try:
        about = About.model_validate_json(read_text(path))
        about.table  # noqa: B018  (which raises if it is none)
    except (ValidationError, ValueError, UserError) as error:
        reason = str(error).splitlines()[0].rstrip(".:")
        raise UserError(f"{path} does not say what was exported: {reason}.") from None
    if about.version != 1 or about.sample_rate != SAMPLE_RATE:
        raise UserError(
            f"{path} is of version {about.version} at {about.sample_rate} Hz; this ampsweep reads "
            f"version 1 at {SAMPLE_RATE} Hz."
        )
    return about


def within(folder: Path, name: str) -> Path:
    """A file that an export names, if it lies in the export; raises UserError."""
    path = folder / name
    if not name or not path.resolve().is_relative_to(folder.resolve()):
        raise UserError(f"{folder} names a file outside of itself ({name[:80]!r}); mend it.")
    return path


class Target:
    """The dataset that captures are added to: of one device and panel, and of no other."""

    def __init__(self, folder: Path, device: str, knobs: KnobTable, whose: Path) -> None:
        """Raises UserError if ``folder`` holds captures of another device or panel."""
        self._folder, self._device, self._knobs = folder, device, knobs
        self._held: Dataset | None = None
        if part_paths(folder):
            held = self._held = Dataset.open(folder)
            if device != held.device:
                raise UserError(
                    f"{whose} is of the device {device!r}, but {folder} is of {held.device!r}; "
                    "keep each device in a folder of its own."
                )
            check_same_knobs(whose, knobs, held.knobs, folder)
        self._rows: dict[str, int] = {}
        if self._held is not None:
            self._rows = {name: row for row, name in enumerate(self._held.captures["capture_id"])}
        self._ledger = Ledger(folder, device, knobs)
        self.added = self.held = 0
        self._dries: set[str] = set()

    def add(self, capture: Capture, dry: Dry, steps: Any) -> None:
        """Put a capture on disk, with its dry, unless it is there; raises UserError if another
        capture of its name is. ``steps`` is its audio as FLAC holds it."""
        if dry.dry_id not in self._dries:
            write_dry(self._folder, dry)
            self._dries.add(dry.dry_id)
        row = self._rows.get(capture.capture_id)
        if row is not None and self._held is not None:
            there = self._held.row(row)
            setting = [np.float32(capture.setting[name]) for name in self._knobs.names]
            same = (
                there["dry_id"] == capture.dry_id
                and int(there["dry_offset"]) == capture.dry_offset
                and [np.float32(there["setting"][n]) for n in self._knobs.names] == setting
                and np.array_equal(self._held.stored(row), steps)
            )
            if not same:
                raise UserError(
                    f"Another capture named {capture.capture_id} is in {self._folder} already; "
                    "import into a folder of its own."
                )
            self.held += 1
            return
        write_part(self._folder, capture, self._knobs, self._ledger.add)
        self._rows[capture.capture_id] = -1
        self.added += 1

    def __enter__(self) -> Target:
        return self

    def __exit__(self, *_: object) -> None:
        self._ledger.note()


def check_same_knobs(whose: Path, knobs: KnobTable, theirs: KnobTable, folder: Path) -> None:
    """Raise UserError unless the two panels are the same, saying how they differ."""
    if knobs == theirs:
        return
    said = "; ".join(
        f"{name} is {_words(knobs, name)} in one and {_words(theirs, name)} in the other"
        for name in dict.fromkeys([*knobs.names, *theirs.names])
        if _words(knobs, name) != _words(theirs, name)
    )
    raise UserError(
        f"{whose} and {folder} have different knobs ({said or 'in another order'}); captures of "
        "different panels cannot lie in one dataset."
    )


def _words(knobs: KnobTable, name: str) -> str:
    for knob in knobs:
        if knob.name == name:
            steps = "/".join(knob.detents) or f"{knob.minimum:g} to {knob.maximum:g}"
            return f"{steps} {knob.unit} {knob.taper} from {knob.default:g}".replace("  ", " ")
    return "missing"


@contextmanager
def adding_to(folder: Path) -> Iterator[None]:
    """Hold a device's folder while captures are added; raises UserError if a session does."""
    captures = make_folder(captures_folder(folder))
    with only_one(captures, wait=False):
        remove_leftovers(captures)
        make_folder(folder / "dry")
        remove_leftovers(folder / "dry")
        yield
