"""A grbl controller that is none: grblHAL's rules, with motors, knobs and end stops behind it.

The rules are those that a recorded session with the real firmware shows (test_grbl_transcript.py
replays it); what it does not show (G93, lookahead, M62, M906) follows the published grbl 1.1 and
grblHAL documentation. :class:`Controller` lives in a time of its own; test_grbl_pty.py puts it
behind a pseudo-terminal.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import deque
from dataclasses import dataclass, field

import numpy as np

AXES = "XYZABC"
TICK = 0.002
BUFFERED = 0.07
"""Seconds of steps already handed to the motors when a hold comes."""
EMPTIED = 0.03
"""So long before its end the last block has left the planner."""
PREPARED = 0.1
"""So long before its end a block that others follow has: grblHAL's ten segments of a hundredth."""
REALTIME = b"?!~\x18\x85"
CYCLE = 7.2
"""Degrees between the places at which a stalled motor can rest: four of 200 full steps."""

SETTINGS = {
    **{0: "5.0", 1: "25", 3: "0", 10: "511", 11: "0.010", 13: "0", 20: "0", 21: "0", 22: "0"},
    **{23: "0", 24: "25.0", 25: "500.0", 27: "1.000", 44: "4", 45: "3", 46: "0"},
    **{100 + i: "250.00000" for i in range(6)},
    **{110 + i: "500.000" for i in range(6)},
    **{120 + i: "10.000" for i in range(6)},
    **{130 + i: "200.000" for i in range(6)},
    376: "7",
}


def printed(value: float) -> str:
    """Three decimals as the firmware prints them: a half is added in float32, the rest cut."""
    whole = np.float32(abs(value)) + np.float32(0.0005)
    cut = int((whole - np.float32(int(whole))) * np.float32(1000))
    return f"{'-' if value < 0 else ''}{int(whole)}.{cut:03d}"


@dataclass
class Block:
    """A straight piece in the planner; lengths in units, ``target`` in steps."""

    start: np.ndarray
    target: np.ndarray
    length: float
    unit: np.ndarray
    speed: float
    acceleration: float
    taken: float
    entry: float = 0.0
    leave: float = 0.0
    done: float = 0.0
    outputs: tuple[tuple[int, bool], ...] = ()


@dataclass
class Mechanics:
    """A motor and a pot: end stops at 0 and ``travel`` degrees, play, slips of four full steps.

    Pushed against a stop, a motor stays there until the field has gone half a cycle on; then it
    falls back to where the field of the cycle before holds it.
    """

    travel: float = 310.0
    backlash: float = 2.0
    slip: float = 0.0
    knob: float = 120.0
    start: float = 118.0
    """The motor's angle when power came on and machine position was 0."""
    stalls: list[float] = field(default_factory=list)
    """The current at each slip, in mA."""

    def turn(self, commanded: float, current: float) -> None:
        field = commanded + self.start + self.slip
        top = self.travel + self.backlash
        while field < -CYCLE / 2 or field > top + CYCLE / 2:
            step = CYCLE if field < 0 else -CYCLE
            self.slip, field = self.slip + step, field + step
            self.stalls.append(current)
        motor = min(max(field, 0.0), top)
        self.knob = min(max(self.knob, motor - self.backlash), motor)


class Controller:
    """Bytes in, bytes out, at times that the caller gives, in seconds."""

    def __init__(
        self,
        settings: dict[int, str] | None = None,
        axes: int = 6,
        char_time: float = 0.0,
        blocks: int = 100,
        room: int = 1023,
        trinamic: bool = False,
        firmware: str = "grblHAL",
    ) -> None:
        self.axes, self.char_time, self.firmware = axes, char_time, firmware
        self.settings = dict(SETTINGS if settings is None else settings)
        if trinamic:
            self.settings |= {140 + i: "800" for i in range(axes)}
        self.current = [800.0] * axes
        self.canned: dict[str, list[str]] = {}
        self.blocks, self.room = blocks, room
        self.mechanics = [Mechanics() for _ in range(axes)]
        self.offset = np.zeros(axes)  # physical position of machine zero, in steps
        self.switches = np.array([-40.0, -40.0, -10.0, -70.0, -10.0, -70.0][:axes])
        self.pins_from_switches = False
        self.energised = False
        self.edges: list[tuple[float, bool]] = []
        self.longest = 0.0
        """The most seconds that a piece of motion spent from being taken to being done."""
        self.overflowed = False
        self.now = 0.0
        self.out: list[bytes] = []
        self.steps = np.zeros(axes)
        self.homed = 0
        self.show_homed = False
        self.locked = 0
        self._startup()

    def home(self, axis: str) -> float:
        """The motor's true angle at machine position 0."""
        i = AXES.index(axis)
        mechanics = self.mechanics[i]
        return self.offset[i] / self.setting(100 + i) + mechanics.start + mechanics.slip

    # Power, reset.

    def _startup(self) -> None:
        self.state = "Alarm" if self.locked else "Idle"
        self.critical = False
        self.queue: deque[Block] = deque()
        self.velocity = 0.0
        self.hold_at: float | None = None
        self.cancel_at: float | None = None
        self.dwell: float | None = None
        self.ends_at: float | None = None
        self.line, self.error = b"", 0
        self.incoming: deque[tuple[float, int]] = deque()
        self.modal = {"motion": "G0", "distance": "G90", "feed": "G94"}
        self.feed = 0.0
        self.outputs: list[tuple[int, bool]] = []
        self.target = self.position()
        self.count, self.next_ov, self.next_wco, self.fresh = 0, 1, 2, "TLR"
        self.homing_until: float | None = None
        self.homing_axes = 0

    def say(self, text: str) -> None:
        self.out.append(text.encode() + b"\r\n")

    def setting(self, number: int) -> float:
        return float(self.settings.get(number, 0))

    def rates(self, first: int) -> np.ndarray:
        return np.array([self.setting(first + i) for i in range(self.axes)])

    def position(self) -> np.ndarray:
        """Machine position in units."""
        return self.steps / np.float32(self.rates(100))

    @property
    def soft(self) -> np.ndarray:
        """Which axes have soft limits in force."""
        bits = np.array([self.homed >> i & 1 for i in range(self.axes)], bool)
        return bits & bool(self.setting(20))

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
        name = {"grblHAL": "GrblHAL 1.1f ['$' or '$HELP' for help]"}
        self.say(name.get(self.firmware, "Grbl 1.1h ['$' for help]"))
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

    @property
    def moving(self) -> bool:
        return self.state in ("Run", "Jog", "Home") or (self.state == "Hold" and self.velocity > 0)

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
        elif byte == 10:
            line, self.line = self.line.decode("ascii", "replace"), b""
            self.execute(line)
        elif byte != 13 and byte < 0x80:
            self.line += bytes([byte])

    def execute(self, line: str) -> None:
        if not line:
            self.error = 0
        elif len(line) > 255:
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
        if match := re.fullmatch(r"\$(\d+)=([-0-9.]+)", line):
            return self.write(int(match[1]), match[2])
        return 3

    def identify(self) -> int:
        if self.firmware != "grblHAL":
            self.say("[VER:1.1h.20190825:]")
            self.say(f"[OPT:V,{self.blocks},{self.room + 1}]")
            return 0
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
            self.state, self.homing_until, self.homing_axes = "Home", self.now + 1.0, index
            self.energised = True
            return None
        if not mode & 32:
            return 5
        self.declare(index)
        self.say("[MSG:]")
        return 0

    def declare(self, index: int) -> None:
        self.offset[index] += self.steps[index]
        self.steps[index] = 0
        self.target = self.position()
        self.homed |= 1 << index
        self.show_homed = True
        self.state, self.locked = "Idle", 0

    def jog(self, text: str) -> int | None:
        if self.state not in ("Idle", "Jog"):
            return 8 if self.state != "Alarm" else 9
        words = re.findall(r"([A-Z])([-+]?[0-9.]+)", text)
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

    # The planner: trapezoids with lookahead and junction deviation, as grbl has them.

    def plan(self, target: np.ndarray, speed: float) -> None:
        per = np.float32(self.rates(100)).astype(float)
        begin = np.round(self.target * per) if not self.queue else self.queue[-1].target
        end = np.round(target * per)
        self.target = target
        delta = (end - begin) / per
        length = float(np.linalg.norm(delta))
        if length == 0:
            return
        unit = delta / length
        with np.errstate(divide="ignore"):
            most = float(np.min(self.rates(110) / 60 / np.abs(unit)))
            acceleration = float(np.min(self.rates(120) / np.abs(unit)))
        speed = min(speed, most)
        outputs, self.outputs = tuple(self.outputs), []
        self.queue.append(
            Block(begin, end, length, unit, speed, acceleration, self.now, outputs=outputs)
        )
        self._junctions()
        self.energised = True
        self.ends_at = None

    def _junctions(self) -> None:
        deviation = self.setting(11)
        blocks = list(self.queue)
        limits = []
        for one, two in itertools.pairwise(blocks):
            cosine = -float(one.unit @ two.unit)
            if cosine > 0.999999:
                junction = 0.0
            elif cosine < -0.999999:
                junction = math.inf
            else:
                sine = math.sqrt(0.5 * (1 - cosine))
                least = min(one.acceleration, two.acceleration)
                junction = math.sqrt(least * deviation * sine / (1 - sine))
            limits.append(min(junction, one.speed, two.speed))
        leave = 0.0
        for i in range(len(blocks) - 1, -1, -1):
            blocks[i].leave = leave
            rest = blocks[i].length - blocks[i].done
            entry = math.sqrt(leave**2 + 2 * blocks[i].acceleration * rest)
            leave = min(entry, limits[i - 1]) if i else 0.0

    def _run_until(self, until: float) -> None:
        while self.now < until - 1e-12:
            step = min(TICK, until - self.now)
            if not (self.queue or self.busy):
                self.now = until
                return
            self.now += step
            self._tick(step)
        self.now = until

    @property
    def busy(self) -> bool:
        return (
            self.dwell is not None or self.homing_until is not None or self.state in ("Run", "Jog")
        )

    def _tick(self, step: float) -> None:
        if self.homing_until is not None and self.now >= self.homing_until:
            i, self.homing_until = self.homing_axes, None
            self.declare(i)
            self.say("ok")
        if self.hold_at is not None and self.now >= self.hold_at and self.state == "Run":
            self.state = "Hold"
        braking = self.state == "Hold" or (
            self.cancel_at is not None and self.now >= self.cancel_at
        )
        if self.queue:
            self._move(step, braking)
        if self.cancel_at is not None and self.now >= self.cancel_at and self.velocity == 0:
            self.queue.clear()
            self.cancel_at, self.state = None, "Idle"
            self.target = self.position()
        if self.queue or self.state not in ("Run", "Jog", "Idle"):
            return
        if self.state in ("Run", "Jog"):
            if self.ends_at is None:
                self.ends_at = self.now + 0.02
            elif self.now >= self.ends_at:
                self.state, self.ends_at, self.cancel_at, self.hold_at = "Idle", None, None, None
                self.energised = self.setting(1) == 255
        elif self.dwell is not None:
            self.dwell -= step
            if self.dwell <= 0:
                self.dwell = None
                self.say("ok")

    def _move(self, step: float, braking: bool) -> None:
        block = self.queue[0]
        if block.outputs:
            self.edges += [(self.now - step, on) for _, on in block.outputs]
            block.outputs = ()
        change = block.acceleration * step
        rest = block.length - block.done
        limit = min(block.speed, math.sqrt(block.leave**2 + 2 * block.acceleration * rest))
        goal = 0.0 if braking else max(limit, 0.5 * change)
        before = self.velocity
        self.velocity += min(max(goal - before, -change if braking else -math.inf), change)
        block.done += (before + self.velocity) / 2 * step if not braking else self.velocity * step
        if block.done >= block.length - 1e-9:
            over = block.done - block.length
            self.queue.popleft()
            self.longest = max(self.longest, self.now - block.taken)
            if self.queue:
                self.queue[0].done = min(over, self.queue[0].length / 2)
                self.velocity = min(self.velocity, block.leave or 0.0)
            else:
                self.velocity = 0.0
            self.steps = block.target.copy()
        else:
            share = block.done / block.length
            self.steps = np.round(block.start + share * (block.target - block.start))
        self._turn()

    def _turn(self) -> None:
        degrees = (self.steps + self.offset) / self.rates(100)
        for i, mechanics in enumerate(self.mechanics):
            mechanics.turn(float(degrees[i]), self.current[i])

    # Reports.

    def report(self) -> None:
        self.count += 1
        busy = self.moving or self.state == "Hold"
        state = self.state
        if state == "Hold":
            state = "Hold:1" if self.velocity > 0 else "Hold:0"
        speed, planned = 0.0, len(self.queue)
        if self.queue:
            speed = self.queue[0].speed * 60
            ahead = 0.0
            for block in self.queue:  # what is prepared as steps has left the planner
                pace = self.velocity if block is self.queue[0] else block.speed
                ahead += (block.length - block.done) / max(pace, 1e-3)
                last = block is self.queue[-1]
                if self.velocity > 0 and ahead < (EMPTIED if last else PREPARED):
                    planned -= 1
            if planned == 0:
                speed = 0.0
        parts = [
            state,
            "MPos:" + ",".join(printed(p) for p in self.position()),
            f"Bf:{self.blocks - planned},{self.room}",
            f"FS:{int(speed)},0",
        ]
        if self.pins_from_switches:
            physical = (self.steps + self.offset) / self.rates(100)
            pins = "".join(AXES[i] for i in range(self.axes) if physical[i] < self.switches[i])
            parts += [f"Pn:{pins}"] if pins else []
        if not busy:
            self.next_ov = min(self.next_ov, self.count + 10)
            self.next_wco = min(self.next_wco, self.count + 10)
        if self.count >= self.next_ov:
            self.next_ov = self.count + (20 if busy else 10)
            parts.append("Ov:100,100,100")
            parts += ["A:"] if self.fresh else []
        elif self.count >= self.next_wco:
            self.next_wco = self.count + (30 if busy else 10)
            parts.append("WCO:" + ",".join(["0.000"] * self.axes))
        if self.show_homed:
            self.show_homed = False
            everything = (1 << self.axes) - 1
            parts.append(f"H:{int(self.homed == everything)},{self.homed}")
        if self.fresh == "TLR":
            parts.append("TLR:0")
        self.fresh = ""
        self.say("<" + "|".join(parts) + ">")
