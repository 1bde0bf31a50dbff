"""The serial line to a controller: one thread listens, and every line sent waits for its reply.

grbl answers each line with one `ok` or `error:N`, in order, except after an alarm, when neither
comes. Lines are sent as long as their characters fit the controller's receive buffer (character
counting: gnea, grbl wiki, "Interfacing with Grbl", 2016); single real-time bytes pass at any time.
"""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rigs.actuators.grbl.protocol import Status, Texts, parse_status
from rigs.errors import DeviceLost, UserError

RESET, HOLD, JOG_CANCEL = b"\x18", b"!", b"\x85"
_ASK, _ASK_ALL = b"?", b"\x87"
_USUAL_SPEED = b"\x90\x95"
"""Ends overrides of feed and of rapids that somebody may have left behind."""
_SPOIL = ")$"
"""No motion that ends in this is valid: an unfinished line that lies in the controller is refused.
A setting may be taken, with an `ok` that gives it away."""
REPLY = 3.0
"""Seconds within which a controller that is there replies."""
GREETING = 6.0
"""Seconds for a controller that restarts when its port is opened."""
_FRESH = 1.0
"""Seconds in which one that is at rest and hears us has answered."""
ASK_AGAIN = 0.5
_GREETING = re.compile(r"grbl(hal)? \d", re.IGNORECASE)
_LONGEST = 4096


def _first(port: str) -> str:
    """The first device that the pattern ``port`` finds; ``port`` itself if it finds none."""
    path = Path(port)
    if "://" in port or not path.is_absolute():
        return port
    found = sorted(path.parent.glob(path.name))
    return str(found[0]) if found else port


class Fault(DeviceLost):
    """The controller is there but went wrong: an alarm, a refusal, a lost reply.

    Opening it anew mends that once; not if it happens again and again.
    """


@dataclass(eq=False)
class Sent:
    """A line on its way: ``lines`` is what came back before its `ok`."""

    text: str
    number: int
    lines: list[str] = field(default_factory=list)
    done: bool = False
    error: int | None = None


@dataclass(frozen=True)
class Report:
    """A status with the monotonic times between which it was true.

    ``answered`` lines had been answered when it was made.
    """

    status: Status
    asked: float
    got: float
    answered: int


class Link:
    """An open port. Raises UserError if there is none, and DeviceLost once it breaks."""

    def __init__(self, port: str, baud: int) -> None:
        import serial

        self._wrong: tuple[type[Exception], ...] = (serial.SerialException, OSError, TypeError)
        self.name = port
        self.texts = Texts()
        self.room = 127
        self.blocks = 15
        where = _first(port)
        try:
            self._serial: Any = serial.serial_for_url(
                where, baudrate=baud, timeout=0.1, write_timeout=1.0, exclusive=True
            )
        except (serial.SerialException, OSError, ValueError) as error:
            raise UserError(
                f"The controller on {port} cannot be opened ({error}); plug it in, close what else "
                "uses it, or find its port with `ampsweep rigs find-port`."
            ) from None
        with suppress(*self._wrong, NotImplementedError, AttributeError, ValueError):
            self._serial.set_low_latency_mode(True)  # else some adapters keep a reply for 16 ms
        self._changed = threading.Condition()
        self._writing = threading.Lock()
        self._waiting: deque[Sent] = deque()
        self._in_buffer = 0
        self._posted = self._answered = 0
        self._stray = 0
        """Replies to no line of ours: somebody else's are still coming."""
        self._asked: float | None = None
        self.report: Report | None = None
        self._broken: Exception | None = None
        self._resetting = True  # the first greeting is welcome whenever it comes
        self._greeted = False
        self._closing = False
        self._reader = threading.Thread(target=self._read, name="grbl", daemon=True)
        self._reader.start()

    # What comes in.

    def _read(self) -> None:
        buffer = b""
        while not self._closing:
            try:
                data = self._serial.read(max(1, self._serial.in_waiting))
            except self._wrong as error:
                if not self._closing:
                    self._break(
                        DeviceLost(f"The connection to {self.name} broke ({error}); plug it in.")
                    )
                return
            *lines, buffer = (buffer + data).split(b"\n")
            buffer = buffer[-_LONGEST:]
            now = time.monotonic()
            for line in lines:
                with self._changed:
                    self._hear(line.decode("ascii", "replace").strip(), now)
                    self._changed.notify_all()

    def _hear(self, line: str, now: float) -> None:
        if line.startswith("<"):
            if (status := parse_status(line)) is not None:
                asked = now if self._asked is None else self._asked
                self.report, self._asked = Report(status, asked, now, self._answered), None
        elif line == "ok":
            self._answer(None)
        elif line.startswith("error:"):
            code = line[6:]
            self._answer(int(code) if code.isdigit() else 0)
        elif _GREETING.match(line):
            self._forget()
            self._greeted = True
            if not self._resetting:
                self._broken = self._broken or Fault(
                    f"The controller on {self.name} restarted by itself; check its supply "
                    "and cable."
                )
        elif line.startswith("ALARM:"):
            self._forget()
            code = line[6:]
            if not self._resetting:
                self._broken = self._broken or Fault(
                    f"The controller on {self.name} stopped with "
                    f"{self.texts.alarm(int(code) if code.isdigit() else 0)}; its position may be "
                    "lost, so it has to be homed again."
                )
        elif line and self._waiting and len(self._waiting[0].lines) < _LONGEST:
            self._waiting[0].lines.append(line)

    def _answer(self, error: int | None) -> None:
        if not self._waiting:
            self._stray += 1
            return  # to a line from before the reset
        sent = self._waiting.popleft()
        self._in_buffer -= len(sent.text) + 1
        self._answered = sent.number
        sent.error, sent.done = error, True

    def _forget(self) -> None:
        """After an alarm or a reset no line is answered any more."""
        self._waiting.clear()
        self._in_buffer = 0

    def _break(self, error: Exception) -> None:
        with self._changed:
            self._broken = self._broken or error
            self._changed.notify_all()

    # What goes out.

    def _write(self, data: bytes) -> None:
        try:
            with self._writing:
                self._serial.write(data)
        except self._wrong as error:
            self._break(DeviceLost(f"The connection to {self.name} broke ({error}); plug it in."))
            self.check()

    def check(self) -> None:
        """Raise DeviceLost if the connection broke or the controller raised an alarm."""
        if self._broken is not None:
            raise type(self._broken)(*self._broken.args)

    def wait(self, until: Callable[[], bool], seconds: float) -> bool:
        """Whether ``until`` came true within ``seconds``; raises DeviceLost if it breaks first."""
        with self._changed:
            self._changed.wait_for(lambda: self._broken is not None or until(), seconds)
        self.check()
        return until()

    def byte(self, byte: bytes) -> None:
        """Send a real-time byte."""
        self._write(byte)

    def fits(self, text: str) -> bool:
        return self._in_buffer + len(text) + 1 <= self.room

    def post(self, text: str) -> Sent:
        """Send a line, which has to fit, without waiting for its reply."""
        self.check()
        with self._changed:
            self._posted += 1
            sent = Sent(text, self._posted)
            self._waiting.append(sent)
            self._in_buffer += len(text) + 1
        self._write(text.encode("ascii") + b"\n")
        return sent

    def command(self, text: str, seconds: float | None = None) -> list[str]:
        """Send a line and return what it brings; raises Fault if it is refused or unanswered.

        It is waited for :data:`REPLY` seconds unless it may take longer.
        """
        if not self.wait(lambda: self.fits(text), REPLY):
            raise self.silent()
        sent = self.post(text)
        if not self.wait(lambda: sent.done, seconds or REPLY):
            raise self.silent()
        if sent.error is not None:
            self.post("")  # a refusal latches: good lines would be refused until an empty one
            raise self.refused(sent)
        return sent.lines

    def refused(self, sent: Sent) -> Fault:
        return Fault(
            f"The controller on {self.name} refused {sent.text!r} with "
            f"{self.texts.error(sent.error or 0)}; check its settings."
        )

    def silent(self) -> Fault:
        return Fault(f"The controller on {self.name} does not reply; check its cable and supply.")

    def ask(self, how: bytes = _ASK) -> None:
        """Ask for a status report, unless one is under way."""
        now = time.monotonic()
        if self._asked is None or now - self._asked > ASK_AGAIN:
            self._asked = now
            self._write(how)

    def homed(self) -> int | None:
        """The mask of homed axes by grblHAL's full report; None if it does not say.

        Only for grblHAL: to FluidNC the same byte is a macro.
        """
        try:
            return self.query(_FRESH, _ASK_ALL).status.homed
        except Fault:
            return None

    def query(self, seconds: float | None = None, how: bytes = _ASK) -> Report:
        """A status report from after the call."""
        called = time.monotonic()
        end = called + (seconds or REPLY)

        def new() -> bool:
            return self.report is not None and self.report.asked >= called

        while not new():
            if time.monotonic() > end:
                raise self.silent()
            self.ask(how)
            self.wait(new, 0.1)
        assert self.report is not None
        return self.report

    def start(self) -> None:
        """See to it that nothing is queued, half said or wrong; moves nothing.

        A controller that is at rest and answers in turn is left as it is: some firmware bears no
        `$` line after a reset. Any other is reset, which raises UserError if it does not answer.
        """
        try:
            clean = self._is_clean()
        except Fault:
            clean = False
        if not clean:
            self.reset()

    def _is_clean(self) -> bool:
        """Whether the controller rests, has nothing of anybody's left, and answers line by line."""
        before = self.query(_FRESH).status
        if not before.idle:
            return False
        self.byte(_USUAL_SPEED)
        spoilt, empty = self.post(_SPOIL), self.post("")
        if not self.wait(lambda: empty.done, _FRESH):
            return False
        after = self.query(_FRESH).status
        with self._changed:
            self._resetting = False
            return (
                after.idle
                and after.position == before.position
                and after.blocks == before.blocks
                and spoilt.error is not None
                and empty.error is None
                and not self._stray
            )

    def reset(self) -> None:
        """Soft reset: forgets what is queued, moves nothing. Mends alarms; raises UserError."""
        end = time.monotonic() + GREETING
        with self._changed:
            if isinstance(self._broken, Fault):
                self._broken = None
            self._resetting, self._greeted = True, False
        try:
            while not self._greeted:
                if time.monotonic() > end:
                    raise UserError(
                        f"Nothing on {self.name} answers like a grbl controller; check the port, "
                        "its baud rate and the controller's supply."
                    )
                self._write(RESET)
                self.wait(lambda: self._greeted, 1.5)
            with self._changed:
                self._forget()
                self._asked = None
            # The greeting's last lines, and an answer that crossed it, are in before this one.
            self.query()
        finally:
            self._resetting = False

    def close(self) -> None:
        self._closing = True
        with suppress(*self._wrong, AttributeError):  # a port over the network has no such thing
            self._serial.cancel_read()
        if self._reader is not threading.current_thread():
            self._reader.join(2.0)
        with suppress(*self._wrong):
            self._serial.close()
