"""What a grbl controller says, line by line. Nothing here talks to one.

The dialect is grbl 1.1's with grblHAL's additions; what a controller leaves out is None or empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

AXES = "XYZABC"
MOST_SETTINGS = 2000
"""No controller has more settings than this; a longer list is not one."""

ERRORS = {
    1: "a word has no letter",
    2: "a number is malformed",
    3: "the $ command is not known",
    5: "homing is not enabled",
    8: "$ commands are refused while something moves",
    9: "motion is locked by an alarm",
    10: "soft limits need homing to be enabled",
    11: "the line is too long",
    12: "the step rate would be too high",
    15: "the jog would leave the travel",
    16: "the jog is malformed",
    18: "the controller was reset",
    20: "the command is not supported",
    22: "a feed rate is missing",
    33: "the target is not valid",
    36: "the line holds a word it has no use for",
    39: "a number is out of range",
    45: "a limit switch is engaged",
    46: "it has to be homed first",
    50: "the emergency stop is active",
    51: "a motor driver reports a fault",
    52: "the value is out of range",
    53: "there is no such setting",
    79: "an alarm has to be reset first",
}
"""For controllers that do not list their own (`$EE`)."""

ALARMS = {
    1: "a limit switch was hit",
    2: "a target lies outside the controller's travel",
    3: "it was reset while it moved, so the position is lost",
    6: "homing was interrupted",
    8: "homing could not leave the switch",
    9: "homing did not find the switch",
    10: "the emergency stop was pressed",
    11: "it has to be homed first",
    12: "a limit switch is engaged",
    17: "a motor driver reports a fault",
}
"""For controllers that do not list their own (`$EA`)."""


@dataclass(frozen=True)
class Status:
    """A status report, `<Idle|MPos:…>`.

    ``position`` is in the machine's units, one number an axis; ``blocks`` are free in the planner
    and ``room`` characters in the receive buffer; ``homed`` is the mask of homed axes, if told.
    """

    state: str
    substate: int
    position: tuple[float, ...]
    blocks: int | None = None
    room: int | None = None
    homed: int | None = None
    pins: str = ""

    @property
    def idle(self) -> bool:
        return self.state == "Idle"


_STATUS = re.compile(r"<([A-Za-z]+)(?::(\d+))?((?:\|[^|<>]*)*)>")


def parse_status(line: str) -> Status | None:
    """None if ``line`` is no whole status report: bytes were lost.

    A controller that reports work positions has not been told otherwise yet (`$10`).
    """
    match = _STATUS.fullmatch(line)
    if match is None:
        return None
    fields = dict(text.partition(":")[::2] for text in match[3].split("|")[1:])
    try:
        position = tuple(map(float, (fields.get("MPos") or fields["WPos"]).split(",")))
        buffers = [int(number) for number in fields.get("Bf", "").split(",") if number]
        homed = fields.get("H", "").split(",")[-1]
        blocks, room = (buffers[0], buffers[1]) if len(buffers) == 2 else (None, None)
        return Status(
            match[1],
            int(match[2] or 0),
            position,
            blocks,
            room,
            int(homed) if homed else None,
            fields.get("Pn", ""),
        )
    except (KeyError, ValueError):
        return None


@dataclass(frozen=True)
class Identity:
    """What `$I` tells of a controller."""

    name: str = "grbl"
    axes: str = "XYZ"
    blocks: int = 15
    room: int = 127
    extras: frozenset[str] = frozenset()
    single_homing: bool = True
    """Whether `$HX` homes one axis; a plain grbl takes `$H` alone unless it was built for it."""

    @property
    def lists(self) -> tuple[str, ...]:
        """The commands that list the texts of its errors and alarms, if there are such."""
        if self.is_fluidnc:
            return "$E", "$A"
        return ("$EE", "$EA") if "ENUMS" in self.extras else ()

    @property
    def is_grblhal(self) -> bool:
        return self.name == "grblHAL"

    @property
    def is_fluidnc(self) -> bool:
        return self.name == "FluidNC"


def parse_identity(lines: Iterable[str], positions: int = 3) -> Identity:
    """From `$I`'s lines, and how many positions a status report has; the rest is as in grbl 1.1."""
    name, axes, blocks, room, extras = "grbl", AXES[:positions], 15, 127, frozenset[str]()
    flags = ""
    for line in lines:
        key, _, text = line.strip("[]").partition(":")
        words = text.split(",")
        if key == "FIRMWARE" and text in ("grblHAL", "FluidNC"):
            name = text
        elif key == "VER" and "FluidNC" in text:
            name = "FluidNC"
        elif key == "AXS" and (letters := re.fullmatch(r"\d:([XYZABC]{1,6})", text)):
            axes = letters[1]
        elif key == "OPT":
            flags = words[0]
            if len(words) >= 3 and words[1].isdigit() and words[2].isdigit():
                blocks, room = int(words[1]), int(words[2]) - 1
        elif key == "NEWOPT":
            extras = frozenset(words)
    return Identity(
        name,
        axes,
        max(1, min(blocks, 10_000)),
        max(64, min(room, 65_536)),
        extras,
        single_homing=name != "grbl" or "H" in flags,
    )


def parse_settings(lines: Iterable[str]) -> dict[int, float]:
    """The numeric settings of a `$$` answer, by number."""
    found: dict[int, float] = {}
    for line in lines:
        match = re.match(r"\$(\d{1,4})=([-+]?[0-9.]+)", line)
        if match and len(found) < MOST_SETTINGS:
            try:
                found[int(match[1])] = float(match[2])
            except ValueError:
                continue
    return found


def parse_texts(lines: Iterable[str]) -> dict[int, str]:
    """Numbers and texts of a `$EE` or `$EA` answer, or of FluidNC's `$E` or `$A`."""
    found = {}
    for line in lines:
        match = re.fullmatch(r"\[(?:ERROR|ALARM)CODE:(\d{1,3})\|[^|]*\|(.*)\]", line)
        match = match or re.fullmatch(r"(\d{1,3}): (.*)", line)
        if match and match[2].strip():
            text = match[2].strip()[:200].rstrip(".")
            found[int(match[1])] = text
    return found


@dataclass
class Texts:
    """What the controller's numbers mean."""

    errors: dict[int, str] = field(default_factory=lambda: dict(ERRORS))
    alarms: dict[int, str] = field(default_factory=lambda: dict(ALARMS))

    def error(self, code: int) -> str:
        return f"error:{code} ({self.errors.get(code, 'it does not say why')})"

    def alarm(self, code: int) -> str:
        return f"alarm {code} ({self.alarms.get(code, 'it does not say why')})"
