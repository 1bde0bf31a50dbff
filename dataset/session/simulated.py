"""Takes of a simulated rig, one after another in this process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from dataset.plan import PlanEntry
from dataset.session.events import Progressed, Started, Waiting
from dataset.session.player import Player, Stopped
from dataset.session.take import Take, Work, judged
from rigs.opened import PATIENCE, Opened
from rigs.rig import Ask, nobody


def one_by_one(
    work: Work, ask: Ask = nobody, patience: float = PATIENCE
) -> Iterator[tuple[PlanEntry, Take]]:
    """The :class:`~dataset.session.take.Source` of simulations; opens the rig, and closes it."""
    work.on_event(Waiting("the rig to open"))
    opened = Opened(work.rig, ask, patience)
    with opened:
        player = Player(work, opened)
        for entry in work.to_do:
            if work.stop():
                return
            began = time.monotonic()
            try:
                made = player.play(
                    entry, partial(_started, work, entry), partial(_progressed, work, entry)
                )
            except Stopped:
                return
            take = judged(work.rig, entry, work.dry(entry), made, work.limits)
            yield entry, replace(take, seconds=time.monotonic() - began)


def _started(work: Work, entry: PlanEntry) -> None:
    work.on_event(Started(entry, 1))


def _progressed(work: Work, entry: PlanEntry, seconds: float) -> None:
    work.on_event(Progressed(entry, seconds))
