"""The capture session: works through a plan, and can be killed at any moment."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from dataset.checks import Verdict, faults, judge, thresholds
from dataset.flac import pack
from dataset.parts import (
    Capture,
    captures_folder,
    dry_path,
    part_path,
    write_dry,
    write_part,
)
from dataset.plan import Plan, PlanEntry
from dataset.schema import check_same, open_parquet, read_header, read_table
from dataset.signals import Dry
from dataset.writer import Writer
from rigs.audio import SAMPLE_RATE
from rigs.errors import DeviceLost, UserError
from rigs.files import make_folder, only_one, remove_leftovers
from rigs.opened import PATIENCE, Opened
from rigs.rig import Ask, Audio, Moved, Recording, Rig, nobody

SIMULATED_START = datetime(2000, 1, 1, tzinfo=UTC)
"""When a simulation is said to begin, so that its parts are the same on any day."""


@dataclass(frozen=True)
class Planned:
    """The session knows what is to be done: ``held`` of ``total`` captures are on disk."""

    total: int
    held: int
    seconds_total: float
    seconds_held: float


@dataclass(frozen=True)
class Started:
    """A capture begins."""

    entry: PlanEntry
    attempt: int


@dataclass(frozen=True)
class Progressed:
    """So many seconds of the capture's audio are done."""

    entry: PlanEntry
    seconds: float


@dataclass(frozen=True)
class Retrying:
    """A take was refused, and another one follows."""

    entry: PlanEntry
    attempt: int
    flags: tuple[str, ...]


@dataclass(frozen=True)
class Paused:
    """The connection to the rig broke; the capture is repeated when it is back."""

    entry: PlanEntry
    reason: str


@dataclass(frozen=True)
class Kept:
    """A capture is on disk."""

    entry: PlanEntry
    path: Path
    flags: tuple[str, ...]


Event = Planned | Started | Progressed | Retrying | Paused | Kept


@dataclass(frozen=True)
class Summary:
    """What a session did. ``flagged`` counts those of its own captures that have flags."""

    captured: int
    held: int
    flagged: int


@lru_cache(maxsize=1)
def software() -> str:
    """This ampsweep's name and version."""
    try:
        return f"ampsweep {version('ampsweep')}"
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "ampsweep"


def held_indices(folder: Path, plan: Plan) -> set[int]:
    """The indices of ``plan`` that have a part under a device's ``folder``.

    Parts of other plans may lie there too. Raises UserError for a part that is damaged or of
    another device or panel.
    """
    held: set[int] = set()
    plan_id = plan.plan_id
    for path in sorted(captures_folder(folder).glob("*.parquet")):
        file = open_parquet(path)
        check_same(path, read_header(path, file), plan.device, plan.knobs, "the plan")
        table = read_table(path, file, ["plan_id", "plan_index"])
        for row in table.to_pylist():
            if row["plan_id"] == plan_id:
                held.add(row["plan_index"])
    return held


def _forget_other_plans(folder: Path, plan: Plan, dries: Iterable[str]) -> None:
    """Remove a simulation's captures that are not of ``plan``, and dries that it does not play.

    They can be made again at any time, and what lies under ``folder`` must follow from the plan
    alone. Raises UserError for a part that is damaged or of another device.
    """
    for path in sorted(captures_folder(folder).glob("*.parquet")):
        file = open_parquet(path)
        header = read_header(path, file)
        if header.device != plan.device:
            check_same(path, header, plan.device, plan.knobs, "the plan")
        ids = read_table(path, file, ["plan_id"]).column("plan_id").to_pylist()
        if header.knobs != plan.knobs or set(ids) != {plan.plan_id}:
            path.unlink()
    wanted = {dry_path(folder, dry_id) for dry_id in dries}
    for path in (folder / "dry").glob("*.parquet"):
        if path not in wanted:
            path.unlink()


def _by_id(plan: Plan, dries: Iterable[Dry]) -> dict[str, Dry]:
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


class _Clock:
    """Names and times of captures. A simulation's follow from the plan alone."""

    def __init__(self, plan: Plan, simulated: bool) -> None:
        self._simulated = simulated
        self._number = 0
        if simulated:
            self.session_id = f"{SIMULATED_START:%Y%m%dT%H%M%SZ}-{plan.plan_id[:4]}"
            self._starts, done = [], 0
            for entry in plan.entries:
                self._starts.append(
                    SIMULATED_START + timedelta(microseconds=done * 1_000_000 // SAMPLE_RATE)
                )
                done += entry.frames
        else:
            self.session_id = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"

    def now(self, entry: PlanEntry) -> datetime:
        return self._starts[entry.index] if self._simulated else datetime.now(UTC)

    def name(self, entry: PlanEntry, folder: Path) -> str:
        if self._simulated:
            return f"{self.session_id}-{entry.index:06d}"
        while True:
            name = f"{self.session_id}-{self._number:06d}"
            self._number += 1
            if not part_path(folder, name).exists():
                return name


def capture(
    rig: Rig,
    plan: Plan,
    dries: Iterable[Dry],
    folder: Path,
    on_event: Callable[[Event], None] = lambda _: None,
    attempts: int = 3,
    ask: Ask = nobody,
    patience: float = PATIENCE,
) -> Summary:
    """Open ``rig``, capture what of ``plan`` is not yet under the device's ``folder``, close it.

    Each capture is on disk, whole, before the next audio starts (a simulation's, before the one
    after that ends): whatever ends the session, the next one goes on after the last part. A take
    with faults is repeated, up to ``attempts`` takes; the last one is kept with its flags. A
    simulation is not repeated, for it would return the same, and its names and times follow from
    the plan: the same plan gives the same bytes, and what it captured for another plan before is
    removed. When the connection to the rig breaks, it is tried again for ``patience`` seconds,
    and the capture in hand repeated.

    Raises UserError if the plan or the folder is of another device or panel, if a simulation's
    options or files are not those that the plan was made for, if a part in it is
    damaged, if the rig cannot be opened, if every take lacks samples or holds NaN, or if a part
    cannot be written.
    """
    if rig.device != plan.device or rig.knobs != plan.knobs:
        raise UserError(
            f"The plan is for the device {plan.device!r} with knobs {', '.join(plan.knobs.names)}, "
            f"but the rig has {rig.device!r} with {', '.join(rig.knobs.names)} or other ranges; "
            "make a plan for this rig."
        )
    if rig.fingerprint() != plan.rig:
        raise UserError(
            f"The rig {rig.name!r} is not as it was when the plan was made: its options or a file "
            "that it names have changed; make the plan again."
        )
    limits = thresholds(rig.checks)
    dry_of = _by_id(plan, dries)
    captures = make_folder(captures_folder(folder))
    with only_one(captures, wait=False):
        remove_leftovers(captures)
        make_folder(folder / "dry")
        remove_leftovers(folder / "dry")
        if rig.path.simulated:
            _forget_other_plans(folder, plan, dry_of)
        held = held_indices(folder, plan)
        on_event(
            Planned(
                len(plan.entries),
                len(held),
                sum(entry.frames for entry in plan.entries) / SAMPLE_RATE,
                sum(e.frames for e in plan.entries if e.index in held) / SAMPLE_RATE,
            )
        )
        clock = _Clock(plan, rig.path.simulated)
        kept: list[Kept] = []

        def done(event: Kept | None) -> None:
            if event is not None:
                kept.append(event)
                on_event(event)

        to_do = [entry for entry in plan.entries if entry.index not in held]
        opened = Opened(rig, ask, patience)
        with Writer(done) as writer, opened if to_do else nullcontext():
            writer.put(partial(_write_dries, folder, list(dry_of.values())))
            for entry in to_do:
                dry_audio = dry_of[entry.dry_id].audio[
                    entry.dry_offset : entry.dry_offset + entry.frames
                ]
                # The knobs may turn while the last part syncs.
                ready = (lambda: None) if rig.path.simulated else writer.wait
                take = _take(opened, entry, dry_audio, limits, clock, on_event, attempts, ready)
                writer.put(partial(_keep, rig, plan, entry, take, clock, folder))
    return Summary(len(kept), len(held), sum(bool(event.flags) for event in kept))


@dataclass(frozen=True)
class _Take:
    recording: Recording
    moved: Moved
    verdict: Verdict
    flags: tuple[str, ...]
    attempt: int
    started_at: datetime


def _take(
    opened: Opened,
    entry: PlanEntry,
    dry: Audio,
    limits: dict[str, float],
    clock: _Clock,
    on_event: Callable[[Event], None],
    attempts: int,
    ready: Callable[[], None],
) -> _Take:
    rig = opened.rig
    last = 1 if rig.path.simulated else max(1, attempts)
    attempt = 1
    while True:
        on_event(Started(entry, attempt))
        started_at = clock.now(entry)
        try:
            recording, moved = rig.take(
                dry, entry.trajectory, lambda seconds: on_event(Progressed(entry, seconds)), ready
            )
        except DeviceLost as lost:
            on_event(Paused(entry, str(lost)))
            opened.again()
            continue
        verdict = judge(dry, recording.wet, rig.path.simulated, limits)
        flags = (*recording.flags, *verdict.flags)
        wrong = (*verdict.fatal, *faults(flags))
        if not wrong or (attempt == last and not verdict.fatal):
            return _Take(recording, moved, verdict, flags, attempt, started_at)
        if attempt == last:
            raise UserError(
                f"Capture {entry.index} came back unusable {attempt} times out of {attempt} "
                f"({', '.join(wrong)}); check the rig {rig.name!r} and run the same command again."
            )
        on_event(Retrying(entry, attempt, wrong))
        attempt += 1


def _write_dries(folder: Path, dries: list[Dry]) -> None:
    for dry in dries:
        write_dry(folder, dry)


def _keep(rig: Rig, plan: Plan, entry: PlanEntry, take: _Take, clock: _Clock, folder: Path) -> Kept:
    made = _to_capture(rig, plan, entry, take, clock, folder)
    return Kept(entry, write_part(folder, made, plan.knobs), made.flags)


def _to_capture(
    rig: Rig, plan: Plan, entry: PlanEntry, take: _Take, clock: _Clock, folder: Path
) -> Capture:
    flac, wet_scale = pack(take.recording.wet)
    moved = take.moved
    trajectory = moved.trajectory or entry.trajectory
    verdict = take.verdict
    return Capture(
        capture_id=clock.name(entry, folder),
        plan_id=plan.plan_id,
        plan_index=entry.index,
        attempt=take.attempt,
        session_id=clock.session_id,
        device=plan.device,
        rig=rig.name,
        role=entry.role,
        setting=entry.setting(plan.knobs),
        reached=moved.reached,
        trajectory=trajectory.positions.ravel().tolist() if trajectory.moves else None,
        trajectory_rate=trajectory.rate if trajectory.moves else None,
        dry_id=entry.dry_id,
        dry_offset=entry.dry_offset,
        flac=flac,
        wet_scale=wet_scale,
        frames=entry.frames,
        latency=take.recording.latency,
        input_level_dbu=rig.input_level_dbu,
        output_level_dbu=rig.output_level_dbu,
        peak_dbfs=verdict.peak_dbfs,
        rms_dbfs=verdict.rms_dbfs,
        noise_floor_dbfs=verdict.noise_floor_dbfs,
        clipped=verdict.clipped,
        flags=take.flags,
        started_at=take.started_at,
        software=software(),
    )
