"""The fake controller as grbl 1.1 and FluidNC speak, by their own documentation and sources.

Nothing of them is copied here: only what they say on the line, and when.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from grbl_controller import SETTINGS, Controller

GRBL = {
    **{n: SETTINGS[n] for n in (0, 1, 3, 11, 13, 20, 21, 22, 23, 24, 25, 27)},
    **{n: SETTINGS[n] for n in range(100, 133) if n % 10 < 3},
    10: "1",
}
"""What grbl 1.1 lists: three axes, and reports without buffers as they are by default."""


class PlainGrbl(Controller):
    """grbl 1.1h on an Arduino: three axes, small buffers, one homing cycle for all of them."""

    usual = GRBL
    line_length = 79
    latches = False
    single_homing = False
    """HOMING_SINGLE_AXIS_COMMANDS, off by default."""

    def __init__(self, settings: dict[int, str] | None = None, **more: int) -> None:
        super().__init__(settings, **{"axes": 3, "blocks": 15, "room": 127, **more})

    def power_cycle(self) -> None:
        self.locked = 11 if int(self.setting(22)) & 1 else 0  # HOMING_INIT_LOCK
        locked = self.locked
        super().power_cycle()
        self.locked = locked
        self.state = "Alarm" if locked else "Idle"

    def greet(self) -> None:
        self.say("")
        self.say("Grbl 1.1h ['$' for help]")
        if self.locked:
            self.say("[MSG:'$H'|'$X' to unlock]")

    def identify(self) -> int:
        self.say("[VER:1.1h.20190825:]")
        self.say(f"[OPT:V{'H' * self.single_homing},{self.blocks},{self.room + 1}]")
        return 0

    def extended(self) -> None:
        """Bytes above 127 that mean nothing are ignored."""

    @property
    def soft(self) -> np.ndarray:
        return np.full(self.axes, bool(self.setting(20)))

    def beyond(self, target: np.ndarray) -> bool:
        outside = (target > 1e-6) | (target < -self.rates(130) - 1e-6)
        return bool((outside & self.soft).any())

    def write(self, number: int, text: str) -> int:
        return super().write(number, text) if number in self.settings else 3

    def find_home(self, axis: str) -> int | None:
        if not int(self.setting(22)) & 1:
            return 5
        if axis and not self.single_homing:
            return 3
        return self.seek(["XYZ".index(axis)] if axis else list(range(self.axes)))

    def declare(self, index: int) -> None:
        """Home is the far end of the travel, less the pull-off: machine space is negative."""
        super().declare(index)
        per = self.setting(100 + index)
        at = round((self.setting(27) - self.setting(130 + index)) * per)
        self.steps[index] += at
        self.offset[index] -= at
        self.target = self.position()
        self.show_homed = False


class FluidNC(PlainGrbl):
    """FluidNC: any number of axes, settings in a file of its own, homing axis by axis."""

    usual: ClassVar = {n: t for n, t in GRBL.items() if n in (10, 20, 21, 22, 23)}
    line_length = 255
    single_homing = True

    def __init__(self, settings: dict[int, str] | None = None, axes: int = 6) -> None:
        usual = {n: t for n, t in SETTINGS.items() if 100 <= n < 140 and n % 10 < axes}
        super().__init__({**self.usual, **usual} if settings is None else settings, axes=axes)
        self.file = {"stepping/idle_ms": "255", "junction_deviation_mm": "0.200"}
        self.file["report_inches"] = "false"
        self.macros = 0

    def greet(self) -> None:
        self.say("")
        self.say("Grbl 4.0 [FluidNC v4.0.1 (esp32-wifi) '$' for help]")

    def identify(self) -> int:
        self.say("[VER:4.0 FluidNC v4.0.1 (esp32-wifi) :]")
        self.say("[OPT:PHS]")
        self.say("[MSG:INFO: Machine: knobs]")
        return 0

    def extended(self) -> None:
        self.macros += 1

    def setting(self, number: int) -> float:
        if number in (1, 11):
            return float(self.file[("stepping/idle_ms", "junction_deviation_mm")[number == 11]])
        return super().setting(number)

    def dollar(self, line: str) -> int | None:
        if line.startswith("$/") and line[2:] in self.file:
            self.say(f"{line}={self.file[line[2:]]}")
            return 0
        if line in ("$E", "$A"):
            for text in {"$E": ["3: Invalid $ statement", "162: Read-only setting"]}.get(
                line, ["1: Hard Limit", "14: Unhomed"]
            ):
                self.say(text)
            return 0
        if line == "$MD":
            self.energised = False
            return 0
        return super().dollar(line)

    def write(self, number: int, text: str) -> int:
        if number != 10:
            return 162 if number in self.settings else 3
        self.settings[10] = text
        return 0

    def declare(self, index: int) -> None:
        Controller.declare(self, index)
        self.show_homed = False
