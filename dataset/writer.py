"""Writes captures while the rig goes on to the next."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")


class Writer(Generic[T]):
    """Does one job at a time in a thread of its own; ``done`` is called with each one's result.

    ``done`` is called from the thread that calls, in order, so it may print. Leaving the context
    waits for the job in hand, whatever ends it: a capture that was made is not thrown away.
    """

    def __init__(self, done: Callable[[T], None]) -> None:
        self._done = done
        self._pool = ThreadPoolExecutor(1, "writer")
        self._pending: Future[T] | None = None

    def put(self, job: Callable[[], T]) -> None:
        """Wait for the job before, then start this one; raises what the one before raised."""
        self.wait()
        self._pending = self._pool.submit(job)

    def wait(self) -> None:
        """Until nothing is pending; raises what the job raised."""
        if self._pending is not None:
            result = self._pending.result()
            self._pending = None
            self._done(result)

    def finish(self) -> None:
        """Wait for what is pending when something else went wrong; raises nothing of its own."""
        with suppress(Exception):
            self.wait()

    def __enter__(self) -> Writer[T]:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self.wait()
        finally:
            self._pool.shutdown(wait=True)
