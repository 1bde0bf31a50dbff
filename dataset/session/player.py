"""Playing on a rig whose cable may be pulled at any moment."""

from __future__ import annotations

import time
from collections.abc import Callable

from dataset.plan import PlanEntry
from dataset.session.events import Paused, Resumed
from dataset.session.take import Work
from rigs.errors import DeviceLost
from rigs.opened import Opened
from rigs.rig import Moved, Progress, Recording

COLD = 60.0
"""Seconds after which an amp that was lost may have been without power, and cold."""


class Stopped(Exception):
    """The session was asked to stop while it waited for something."""


class Player:
    """Plays entries on an opened rig. ``cold`` says that it may have to warm up (again)."""

    def __init__(self, work: Work, opened: Opened) -> None:
        self._work = work
        self._opened = opened
        self.cold = True
        self.on_reopened: list[Callable[[], None]] = []

    def play(
        self,
        entry: PlanEntry,
        starting: Callable[[], None] = lambda: None,
        progress: Progress = lambda _: None,
        ready: Callable[[], None] = lambda: None,
    ) -> tuple[Recording, Moved]:
        """What came back, and where the knobs were; ``starting`` is called before each try.

        While the rig is away it waits. Raises UserError if it stays away, and :class:`Stopped`.
        """
        work = self._work
        dry = work.dry(entry)
        while True:
            starting()
            try:
                return work.rig.take(dry, entry.trajectory, progress, ready)
            except DeviceLost as lost:
                work.on_event(Paused(entry, str(lost)))
                began = time.monotonic()
                if not self._opened.again(work.stop):
                    raise Stopped from None
                seconds = time.monotonic() - began
                self.cold |= seconds > COLD
                for call in self.on_reopened:
                    call()
                work.on_event(Resumed(entry, seconds))
