"""A grbl controller that is none: grblHAL's rules, with motors, knobs and end stops behind it.

The rules are those that a recorded session with the real firmware shows (test_grbl_transcript.py
replays it); what it does not show (G93, lookahead, M62, M906, full reports) follows the published
grbl 1.1 and grblHAL documentation. :class:`Controller` lives in a time of its own; grbl_pty.py puts
it behind a pseudo-terminal, and grbl_dialects.py has it speak as other firmware does.
"""

from __future__ import annotations

import math
import re
from collections import deque

import numpy as np
from grbl_machine import AXES, TICK, Machine
from grbl_reports import status

BUFFERED = 0.07
"""Seconds of steps already handed to the motors when a hold comes."""
REALTIME = b"?!~\x18\x85\x87\x90\x95"

SETTINGS = {
    **{0: "5.0", 1: "25", 3: "0", 10: "511", 11: "0.010", 13: "0", 20: "0", 21: "0", 22: "0"},
    **{23: "0", 24: "25.0", 25: "500.0", 27: "1.000", 44: "4", 45: "3", 46: "0"},
    **{100 + i: "250.00000" for i in range(6)},
    **{110 + i: "500.000" for i in range(6)},
    **{120 + i: "10.000" for i in range(6)},
    **{130 + i: "200.000" for i in range(6)},
    376: "7",
}
"""By number, as the firmware lists them."""


class Controller(Machine):
    """Bytes in, bytes out, at times that the caller gives, in seconds."""

    usual = SETTINGS
    line_length = 255
    latches = True
    """Whether good lines are refused after an error until an empty one comes."""

    def __init__(
        self,
        settings: dict[int, str] | None = None,
        axes: int = 6,
        char_time: float = 0.0,
        blocks: int = 100,
        room: int = 1023,
        trinamic: bool = False,
    ) -> None:
        super().__init__(dict(self.usual if settings is None else settings), axes)
        if trinamic:
            self.settings |= {140 + i: "800" for i in range(axes)}
        self.char_time, self.blocks, self.room = char_time, blocks, room
        self.canned: dict[str, list[str]] = {}
        self.switches = np.array([-40.0, -40.0, -10.0, -70.0, -10.0, -70.0][:axes])
        self.pins_from_switches = False
        self.overflowed = False
        self.show_homed = False
        self.locked = 0
        self._startup()

    # Power, reset.

    def _startup(self) -> None:
        self.state = "Alarm" if self.locked else "Idle"
        self.critical = False
        self.line, self.error = b"", 0
        self.incoming: deque[tuple[float, int]] = deque()
        self.modal = {"motion": "G0", "distance": "G90", "feed": "G94"}
        self.feed, self.overrides = 0.0, 100
        self.count, self.next_ov, self.next_wco, self.fresh = 0, 1, 2, "TLR"
        self.rest()

    def beyond(self, target: np.ndarray) -> bool:
        positive = np.array([int(self.setting(23)) >> i & 1 for i in range(self.axes)], bool)
        travel = self.rates(130)
        low, high = np.where(positive, 0, -travel), np.where(positive, travel, 0)
        return bool((((target < low - 1e-6) | (target > high + 1e-6)) & self.soft).any())

    def reset(self) -> None:
        """A soft reset."""
        if self.moving:
            self.locked = 3
            self.say("ALARM:3")
        elif self.state == "Alarm" and not self.locked:
            self.locked = 1
        if not int(self.setting(22)) & 128:
            self.homed = 0
        release = self.setting(1) != 255
        self._startup()
        if release:
            self.energised = False
        self.greet()

    def greet(self) -> None:
        self.say("")
        self.say("GrblHAL 1.1f ['$' or '$HELP' for help]")
        if self.locked:
            self.say("[MSG:'$H'|'$X' to unlock]")

    def power_cycle(self) -> None:
        self.steps[:] = 0
        self.homed, self.locked, self.energised = 0, 0, False
        self._startup()
        self.greet()

    def alarm(self, code: int) -> None:
        self.say(f"ALARM:{code}")
        self.say("[MSG:Reset to continue]")
        self.state, self.critical, self.locked = "Alarm", True, code
        self.queue.clear()
        self.velocity, self.line, self.dwell = 0.0, b"", None
        self.fresh = "A"
        self.next_ov = self.count + 1
        self.target = self.position()

    # Bytes in.

    def receive(self, data: bytes, now: float) -> None:
        """Bytes that arrive at ``now``; the answers are in :attr:`out` once time has passed."""
        last = self.incoming[-1][0] if self.incoming else self.now
        self.overflowed |= len(self.incoming) + len(data) > self.room + 1
        for byte in data:
            if self.char_time:
                last = max(last, now) + self.char_time
                self.incoming.append((last, byte))
            else:
                self.incoming.append((now, byte))

    def advance(self, now: float) -> None:
        """Let time pass until ``now``."""
        while True:
            index = 0 if self.incoming and not self.waits(self.incoming[0][1]) else None
            if index is None and self.incoming:  # real-time bytes pass a line that has to wait
                found = [i for i, (_, byte) in enumerate(self.incoming) if byte in REALTIME]
                index = found[0] if found else None
            if index is not None and self.incoming[index][0] <= self.now:
                byte = self.incoming[index][1]
                del self.incoming[index]
                self.byte(byte)
            elif self.now >= now:
                return
            else:
                until = now if index is None else min(now, self.incoming[index][0])
                held_up = self.incoming and index != 0
                self._run_until(min(until, self.now + TICK) if held_up else until)

    def waits(self, byte: int) -> bool:
        """Whether a line's end has to wait: the planner is full, or something else goes on."""
        full = len(self.queue) >= self.blocks or self.state == "Hold"
        return byte == 10 and (full or self.dwell is not None or self.homing_until is not None)

    def byte(self, byte: int) -> None:
        if byte == 0x18:
            self.incoming.clear()
            self.reset()
        elif byte == ord("?"):
            self.report()
        elif byte == ord("!"):
            if self.state in ("Run", "Jog") and self.hold_at is None:
                jog = self.state == "Jog"
                self.cancel_at, self.hold_at = (
                    (self.now + BUFFERED, None) if jog else (None, self.now + BUFFERED)
                )
        elif byte == ord("~"):
            if self.state == "Hold":
                self.say("[MSG:]")
                self.state, self.hold_at = "Run", None
        elif byte == 0x85:
            if self.state == "Jog":
                self.cancel_at = self.now + BUFFERED
        elif byte == 0x87:
            self.extended()
        elif byte == 0x90:
            self.overrides = 100
        elif byte == 10:
            line, self.line = self.line.decode("ascii", "replace"), b""
            self.execute(line)
        elif byte != 13 and byte < 0x80:
            self.line += bytes([byte])

    def extended(self) -> None:
        """A report with everything in it."""
        self.show_homed = bool(int(self.setting(22)) & 1)
        self.report()

    def execute(self, line: str) -> None:
        if not line or not self.latches:
            self.error = 0
        if not line:
            pass
        elif len(line) > self.line_length:
            self.error = 11
        elif line[0] == "$":
            error = self.dollar(line)
            if error is None:
                return
            self.error = error
        elif self.state in ("Alarm", "Jog"):
            self.error = 9
        elif not self.error:
            self.error = self.gcode(line)
            if self.error < 0:
                self.error = 0
                return
        self.say(f"error:{self.error}" if self.error else "ok")

    # $ commands. None: answered later, or not at all.

    def dollar(self, line: str) -> int | None:
        if line.startswith("$J="):
            return self.jog(line[3:])
        if line == "$X":
            if self.critical:
                return 79
            if self.state == "Alarm":
                self.say("[MSG:Caution: Unlocked]")
                self.state, self.locked = "Idle", 0
            return 0
        if self.state not in ("Idle", "Alarm"):
            return 8
        if line in self.canned:
            for text in self.canned[line]:
                self.say(text)
            return 0
        if line == "$$":
            for number in sorted(self.settings):
                self.say(f"${number}={self.settings[number]}")
            return 0
        if line == "$I":
            return self.identify()
        if match := re.fullmatch(r"\$H([XYZABC]?)", line):
            return self.find_home(match[1])
        if match := re.match(r"\$(\d+)=([-0-9.]+)", line):
            return self.write(int(match[1]), match[2])
        return 3

    def identify(self) -> int:
        self.say("[VER:1.1f.0:]")
        self.say(f"[OPT:VNML+,{self.blocks},{self.room + 1},{self.axes},0]")
        self.say(f"[AXS:{self.axes}:{AXES[: self.axes]}]")
        self.say("[NEWOPT:RT+,TC,SED]")
        self.say("[FIRMWARE:grblHAL]")
        return 0

    def write(self, number: int, text: str) -> int:
        if number not in self.settings:
            return 53
        if number == 376 and float(text) > 7:
            return 52
        if number == 20 and float(text) and not int(self.setting(22)) & 1:
            return 10
        if number == 22 and not int(float(text)) & 1:
            self.settings[20] = "0"
        decimals = len(self.settings[number].partition(".")[2])
        machine = self.position()
        self.settings[number] = f"{float(text):.{decimals}f}"
        if number == 22:
            self.show_homed = bool(int(float(text)) & 1)
        if 100 <= number < 106:
            self.steps = np.round(machine * self.rates(100))
        return 0

    def find_home(self, axis: str) -> int | None:
        mode = int(self.setting(22))
        if not mode & 1:
            return 5
        if not axis:
            return 5
        index = AXES.index(axis)
        cycles = int(self.setting(44)) | int(self.setting(45)) | int(self.setting(46))
        if cycles >> index & 1:
            return self.seek([index])
        if not mode & 32:
            return 5
        self.declare(index)
        self.say("[MSG:]")
        return 0

    def seek(self, indices: list[int]) -> None:
        """A homing cycle with switches, which is answered when it is done."""
        self.state, self.homing_until, self.homing_axes = "Home", self.now + 1.0, indices
        self.energised = True

    def declare(self, index: int) -> None:
        super().declare(index)
        self.show_homed, self.locked = True, 0

    def jog(self, text: str) -> int | None:
        if self.state not in ("Idle", "Jog"):
            return 8 if self.state != "Alarm" else 9
        words = re.findall(r"([A-Z])([-+]?[0-9.]+)", text)
        if "".join(a + b for a, b in words) != text.replace(" ", ""):
            return 2
        target, feed, relative = self.target.copy(), 0.0, False
        for letter, value in words:
            if letter == "G" and float(value) in (53, 20, 21, 90, 91):
                relative = relative if float(value) in (53, 20, 21) else value == "91"
            elif letter == "F":
                feed = float(value)
            elif letter in AXES[: self.axes]:
                i = AXES.index(letter)
                target[i] = float(value) + (self.target[i] if relative else 0.0)
            else:
                return 16
        if feed <= 0:
            return 22
        if self.beyond(target):
            return 15
        self.plan(target, feed / 60)
        if self.state == "Idle" and self.queue:
            self.state = "Jog"
        return 0

    # G-code. Negative: no answer.

    def gcode(self, line: str) -> int:
        words = re.findall(r"([A-Z])\s*([-+]?[0-9]*\.?[0-9]+)", line)
        if "".join(a + b for a, b in words) != line.replace(" ", ""):
            return 2
        modal, target, moves, feed, p = dict(self.modal), self.target.copy(), False, None, None
        dwell, output, currents = False, None, {}
        codes = [float(b) for a, b in words if a in "GM"]
        current = any(a == "M" and float(b) == 906 for a, b in words)
        relative = any(a == "G" and float(b) == 91 for a, b in words)
        machine = 53.0 in codes
        for letter, value in words:
            number = float(value)
            if letter == "G":
                if number in (0, 1):
                    modal["motion"] = f"G{value}"
                elif number in (90, 91):
                    modal["distance"] = f"G{value}"
                elif number in (93, 94):
                    modal["feed"] = f"G{value}"
                elif number == 4:
                    dwell = True
                elif number not in (17, 21, 53, 54):
                    return 20
            elif letter == "M":
                if number in (62, 63):
                    output = number == 62
                elif number != 906 or 140 not in self.settings:
                    return 20
            elif letter in AXES[: self.axes]:
                i = AXES.index(letter)
                currents[i] = number
                if not current:
                    moves = True
                    add = (relative or modal["distance"] == "G91") and not machine
                    target[i] = number + (self.target[i] if add else 0.0)
            elif letter == "F":
                feed = number
            elif letter == "P":
                p = number
            else:
                return 36
        if current:
            for i, value in currents.items():
                self.current[i] = value
            return 0
        if output is not None:
            self.outputs.append((int(p or 0), output))
            return 0
        if p is not None and not dwell:
            return 36
        if dwell:
            self.dwell = p or 0.0
            self.modal = modal
            return -1
        inverse = modal["feed"] == "G93"
        if moves and modal["motion"] == "G1":
            if feed is None and (inverse or not self.feed):
                return 22
            if feed is not None and feed <= 0:
                return 4
        if modal["feed"] != self.modal["feed"]:
            self.feed = 0.0
        self.modal = modal
        if feed is not None and not inverse:
            self.feed = feed
        if not moves:
            return 0
        if self.beyond(target):
            self.alarm(2)
            return -1
        length = float(np.linalg.norm(target - self.target))
        if modal["motion"] == "G0":
            speed = math.inf
        else:
            speed = length * (feed or 0) / 60 if inverse else self.feed / 60
        self.plan(target, speed)
        if self.state == "Idle" and self.queue:
            self.state = "Run"
        return 0

    def report(self) -> None:
        self.say(status(self))
