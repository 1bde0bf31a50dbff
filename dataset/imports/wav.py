"""Plain WAV files with tables, as `export --to wav` writes them."""

from __future__ import annotations

import csv
import io
import math
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from dataset.exports.wav import CAPTURES, DRIES, KNOB, REACHED
from dataset.flac import encode
from dataset.imports.base import (
    MOST_CAPTURES,
    Imported,
    Options,
    Target,
    adding_to,
    read_about,
    read_text,
    within,
)
from dataset.parts import Capture
from dataset.schema import MAX_FRAMES, ROLES
from dataset.signals import Dry
from rigs.audio import SAMPLE_RATE, Audio, read_wav, to_int24
from rigs.errors import UserError
from rigs.knobs import KnobTable, Setting
from rigs.trajectory import Trajectory

NAME = r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,200}$"
"""Of a capture: it becomes a file's name."""


class Facts(BaseModel):
    """A capture's columns in an export. Raises ValidationError for what no capture can be."""

    model_config = ConfigDict(extra="ignore")
    capture_id: str = Field(pattern=NAME)
    plan_id: str = Field("", max_length=200)
    plan_index: int = Field(0, ge=-(1 << 31), lt=1 << 31)
    attempt: int = Field(1, ge=0, lt=1 << 31)
    session_id: str = Field("", max_length=200)
    rig: str = Field("", max_length=200)
    role: str
    setting: Setting
    reached: dict[str, float | None] = {}
    trajectory_rate: float | None = None
    dry_offset: int = Field(0, ge=0, lt=1 << 40)
    frames: int = Field(gt=0, le=MAX_FRAMES)
    wet_scale: float = Field(gt=0, allow_inf_nan=False)
    latency: float = 0.0
    input_level_dbu: float | None = None
    output_level_dbu: float | None = None
    peak_dbfs: float
    rms_dbfs: float
    noise_floor_dbfs: float
    clipped: int = Field(0, ge=0, lt=1 << 31)
    flags: list[str] = Field([], max_length=100)
    started_at: datetime
    software: str = Field("", max_length=200)

    @field_validator("role")
    @classmethod
    def _is_one(cls, role: str) -> str:
        if role not in ROLES:
            raise ValueError(f"there is no role {role[:40]!r}")
        return role

    def capture(self, device: str, knobs: KnobTable, dry: Dry, steps: Any, moved: Any) -> Capture:
        """The row to be stored, with ``steps``, whole 24-bit steps of shape (frames,), as audio.

        Raises UserError if the setting is not on the panel.
        """
        started = self.started_at
        fields = self.model_dump(exclude={"reached", "flags", "setting", "started_at"})
        return Capture(
            **fields,
            device=device,
            setting=_on_panel(knobs, self.setting),
            reached={k: v for k, v in self.reached.items() if v is not None and k in knobs.names},
            trajectory=moved,
            dry_id=dry.dry_id,
            flac=encode(to_int24(steps)),
            flags=tuple(self.flags),
            started_at=started if started.tzinfo else started.replace(tzinfo=UTC),
        )


def _on_panel(knobs: KnobTable, setting: Setting) -> Setting:
    """``setting`` within float32's rounding; raises UserError if it is off the panel."""
    still = Trajectory.still(knobs, {name: setting[name] for name in knobs.names})
    still.check(knobs)
    return knobs.to_setting(still.positions[0])


def import_wav(folder: Path, source: Path, options: Options) -> Imported:
    """Add what `export --to wav` wrote to a device's ``folder``: the same samples and columns."""
    about = read_about(source)
    knobs = about.table
    with adding_to(folder), Target(folder, about.device, knobs, source) as target:
        dry_of = _dries(source)
        for number, row in enumerate(_table(source / CAPTURES), 1):
            where = f"{source / CAPTURES}, line {number + 1}"
            facts = _facts(row, knobs, where)
            dry = dry_of(str(row.get("dry") or ""))
            moved = None
            if facts.trajectory_rate is not None:
                moved = _trajectory(within(source, f"trajectories/{facts.capture_id}.csv"), knobs)
            steps = exact(within(source, row.get("wet") or ""), facts.frames)
            if facts.dry_offset + facts.frames > dry.frames:
                raise UserError(f"{where}: the capture ends after its dry; mend the table.")
            target.add(facts.capture(about.device, knobs, dry, steps, moved), dry, steps)
            options.on_capture(number)
    return Imported(target.added, target.held)


def exact(path: Path, frames: int | None = None) -> Audio:
    """The samples of a 24-bit WAV at 48 kHz, exactly; raises UserError if it is none."""
    if not path.is_file():
        raise UserError(f"There is no file {path}; export the dataset again.")
    try:
        info = soundfile.info(path)
    except (soundfile.SoundFileError, OSError) as error:
        raise UserError(f"{path} cannot be read as audio ({error}); export it again.") from None
    if (info.samplerate, info.channels) != (SAMPLE_RATE, 1) or info.subtype != "PCM_24":
        raise UserError(
            f"{path} is {info.subtype} at {info.samplerate} Hz with {info.channels} channels, not "
            "the mono 24-bit WAV at 48000 Hz that was exported; export it again."
        )
    if frames is not None and info.frames != frames:
        raise UserError(f"{path} has {info.frames} frames, not {frames}; export it again.")
    return read_wav(path)[0]


def _dries(source: Path) -> Any:
    facts = {row["file"]: row for row in _table(source / DRIES) if row.get("file")}

    @lru_cache(maxsize=4)
    def read(file: str) -> Dry:
        if file not in facts:
            raise UserError(f"{source / DRIES} has no line for {file[:80]!r}; mend the table.")
        said = facts[file]
        words = [(said.get(key) or "")[:200] for key in ("name", "kind", "licence")]
        dry = Dry(words[0], words[1] or "file", words[2], exact(within(source, file)))
        if said.get("dry_id") and said["dry_id"] != dry.dry_id:
            raise UserError(f"{source / file} is not the dry that was exported; export it again.")
        return dry

    return read


def _table(path: Path) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = []
    try:
        for row in csv.DictReader(io.StringIO(read_text(path), newline="")):
            rows.append({k: v for k, v in row.items() if isinstance(k, str) and v is not None})
            if len(rows) > MOST_CAPTURES:
                raise UserError(f"{path} has more than a million lines; mend it.")
    except csv.Error as error:
        raise UserError(f"{path} is no table ({error}); export the dataset again.") from None
    return rows


def _facts(row: dict[str, str], knobs: KnobTable, where: str) -> Facts:
    given: dict[str, Any] = {name: value for name, value in row.items() if value != ""}
    given["setting"] = {n: row[f"{KNOB}{n}"] for n in knobs.names if row.get(f"{KNOB}{n}")}
    given["reached"] = {n: row[f"{REACHED}{n}"] for n in knobs.names if row.get(f"{REACHED}{n}")}
    given["flags"] = [flag for flag in row.get("flags", "").split("; ") if flag]
    return checked(given, knobs, where)


def checked(given: dict[str, Any], knobs: KnobTable, where: str) -> Facts:
    """A capture's columns as they were exported; raises UserError for what no capture can be."""
    try:
        facts = Facts.model_validate(given)
        missing = [name for name in knobs.names if name not in facts.setting]
        if missing:
            raise ValueError(f"no position of {missing[0]} is given")
        _on_panel(knobs, facts.setting)
        for name in ("peak_dbfs", "rms_dbfs", "noise_floor_dbfs", "latency"):
            if math.isnan(getattr(facts, name)):
                raise ValueError(f"{name} is not a number")
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        raise UserError(f"{where}: {name}: {first['msg'].lower()}; mend the table.") from None
    except (ValueError, UserError) as error:
        raise UserError(f"{where}: {str(error).rstrip('.')}; mend the table.") from None
    return facts


def _trajectory(path: Path, knobs: KnobTable) -> list[float]:
    rows = _table(path)
    try:
        positions = np.array([[float(row[n]) for n in knobs.names] for row in rows], np.float32)
        Trajectory(positions.reshape(-1, len(knobs))).check(knobs)
    except (KeyError, ValueError, UserError) as error:
        raise UserError(f"{path} holds no trajectory of these knobs ({error}).") from None
    flat: list[float] = positions.ravel().tolist()
    return flat
