"""A folder of WAV files whose names say at which setting each was recorded."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field, ValidationError

from dataset.checks import judge, thresholds
from dataset.flac import decode, pack
from dataset.imports.align import aligned, find_lag, settle
from dataset.imports.base import Imported, Options, Target, adding_to, read_text
from dataset.parts import Capture
from dataset.session import software
from dataset.signals import Dry, load
from dataset.store.rows import part_paths, read_rows
from rigs.audio import SAMPLE_RATE, Audio, read_wav
from rigs.errors import UserError
from rigs.knobs import Knob, KnobTable, Setting
from rigs.nam.names import compile_pattern, read_names
from rigs.nam.pack import MOST_FILES, read_pack
from rigs.paths.nam_pack import NamPackOptions

NORMALISED = re.compile(r"normali[sz]ed", re.IGNORECASE)


class NamedOptions(NamPackOptions):
    """What is to be known of a folder of WAVs; what a rig's [path] says of a NAM pack, and more."""

    folder: str = "."
    files: str = Field(default="*.wav", min_length=1, max_length=255)
    dry: str | None = Field(default=None, min_length=1, max_length=1000)
    """What was played, a file seen from the folder."""
    licence: str = Field(default="unknown", max_length=200)
    align: Literal["auto", "none", "clicks", "correlation"] = "auto"
    """auto: by ampsweep's clicks if the dry begins with them, else by correlation."""
    cut: float | None = Field(default=None, ge=0.5, le=1800)
    """Seconds of the pieces that recordings are cut into, each a capture of its own."""


def read_options(path: Path | None, changes: dict[str, Any]) -> NamedOptions:
    """The options of a TOML file's [path], with ``changes`` to them; raises UserError."""
    given: dict[str, Any] = {}
    if path is not None:
        try:
            whole = tomllib.loads(read_text(path))
        except (ValueError, RecursionError) as error:
            raise UserError(f"{path} cannot be read as TOML ({error}); mend it.") from None
        given = whole.get("path", {})
        if set(whole) - {"path"} or not isinstance(given, dict):
            raise UserError(f"{path} should hold one table, [path], and nothing else; mend it.")
    try:
        return NamedOptions.model_validate({**given, **changes})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"])) or "the options"
        what = first["msg"].removeprefix("Value error, ")
        where = f"{path}: " if path is not None else ""
        raise UserError(f"{where}{name}: {what[:1].lower()}{what[1:]}.") from None


def import_named(folder: Path, source: Path, options: Options) -> Imported:
    """Add recordings of one dry at settings that their names say to a device's ``folder``.

    The device is named by that folder. Recordings are aligned to the dry, cut to its length,
    judged as captures of a live rig are, and given the role train. The same recordings again add
    nothing.
    """
    asked = options.pack if isinstance(options.pack, NamedOptions) else NamedOptions()
    if asked.dry is None:
        raise UserError(
            f"{source} holds recordings, but not what was played: give the file with --dry."
        )
    dry_path = source / asked.dry
    dry = load(dry_path, asked.licence, clicks_first=False)
    if asked.align == "clicks" and not dry.has_clicks:
        raise UserError(f"{dry_path} does not begin with ampsweep's clicks; align by correlation.")
    files, knobs, fixed = _read_names(folder, source, asked, dry_path)
    lags = settle(_lags(files, dry, asked))
    flagged: list[str] = []
    there = part_paths(folder)
    device = read_rows(there[0])[0].device if there else folder.resolve().name
    with adding_to(folder), Target(folder, device, knobs, source) as target:
        for number, ((path, setting), lag) in enumerate(zip(files, lags, strict=True)):
            for capture, steps in _captures(path, setting, lag, dry, (device, number), asked):
                if capture.flags:
                    flagged.append(f"{path.name}: {', '.join(capture.flags)}")
                target.add(capture, dry, steps)
            options.on_capture(number + 1)
    notes = [
        f"In all recordings {name} at {word}: no knob for that." for name, word in fixed.items()
    ]
    if any(lags):
        least, most = min(lags), max(lags)
        words = f"{least}" if least == most else f"{least} to {most}"
        notes.append(f"The recordings were {words} samples behind the dry; that was removed.")
    return Imported(target.added, target.held, (*notes, *dict.fromkeys(flagged)))


def _read_names(
    folder: Path, source: Path, asked: NamedOptions, dry: Path
) -> tuple[list[tuple[Path, Setting]], KnobTable, dict[str, str]]:
    """The recordings with their settings, the panel, and what stands the same in all of them."""
    pattern = None if asked.pattern is None else compile_pattern(asked.pattern)
    within = source / asked.folder
    if dry.resolve().parent == within.resolve():
        dry = within / dry.name  # as it is met with there
    there = part_paths(folder)
    if not there:
        found = read_pack(within, asked.files, pattern, asked.ranges, asked.switches, without=dry)
        return list(found.files), found.knobs, found.fixed
    panel = read_rows(there[0])[0].knobs
    paths = [
        path
        for path in sorted(within.glob("*"))
        if path != dry and fnmatchcase(path.name.casefold(), asked.files.casefold())
    ]
    if not 1 <= len(paths) <= MOST_FILES:
        raise UserError(f"{within} holds {len(paths)} files {asked.files}; name others.")
    files = []
    names = read_names(paths, pattern)
    for path, words in names.items():
        said = {}
        for key, (name, word) in words.items():
            # What stands the same in all of them needs no knob, here as in a folder of its own.
            alike = len({other[key][1] for other in names.values()}) == 1
            if not alike or key in {own.casefold() for own in panel.names}:
                said[panel[name].name] = _position(panel[name], word)
        files.append((path, panel.check(said)))
    return files, panel, {}


def _position(knob: Knob, word: str) -> float:
    """Where ``word`` says that a knob of a panel stands; raises UserError."""
    if knob.detents:
        for index, label in enumerate(knob.detents):
            if label.casefold() == word.casefold():
                return float(index)
    try:
        return knob.check(float(word.replace(",", ".")))
    except ValueError:
        raise UserError(f"{knob.name} stands at {word!r}, which is no position of it.") from None


def _lags(files: list[tuple[Path, Setting]], dry: Dry, asked: NamedOptions) -> list[float]:
    if asked.align == "none":
        return [0.0] * len(files)
    clicked = asked.align == "clicks" or (asked.align == "auto" and dry.has_clicks)
    lags = []
    for path, _ in files:
        try:
            lags.append(find_lag(dry.audio, _read(path), clicked=clicked))
        except UserError as error:
            raise UserError(f"{path}: {error}") from None
    return lags


def _read(path: Path) -> Audio:
    return read_wav(path)[0]


def _captures(
    path: Path,
    setting: Setting,
    lag: int,
    dry: Dry,
    place: tuple[str, int],
    asked: NamedOptions,
) -> Iterator[tuple[Capture, Audio]]:
    """A recording as one capture, or as several pieces, each with its samples as stored."""
    device, number = place
    start, wet = aligned(dry.audio, _read(path), lag)
    if len(wet) < SAMPLE_RATE // 10:
        raise UserError(f"{path} has less than a tenth of a second in common with the dry.")
    named = asked.normalised
    if named is None:
        named = NORMALISED.search(path.name) is not None
    size = len(wet) if asked.cut is None else round(asked.cut * SAMPLE_RATE)
    words = repr((dry.dry_id, sorted(setting.items()), lag)).encode()
    name = hashlib.sha256(words + np.ascontiguousarray(wet, "<f4").tobytes()).hexdigest()[:16]
    recorded = datetime.fromtimestamp(int(path.stat().st_mtime), UTC)
    # The last piece has what is left over, so that none is too short to be of use.
    count = max(1, len(wet) // size)
    for piece in range(count):
        first = piece * size
        own = wet[first : first + size if piece < count - 1 else len(wet)]
        at = start + first
        verdict = judge(dry.audio[at : at + len(own)], own, False, thresholds({}))
        if verdict.fatal:
            raise UserError(f"{path} cannot be used ({', '.join(verdict.fatal)}); leave it out.")
        flac, scale = pack(own)
        capture = Capture(
            capture_id=f"import-{name}-{piece:06d}",
            plan_id="import",
            plan_index=number,
            attempt=1,
            session_id=f"import-{dry.dry_id[:8]}",
            device=device,
            rig="import",
            role="train",
            setting=setting,
            reached={},
            trajectory=None,
            trajectory_rate=None,
            dry_id=dry.dry_id,
            dry_offset=at,
            flac=flac,
            wet_scale=scale,
            frames=len(own),
            latency=float(lag),
            input_level_dbu=None,
            output_level_dbu=None,
            peak_dbfs=verdict.peak_dbfs,
            rms_dbfs=verdict.rms_dbfs,
            noise_floor_dbfs=verdict.noise_floor_dbfs,
            clipped=verdict.clipped,
            flags=(*(["normalised"] if named else []), *verdict.flags),
            started_at=recorded,
            software=software(),
        )
        yield capture, decode(flac, len(own), SAMPLE_RATE)
