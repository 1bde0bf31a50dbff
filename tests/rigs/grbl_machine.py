"""What moves in the fake controller: a planner of trapezoids with lookahead, motors, and time."""

from __future__ import annotations

import itertools
import math
from collections import deque
from dataclasses import dataclass

import numpy as np
from grbl_mechanics import Mechanics

AXES = "XYZABC"
TICK = 0.002


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


class Machine:
    """Motors and what is planned for them; ``settings`` by number, as texts.

    Junctions are grbl's: as fast as the deviation ``$11`` allows.
    """

    def __init__(self, settings: dict[int, str], axes: int) -> None:
        self.axes, self.settings = axes, settings
        self.mechanics = [Mechanics() for _ in range(axes)]
        self.current = [800.0] * axes
        self.offset = np.zeros(axes)  # physical position of machine zero, in steps
        self.steps = np.zeros(axes)
        self.homed = 0
        self.energised = False
        self.overrides = 100
        """Of feed, in percent."""
        self.edges: list[tuple[float, bool]] = []
        self.longest = 0.0
        """The most seconds that a piece of motion spent from being taken to being done."""
        self.now = 0.0
        self.out: list[bytes] = []
        self.state = "Idle"
        self.rest()

    def rest(self) -> None:
        """Nothing is planned, and nothing moves."""
        self.queue: deque[Block] = deque()
        self.velocity = 0.0
        self.hold_at: float | None = None
        self.cancel_at: float | None = None
        self.dwell: float | None = None
        self.ends_at: float | None = None
        self.homing_until: float | None = None
        self.homing_axes: list[int] = []
        self.outputs: list[tuple[int, bool]] = []
        self.target = self.position()

    def home(self, axis: str) -> float:
        """The motor's true angle at machine position 0."""
        i = AXES.index(axis)
        mechanics = self.mechanics[i]
        return self.offset[i] / self.setting(100 + i) + mechanics.start + mechanics.slip

    def setting(self, number: int) -> float:
        return float(self.settings.get(number, 0))

    def rates(self, first: int) -> np.ndarray:
        return np.array([self.setting(first + i) for i in range(self.axes)])

    def position(self) -> np.ndarray:
        """Machine position in units."""
        return self.steps / np.float32(self.rates(100))

    def say(self, text: str) -> None:
        self.out.append(text.encode() + b"\r\n")

    def declare(self, index: int) -> None:
        """The axis is home, where it stands."""
        self.offset[index] += self.steps[index]
        self.steps[index] = 0
        self.homed |= 1 << index
        self.state, self.target = "Idle", self.position()

    @property
    def soft(self) -> np.ndarray:
        """Which axes have soft limits in force."""
        bits = np.array([self.homed >> i & 1 for i in range(self.axes)], bool)
        return bits & bool(self.setting(20))

    @property
    def moving(self) -> bool:
        return self.state in ("Run", "Jog", "Home") or (self.state == "Hold" and self.velocity > 0)

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
        speed = min(speed * self.overrides / 100, most)
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
            self.homing_until = None
            for index in self.homing_axes:
                self.declare(index)
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
