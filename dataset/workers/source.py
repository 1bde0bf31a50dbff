"""A session's takes, made by workers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

from dataset.plan import PlanEntry
from dataset.session.events import Started
from dataset.session.take import Source, Take, Work, judged
from dataset.workers.jobs import Job
from dataset.workers.pool import Pool, made_by


def by_workers(pool: Pool) -> Source:
    """Takes in the order in which ``pool``'s workers are done with them."""

    def source(work: Work) -> Iterator[tuple[PlanEntry, Take]]:
        entries: dict[int, PlanEntry] = {}

        def jobs() -> Iterator[Job]:
            for entry in work.to_do:
                if work.stop():  # what the workers have in hand they finish
                    return
                entries[entry.index] = entry
                work.on_event(Started(entry, 1))
                yield Job(entry.index, entry.trajectory, work.dry(entry))

        before = time.monotonic()
        for job, made in made_by(pool, jobs()):
            entry = entries.pop(job.index)
            take = judged(work.rig, entry, job.dry, made, work.limits)
            # Of many at once, what one has cost is what has passed since the one before.
            now = time.monotonic()
            yield entry, replace(take, seconds=now - before)
            before = now

    return source
