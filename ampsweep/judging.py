"""The bar of a judgement that takes a while, and what to say if it is stopped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

from ampsweep.progress import progress
from training.evaluate.whole import Tell


@contextmanager
def judging(stopped: str) -> Iterator[Tell]:
    """Shows a bar while its context lasts; Ctrl-C says that it ``stopped``, and what that means."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    try:
        with progress(*columns, TimeRemainingColumn()) as bar:
            task = bar.add_task("judging", total=1.0)
            yield lambda what, share: bar.update(task, completed=share, description=what)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"Stopped: {stopped}; run the same command again.") from None
