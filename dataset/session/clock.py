"""Names and times of captures."""

from __future__ import annotations

import re
import secrets
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dataset.parts import captures_folder, part_path
from dataset.plan import Plan, PlanEntry
from rigs.audio import SAMPLE_RATE

SIMULATED_START = datetime(2000, 1, 1, tzinfo=UTC)
"""When a simulation is said to begin, so that its parts are the same on any day."""

_STAMP = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(r"(\d{8}T\d{6}Z)-[0-9a-f]{4}")


class Clock:
    """A simulation's names and times follow from the plan alone.

    A live session's are the wall clock's when it began, and go on from there by a clock that is
    never set: a later capture has a later time. Where the wall clock is behind what lies in the
    folder, it was put back, or has not been set yet (``behind``); the session then begins a second
    after the newest there is, so that names stay in the order in which captures were made.
    """

    def __init__(self, plan: Plan, folder: Path, simulated: bool) -> None:
        self._simulated = simulated
        self._plan = plan
        self._number = 0
        self.behind: timedelta | None = None
        if simulated:
            self.session_id = f"{SIMULATED_START:{_STAMP}}-{plan.plan_id[:4]}"
            self._starts, done = [], 0
            for entry in plan.entries:
                self._starts.append(
                    SIMULATED_START + timedelta(microseconds=done * 1_000_000 // SAMPLE_RATE)
                )
                done += entry.frames
            return
        self._began = time.monotonic()
        self._start = datetime.now(UTC)
        newest = _newest(folder)
        if newest is not None and newest > self._start:
            self.behind = newest - self._start
            self._start = newest + timedelta(seconds=1)
        self.session_id = f"{self._start:{_STAMP}}-{secrets.token_hex(2)}"

    def now(self) -> datetime | None:
        """When a take begins; None in a simulation."""
        if self._simulated:
            return None
        return self._start + timedelta(seconds=time.monotonic() - self._began)

    def planned(self, entry: PlanEntry) -> datetime:
        """When a simulation's capture is said to begin."""
        return self._starts[entry.index]

    def session_of(self, entry: PlanEntry) -> str:
        """The session_id of a capture: a simulation's is that of the first plan that had it."""
        if self._simulated:
            return f"{SIMULATED_START:{_STAMP}}-{self._plan.id_of(entry.index)[:4]}"
        return self.session_id

    def name(self, entry: PlanEntry, folder: Path) -> str:
        """The name of the next capture; it is of no other in ``folder``."""
        if self._simulated:
            return f"{self.session_of(entry)}-{entry.index:06d}"
        while True:
            name = f"{self.session_id}-{self._number:06d}"
            self._number += 1
            if not part_path(folder, name).exists():
                return name


def _newest(folder: Path) -> datetime | None:
    """When the last session began that left something in a device's ``folder``, by its name."""
    newest = None
    for parts in (captures_folder(folder), folder / "sessions"):
        for path in parts.glob("*Z-*"):
            if found := _NAME.match(path.name):
                try:
                    began = datetime.strptime(found[1], _STAMP).replace(tzinfo=UTC)
                except ValueError:  # a name that only looks like one of ours
                    continue
                newest = began if newest is None else max(newest, began)
    return newest
