"""Keeping workers busy, and doing again what dead ones had in hand."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from itertools import islice

from dataset.workers.jobs import Job, Made
from rigs.errors import UserError

AHEAD = 2
"""Jobs a worker: the one it has in hand, and the one that is waiting when that is done."""
DEATHS = 5
"""How often a capture may be in hand when a worker dies, until it is held to be the reason."""


class Died(Exception):
    """The worker that had this job in hand is no more."""


class Pool(ABC):
    """Workers that have the same rig open. Leaving the context lets them go."""

    size: int

    @abstractmethod
    def submit(self, job: Job) -> Future[Made]:
        """Give ``job`` to whoever is free next; what it comes to is for :meth:`result` to say."""

    @abstractmethod
    def result(self, made: Future[Made]) -> Made:
        """What was made; raises :class:`Died`, or what the rig raised."""

    @abstractmethod
    def close(self) -> None:
        """End all workers, whatever they have in hand."""

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def made_by(pool: Pool, jobs: Iterable[Job]) -> Iterator[tuple[Job, Made]]:
    """Each job with what came of it, in the order in which they are done.

    Of ``jobs`` no more are held than the workers can have in hand soon. Raises UserError if
    workers keep dying of one job, and what the rig raises.
    """
    left = iter(jobs)
    pending: dict[Future[Made], Job] = {}
    deaths: Counter[int] = Counter()
    while True:
        for job in islice(left, AHEAD * pool.size - len(pending)):
            pending[pool.submit(job)] = job
        if not pending:
            return
        done, _ = wait(pending, return_when=FIRST_COMPLETED)
        for future in done:
            job = pending.pop(future)
            try:
                made = pool.result(future)
            except Died:
                index = job.index
                deaths[index] += 1
                if deaths[index] == DEATHS:
                    raise UserError(
                        f"{DEATHS} workers died over capture {index}; try it with one worker, "
                        "which says why, and see whether the memory is enough for so many."
                    ) from None
                pending[pool.submit(job)] = job
            else:
                yield job, made
