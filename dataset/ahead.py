"""Doing work ahead in threads, for what is not done within Python's lock."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

MOST = 16
"""Threads: beyond these, Python's lock is what they wait for."""


def cores() -> int:
    """How many cores this process may use, up to :data:`MOST`."""
    if hasattr(os, "sched_getaffinity"):  # there is none on macOS and Windows
        return min(MOST, len(os.sched_getaffinity(0)))
    return min(MOST, os.cpu_count() or 1)


def in_order(work: Callable[[T], R], items: Iterable[T], threads: int | None = None) -> Iterator[R]:
    """``work`` of each of ``items``, in their order, done ahead by ``threads`` (one a core).

    ``items`` is drawn from in the thread that iterates, and no more than one a thread and one
    besides are held at once. What ``work`` raises is raised where its result would have come.
    """
    count = cores() if threads is None else threads
    ahead: deque[Future[R]] = deque()
    with ThreadPoolExecutor(count, "ahead") as pool:
        try:
            for item in items:
                ahead.append(pool.submit(work, item))
                if len(ahead) > count:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()
