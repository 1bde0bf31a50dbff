"""What a person sees of a capture session: a few lines that stay in place, or plain ones."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ampsweep.stopping import NOTICE
from dataset.checks import faults
from dataset.plan import PlanEntry
from dataset.session import (
    Decided,
    Event,
    Facts,
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
from dataset.session.sentinels import decibels
from rigs.audio import SAMPLE_RATE
from rigs.knobs import KnobTable

LOW = 1 << 30
"""Bytes of free disk below which they are shown in red."""
OFTEN = 4
"""Times a second that the display is drawn."""
SELDOM = 10.0
"""Seconds between two lines that only say how far it is, where there is no terminal."""
_FLAGS = 3


class View:
    """What the events so far come to, as lines for a terminal: always as many, so that none jumps.

    ``stopping`` tells whether the session was asked to stop.
    """

    def __init__(
        self,
        knobs: KnobTable,
        folder: Path,
        stopping: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._knobs = knobs
        self._folder = folder
        self._stopping = stopping
        self._clock = clock
        self._planned = Planned(0, 0, 0.0, 0.0)
        self._captures = 0
        self._audio = 0.0
        """Seconds of audio that are stored, and …"""
        self._within = 0.0
        """… of the capture in hand."""
        self._entry: PlanEntry | None = None
        self._attempt = 1
        self._facts: Facts | None = None
        self._sentinel = ""
        self._waiting = ""
        self._since = 0.0
        self._began: float | None = None
        self._flags: list[tuple[str, bool]] = []
        """What was flagged last, and whether it is a fault."""

    def event(self, event: Event) -> None:
        """Take in what the session tells."""
        match event:
            case Planned():
                self._planned = event
                self._captures, self._audio = event.held, event.seconds_held
            case Waiting():
                self._wait(event.what)
            case Heard():
                last = "" if event.esr is None else f", {decibels(event.esr)} from the one before"
                self._facts = event.facts
                self._waiting = f"{self._waiting.partition(': take')[0]}: take {event.number}{last}"
                if event.drift is not None:
                    self._sentinel = f"{decibels(event.drift)} from the first"
            case Started():
                self._began = self._clock() if self._began is None else self._began
                self._entry, self._attempt, self._waiting = event.entry, event.attempt, ""
                self._within = 0.0
            case Progressed():
                self._within = event.seconds
            case Paused():
                self._wait(f"the rig to come back: {event.reason}")
            case Resumed():
                self._waiting = ""
            case Kept():
                self._captures += 1
                self._audio += event.entry.frames / SAMPLE_RATE
                self._within = 0.0
                self._facts = event.facts
                if event.facts.drift is not None:
                    told = f"{decibels(event.facts.drift)} from the first"
                    self._sentinel = f"{told} (capture {event.entry.index})"
                if event.flags:
                    self._flag(f"{event.entry.index}: {', '.join(event.flags)}", event.flags)
            case Retrying():
                take = f"{event.entry.index}, take {event.attempt}"
                self._flag(f"{take}: {', '.join(event.flags)}", event.flags)
            case Decided() | SetAside():
                pass

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self.lines()

    def lines(self) -> RenderableType:
        """The display: a bar, and a line for each thing that one wants to know."""
        bar = Table.grid(padding=(0, 1), expand=True)
        bar.add_column(no_wrap=True)
        bar.add_column(ratio=1)
        bar.add_column(no_wrap=True, justify="right")
        done = f"{self._captures} of {self._planned.total} captures"
        total = max(self._planned.seconds_total, 1e-9)
        shown = ProgressBar(total=total, completed=min(total, self._audio + self._within))
        bar.add_row(Text(done), shown, Text(self.left()))
        rows = Table.grid(padding=(0, 1), expand=True)
        rows.add_column(no_wrap=True, style="dim", width=8)
        rows.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        rows.add_row("now", Text(self._now()))
        rows.add_row("last", Text(describe(self._facts) if self._facts is not None else "-"))
        rows.add_row("sentinel", Text(self._sentinel or "-"))
        rows.add_row("waiting", Text(self._waited(), style="yellow"))
        rows.add_row("disk", self._disk())
        for number in range(_FLAGS):
            text, fault = self._flags[-1 - number] if number < len(self._flags) else ("", False)
            name, none = ("flags", "-") if not number else ("", "")
            rows.add_row(name, Text(text or none, style="red" if fault else ""))
        said = NOTICE if self._stopping() else ""
        notice = Text(said, style="bold", no_wrap=True, overflow="ellipsis")
        return Group(bar, rows, notice)

    def left(self) -> str:
        """How long it will take, at the pace so far."""
        audio = self._audio + self._within - self._planned.seconds_held
        if self._began is None or audio <= 0:
            return "time left: not known yet"
        rest = self._planned.seconds_total - self._planned.seconds_held - audio
        return f"{duration(max(0.0, rest) * (self._clock() - self._began) / audio)} left"

    def _now(self) -> str:
        entry = self._entry
        if entry is None:
            return "-"
        take = f", take {self._attempt}" if self._attempt > 1 else ""
        seconds = f"{self._within:.1f} of {entry.frames / SAMPLE_RATE:.1f} s"
        how = " moving from" if entry.trajectory.moves else ""
        return f"{entry.role} {entry.index}{take}, {seconds},{how} {self.setting(entry)}"

    def setting(self, entry: PlanEntry) -> str:
        """Where the knobs stand at an entry's beginning."""
        return clean(
            ", ".join(
                f"{knob.name} {knob.detents[round(at)] if knob.detents else f'{at:.2f}'}"
                for knob, at in zip(self._knobs, entry.trajectory.positions[0], strict=True)
            )
        )

    def _wait(self, what: str) -> None:
        self._waiting, self._since = clean(what), self._clock()

    def _waited(self) -> str:
        if not self._waiting:
            return "-"
        return f"{duration(self._clock() - self._since)} for {self._waiting}"

    def _flag(self, text: str, flags: tuple[str, ...]) -> None:
        self._flags = [*self._flags, (clean(text), bool(faults(flags)))][-_FLAGS:]

    def _disk(self) -> Text:
        try:
            free = shutil.disk_usage(self._folder).free
        except OSError:
            return Text("-")
        return Text(f"{free / 1e9:.1f} GB free", style="red" if free < LOW else "")


class Shown:
    """Shows a session while it goes: in place on a terminal, line by line elsewhere."""

    def __init__(self, console: Console, view: View) -> None:
        self._console, self._view = console, view
        self._live = Live(view, console=console, refresh_per_second=OFTEN, transient=True)
        self._told = -math.inf
        self._running = False

    def __enter__(self) -> Shown:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        if self._console.is_terminal:
            self._live.start(refresh=True)
        self._running = True

    def stop(self) -> None:
        if self._running and self._console.is_terminal:
            self._live.stop()
        self._running = False

    def event(self, event: Event) -> None:
        """What a session is given as its ``on_event``."""
        self._view.event(event)
        match event:
            case Kept() if event.flags:
                kind = "" if faults(event.flags) else " (as it should be)"
                self._say(f"{event.path.stem}: {', '.join(event.flags)}{kind}")
            case Retrying():
                self._say(f"capture {event.entry.index} again: {', '.join(event.flags)}")
            case Paused():
                self._say(f"paused at capture {event.entry.index}: {event.reason}")
            case Resumed():
                self._say(f"the rig is back after {duration(event.seconds)}")
            case Decided():
                self._say(event.what)
            case SetAside():
                self._say(
                    f"{event.path.name} was cut short, as by a power cut, and now lies at "
                    f"{event.to}; it is captured again"
                )
            case Waiting() if not self._console.is_terminal:
                self._say(f"waiting for {event.what}")
            case Kept() if not self._console.is_terminal:
                self._how_far(event)
            case _:
                pass

    def _how_far(self, event: Kept) -> None:
        now = time.monotonic()
        if now - self._told >= SELDOM:
            self._told = now
            self._say(
                f"{event.entry.role} {event.entry.index} captured: {describe(event.facts)}; "
                f"{self._view.left()}"
            )

    def _say(self, line: str) -> None:
        self._console.print(Text(clean(line)), soft_wrap=not self._console.is_terminal)


def describe(facts: Facts) -> str:
    """Levels and latency in a line."""
    return (
        f"RMS {level(facts.rms_dbfs)}, peak {level(facts.peak_dbfs)}, "
        f"quiet {level(facts.noise_floor_dbfs)} dBFS, latency {facts.latency:.1f}"
    )


def level(dbfs: float) -> str:
    return f"{dbfs:.1f}" if math.isfinite(dbfs) else "silent"


def duration(seconds: float) -> str:
    """As hours, minutes and seconds: 1:02:03."""
    whole = max(0, round(seconds))
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def clean(text: str) -> str:
    """On one line, with nothing in it that could steer the terminal."""
    words = " ".join(text.split())
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in words)
