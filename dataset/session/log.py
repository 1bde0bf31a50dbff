"""A session's log: what was done and decided, a JSON object a line, beside the data.

Nothing reads it but people and :mod:`dataset.session.report`. A line is written at once, so that
a session that is killed has told all but, perhaps, the end of its last line.
"""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dataset.plan import Plan, PlanEntry
from dataset.session import report
from dataset.session.events import (
    Decided,
    Event,
    Heard,
    Kept,
    Paused,
    Planned,
    Progressed,
    Resumed,
    Retrying,
    SetAside,
    Started,
    Waiting,
)
from dataset.session.take import Facts
from rigs.errors import UserError
from rigs.files import make_folder, write_whole
from rigs.rig import Rig

LARGEST_LINE = 1 << 20


def sessions_folder(folder: Path) -> Path:
    """Where the logs of a device's folder are."""
    return folder / "sessions"


def wall_clock() -> datetime:
    return datetime.now(UTC)


class Log:
    """``path`` is the log, ``summary`` what :meth:`end` makes of it for a person.

    A simulation's sessions have one name and one log, which goes on. A disk that is full, or a
    folder that cannot be written to, ends the log, and not the session: captures matter more.
    """

    def __init__(
        self, folder: Path, session_id: str, clock: Callable[[], datetime] = wall_clock
    ) -> None:
        sessions = make_folder(sessions_folder(folder))
        self.path = sessions / f"{session_id}.jsonl"
        self.summary = self.path.with_suffix(".md")
        self._clock = clock
        self._knobs: tuple[str, ...] = ()
        self._lost = False
        _summarise_killed(sessions, self.path)
        with suppress(OSError):
            _end_line(self.path)

    def begin(self, rig: Rig, plan: Plan, software: str, folder: Path) -> None:
        """The first line of a session."""
        self._knobs = plan.knobs.names
        self.write(
            "begin",
            rig=rig.name,
            device=rig.device,
            plan=plan.plan_id,
            simulated=rig.path.simulated,
            software=software,
            checks=rig.checks,
            disk_free=shutil.disk_usage(folder).free,
        )

    def event(self, event: Event) -> None:
        """A line, if ``event`` deserves one."""
        match event:
            case Planned():
                self.write(
                    "planned",
                    total=event.total,
                    held=event.held,
                    seconds=event.seconds_total - event.seconds_held,
                )
            case SetAside():
                self.write("set aside", part=event.path.name, to=str(event.to))
            case Waiting():
                self.write("waiting", what=event.what)
            case Heard():
                facts = _facts(event.facts) | {"drift": _number(event.drift)}
                self.write(event.why, number=event.number, esr=_number(event.esr), **facts)
            case Decided():
                self.write("decision", what=event.what)
            case Retrying():
                self.write(
                    "retry", **_of(event.entry), attempt=event.attempt, flags=list(event.flags)
                )
            case Paused():
                self.write("pause", **_of(event.entry), reason=event.reason)
            case Resumed():
                self.write("resumed", **_of(event.entry), seconds=round(event.seconds, 3))
            case Kept():
                positions = event.entry.trajectory.positions[0].tolist()
                self.write(
                    "kept",
                    capture=event.path.stem,
                    **_of(event.entry),
                    setting={
                        name: round(at, 4) for name, at in zip(self._knobs, positions, strict=True)
                    },
                    moves=event.entry.trajectory.moves,
                    attempt=event.attempt,
                    flags=list(event.flags),
                    **_facts(event.facts),
                )
            case Started() | Progressed():
                pass

    def end(self, error: BaseException | None, stopped: bool = False) -> None:
        """The last line, and the summary."""
        if error is not None:
            why = "interrupted" if isinstance(error, KeyboardInterrupt) else "error"
            self.write("end", why=why, error=str(error) if isinstance(error, Exception) else "")
        else:
            self.write("end", why="stopped" if stopped else "done")
        with suppress(UserError):
            write_whole(self.summary, report.describe(read_log(self.path)).encode())

    def write(self, event: str, **fields: Any) -> None:
        """Append a line, and hand it to the system."""
        if self._lost:
            return
        row = {"time": self._clock().isoformat(timespec="milliseconds"), "event": event, **fields}
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")
        except OSError:
            self._lost = True


def read_log(path: Path) -> list[dict[str, Any]]:
    """The lines of a log that are whole; what is torn, or no object, is left out.

    Raises UserError if it cannot be read.
    """
    return list(_rows(path))


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with path.open("rb") as file:
            while line := file.readline(LARGEST_LINE):
                try:
                    row = json.loads(line)
                except (ValueError, RecursionError):
                    continue
                if isinstance(row, dict) and isinstance(row.get("event"), str):
                    yield row
    except OSError as error:
        raise UserError(
            f"{path} cannot be read ({(error.strerror or str(error)).lower()}); check its name."
        ) from None


def _end_line(path: Path) -> None:
    """Let what a killed session left of a line end there, so that the next one is whole."""
    if not path.exists():
        return
    with path.open("rb+") as file:
        if file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")


def _summarise_killed(sessions: Path, but: Path) -> None:
    """Write the summaries that sessions which were killed could not write."""
    for path in sorted(sessions.glob("*.jsonl")):
        if path != but and not path.with_suffix(".md").exists():
            with suppress(UserError):
                write_whole(path.with_suffix(".md"), report.describe(read_log(path)).encode())


def _of(entry: PlanEntry) -> dict[str, Any]:
    return {"index": entry.index, "role": entry.role}


def _facts(facts: Facts) -> dict[str, Any]:
    return {
        "peak_dbfs": _number(facts.peak_dbfs, 2),
        "rms_dbfs": _number(facts.rms_dbfs, 2),
        "noise_floor_dbfs": _number(facts.noise_floor_dbfs, 2),
        "latency": _number(facts.latency, 3),
        "seconds": round(facts.seconds, 3),
        "drift": _number(facts.drift),
    }


def _number(value: float | None, digits: int | None = None) -> float | None:
    """What JSON can hold: no infinity, no NaN."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.4g}") if digits is None else round(value, digits)
