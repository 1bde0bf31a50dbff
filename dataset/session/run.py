"""The loop: takes come from a source, and each is on disk before the one after the next."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from functools import lru_cache, partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from dataset.checks import thresholds
from dataset.checks.company import Company
from dataset.costs import check_limits
from dataset.flac import pack
from dataset.parts import Capture, captures_folder, write_dry, write_part
from dataset.plan import Plan, PlanEntry
from dataset.session.clock import Clock
from dataset.session.events import Decided, Event, Kept, Planned, Summary
from dataset.session.held import by_id, forget_other_plans, held_indices, set_aside_cut
from dataset.session.live import Live
from dataset.session.log import Log
from dataset.session.memory import first_sentinel, remember
from dataset.session.simulated import one_by_one
from dataset.session.take import Source, Take, Work
from dataset.signals import Dry
from dataset.store.ledger import Ledger
from dataset.writer import Writer
from rigs.audio import SAMPLE_RATE, Audio
from rigs.errors import UserError
from rigs.files import make_folder, only_one, remove_leftovers
from rigs.opened import PATIENCE
from rigs.rig import Ask, Rig, nobody


@lru_cache(maxsize=1)
def software() -> str:
    """This ampsweep's name and version."""
    try:
        return f"ampsweep {version('ampsweep')}"
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "ampsweep"


def capture(
    rig: Rig,
    plan: Plan,
    dries: Iterable[Dry],
    folder: Path,
    on_event: Callable[[Event], None] = lambda _: None,
    attempts: int = 3,
    ask: Ask = nobody,
    patience: float = PATIENCE,
    stop: Callable[[], bool] = lambda: False,
    accept_drift: bool = False,
    source: Source | None = None,
) -> Summary:
    """Open ``rig``, capture what of ``plan`` is not yet under the device's ``folder``, close it.

    Each capture is on disk, whole, before the next audio starts (a simulation's, before the one
    after that ends): whatever ends the session, the next one goes on after the last part. A take
    with faults is repeated, up to ``attempts`` takes; the last one is kept with its flags. A
    simulation is not repeated, for it would return the same, and its names and times follow from
    the plan: the same plan gives the same bytes, and what it captured for another plan before is
    removed. When the connection to the rig breaks, it is tried again for ``patience`` seconds,
    and the capture in hand repeated.

    A live rig is warmed up first, and its sentinels are held against the first one. ``stop`` is
    asked between takes: once it says so, the capture in hand is finished and the rig parked.
    ``source`` makes a simulation's takes in another way than one by one in this process.

    Everything but the audio is told in ``folder``/sessions, which nothing needs.

    Raises UserError if the plan or the folder is of another device or panel, if the plan asks for
    what the rig's knobs cannot do (a plan may be older than the rig's limits), if a simulation's
    options or files are not those that the plan was made for, if a part in it is
    damaged, if the rig cannot be opened, if every take lacks samples or holds NaN, if a part
    cannot be written, or if the rig has drifted and ``accept_drift`` is not set.
    """
    _check(rig, plan)
    limits = thresholds(rig.checks)
    dry_of = by_id(plan, dries)
    captures = make_folder(captures_folder(folder))
    with only_one(captures, wait=False):
        remove_leftovers(captures)
        make_folder(folder / "dry")
        remove_leftovers(folder / "dry")
        early: list[Event] = []
        set_aside_cut(folder, early.append)
        if rig.path.simulated:
            forget_other_plans(folder, plan, dry_of)
        held = held_indices(folder, plan)
        check_limits(plan, rig.reach, held)
        to_do = tuple(entry for entry in plan.entries if entry.index not in held)
        clock = Clock(plan, folder, rig.path.simulated)
        log = Log(folder, clock.session_id) if to_do else None
        kept: list[Kept] = []

        def tell(event: Event) -> None:
            if log is not None:
                log.event(event)
            on_event(event)

        def done(event: Kept | None) -> None:
            if event is not None:
                kept.append(event)
                tell(event)

        def dry(entry: PlanEntry) -> Audio:
            return dry_of[entry.dry_id].audio[entry.dry_offset : entry.dry_offset + entry.frames]

        if log is not None:
            log.begin(rig, plan, software(), folder)
        for event in (*early, _planned(plan, held)):
            tell(event)
        if clock.behind is not None:
            tell(
                Decided(
                    "The clock is behind that of the session before; times go on from there, so "
                    "that they stay in order."
                )
            )
        with (
            Ledger(folder, plan.device, plan.knobs) as ledger,
            Writer(done) as writer,
        ):
            ready = _at_once if rig.path.simulated else writer.wait
            work = Work(rig, plan, to_do, dry, limits, tell, ready, stop)
            if source is None and rig.path.simulated:
                source = partial(one_by_one, ask=ask, patience=patience)
            elif source is None:
                company = Company(rig.knobs, limits)
                if held:
                    remember(company, folder, plan, dry)
                find = partial(first_sentinel, folder, plan)
                source = Live(clock, company, find, ask, patience, attempts, accept_drift)
            writer.put(partial(_write_dries, folder, list(dry_of.values())))
            try:
                if to_do:
                    with closing(_generator(source, work)) as takes:
                        for entry, take in takes:
                            made = partial(_to_capture, rig, plan, entry, take, clock, folder)
                            writer.put(partial(_keep, plan, entry, take, made, folder, ledger))
                writer.wait()
            except BaseException as error:
                writer.finish()
                if log is not None:
                    log.end(error)
                raise
        stopped = len(kept) < len(to_do)
        if log is not None:
            log.end(None, stopped)
    flagged = sum(bool(event.flags) for event in kept)
    return Summary(len(kept), len(held), flagged, stopped, log.path if log is not None else None)


def _check(rig: Rig, plan: Plan) -> None:
    """Raise UserError unless the plan is for the rig as it is."""
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


def _planned(plan: Plan, held: set[int]) -> Planned:
    return Planned(
        len(plan.entries),
        len(held),
        sum(entry.frames for entry in plan.entries) / SAMPLE_RATE,
        sum(e.frames for e in plan.entries if e.index in held) / SAMPLE_RATE,
    )


def _at_once() -> None:
    """A simulation waits for no part to be written."""


def _generator(source: Source, work: Work) -> Generator[tuple[PlanEntry, Take], None, None]:
    """``source``'s takes, as what can be closed, whatever kind of iterator it gives."""
    yield from source(work)


def _write_dries(folder: Path, dries: list[Dry]) -> None:
    for dry in dries:
        write_dry(folder, dry)


def _keep(
    plan: Plan,
    entry: PlanEntry,
    take: Take,
    to_capture: Callable[[], Capture],
    folder: Path,
    ledger: Ledger,
) -> Kept:
    made = to_capture()
    path = write_part(folder, made, plan.knobs, ledger.add)
    return Kept(entry, path, made.flags, take.attempt, take.facts)


def _to_capture(
    rig: Rig, plan: Plan, entry: PlanEntry, take: Take, clock: Clock, folder: Path
) -> Capture:
    recording, moved, verdict = take.recording, take.moved, take.verdict
    flac, wet_scale = pack(recording.wet)
    trajectory = moved.trajectory or entry.trajectory
    return Capture(
        capture_id=clock.name(entry, folder),
        plan_id=plan.id_of(entry.index),
        plan_index=entry.index,
        attempt=take.attempt,
        session_id=clock.session_of(entry),
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
        latency=recording.latency,
        input_level_dbu=recording.input_level_dbu,
        output_level_dbu=recording.output_level_dbu,
        peak_dbfs=verdict.peak_dbfs,
        rms_dbfs=verdict.rms_dbfs,
        noise_floor_dbfs=verdict.noise_floor_dbfs,
        clipped=verdict.clipped,
        flags=take.flags,
        started_at=take.started_at or clock.planned(entry),
        software=software(),
    )
