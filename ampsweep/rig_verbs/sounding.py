"""What verbs that play a test signal show meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from ampsweep.asking import ask, ask_beside
from ampsweep.progress import progress
from rigs.opened import Opened
from rigs.rig import Progress as Report
from rigs.rig import Rig


class Sounding:
    """A progress bar for one test signal after another; it makes way for questions."""

    def __init__(self) -> None:
        self._bar: Progress | None = None

    def ask(self, text: str) -> str:
        """:func:`ampsweep.asking.ask`, with the bar out of the way if one is shown."""
        return (ask if self._bar is None else ask_beside(self._bar))(text)

    @contextmanager
    def opened(self, rig: Rig) -> Iterator[None]:
        """``rig`` is open; whatever ends that, Ctrl-C too, it is closed and silent."""
        try:
            with Opened(rig, self.ask):
                yield
        except KeyboardInterrupt:
            raise KeyboardInterrupt("Stopped; the rig is silent.") from None

    @contextmanager
    def playing(self, what: str, seconds: float) -> Iterator[Report]:
        """Show ``what`` until the end; yields what to call with the seconds that are done."""
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn())
        with progress(*columns) as bar:
            self._bar = bar
            task = bar.add_task(what, total=seconds)
            try:
                yield lambda done: bar.update(task, completed=done)
            finally:
                self._bar = None
