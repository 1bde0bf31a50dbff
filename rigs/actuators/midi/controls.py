"""From a panel position to MIDI messages.

MIDI 1.0 Detailed Specification, MIDI Manufacturers Association, 1996: a control change carries 7
bits; controls 0-31 carry 14 together with control + 32, the upper seven bits first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import mido
from pydantic import Field, model_validator

from rigs.errors import UserError
from rigs.knobs import Knob, KnobTable
from rigs.rig import Options

Whole = Annotated[int, Field(strict=True)]
Seven = Annotated[Whole, Field(ge=0, le=127)]
Value = Annotated[Whole, Field(ge=0, le=(1 << 14) - 1)]


class KnobOptions(Options):
    """How one knob is told: by ``control``, or, a switch, by ``program``.

    A knob's values run from ``minimum`` to ``maximum`` (down, if that is the smaller one), the top
    of its bits unless told; a switch has one of ``values`` or ``program`` for each detent.
    """

    control: Annotated[Whole, Field(ge=0, le=119)] | None = None
    bits: Literal[7, 14] = 7
    minimum: Value = 0
    maximum: Value | None = None
    values: tuple[Value, ...] | None = Field(default=None, max_length=128)
    program: tuple[Seven, ...] | None = Field(default=None, max_length=128)

    @property
    def top(self) -> int:
        return (1 << self.bits) - 1

    @property
    def ends(self) -> tuple[int, int]:
        return self.minimum, self.top if self.maximum is None else self.maximum

    @model_validator(mode="after")
    def _consistent(self) -> KnobOptions:
        if (self.control is None) == (self.program is None):
            raise ValueError("give either a control (0 to 119) or, for a switch, its program list")
        if self.program is not None and self.model_fields_set != {"program"}:
            raise ValueError("a switch that is told by program takes nothing else; remove the rest")
        if self.bits == 14 and (self.control is None or self.control > 31):
            raise ValueError("only controls 0 to 31 carry 14 bits; choose one, or bits = 7")
        if max(self.ends + (self.values or ())) > self.top:
            raise ValueError(f"{self.bits} bits end at {self.top}; lower the value that is above")
        if self.ends[0] == self.ends[1]:
            raise ValueError("minimum and maximum are the same value; give two different ones")
        return self


class MidiOptions(Options):
    """The ``[actuator]`` of a rig that is set by MIDI."""

    port: str = Field(min_length=1, max_length=200)
    """The output's name, or a part of it that no other output has."""
    api: Literal["alsa", "jack", "core", "winmm"] | None = None
    """The system's MIDI to use; None: any that there is."""
    channel: Whole = Field(default=1, ge=1, le=16)
    settle: float = Field(default=0.2, ge=0, le=30)
    """Seconds from the last message until the sound has become what it will be."""
    delay: float = Field(default=0.0, ge=0, le=0.15)
    """Seconds from a message until it is heard: while audio plays, knobs are sent that earlier."""
    messages_per_second: float = Field(default=300, ge=10, le=1000)
    """At most; a DIN cable carries 1000 (31250 baud, 10 bits a byte, 3 bytes a message)."""
    knobs: dict[str, KnobOptions] = Field(min_length=1, max_length=128)


@dataclass(frozen=True)
class Control:
    """One knob and how it is told. A knob's state is its MIDI value, a switch's its detent."""

    knob: Knob
    channel: int
    number: int
    bits: int
    ends: tuple[int, int]
    values: tuple[int, ...] = ()
    program: tuple[int, ...] = ()

    @property
    def steps(self) -> int:
        """How many states there are from one end to the other."""
        return int(self.knob.maximum) if self.knob.detents else abs(self.ends[1] - self.ends[0])

    @property
    def step(self) -> float:
        """The panel units between two neighbouring states."""
        return (self.knob.maximum - self.knob.minimum) / self.steps

    def state(self, position: float) -> int:
        """The state nearest to a panel position."""
        way = min(max((position - self.knob.minimum) / self.step, 0.0), float(self.steps))
        if self.knob.detents:
            return round(way)
        low, high = self.ends
        return low + round(way) if high > low else low - round(way)

    def position(self, state: int) -> float:
        """The panel position that ``state`` stands for."""
        way = state if self.knob.detents else abs(state - self.ends[0])
        return self.knob.minimum + way * self.step

    def messages(self, state: int) -> list[bytes]:
        """What brings the knob to ``state``, in the order in which it is to be sent."""
        if self.program:
            change = mido.Message(
                "program_change", channel=self.channel, program=self.program[state]
            )
            return [bytes(change.bytes())]
        value = self.values[state] if self.values else state
        if self.bits == 7:
            return [self._change(self.number, value)]
        # Both halves, always: a receiver sets the lower one to 0 when it is sent the upper one.
        return [self._change(self.number, value >> 7), self._change(self.number + 32, value & 127)]

    def _change(self, number: int, value: int) -> bytes:
        change = mido.Message("control_change", channel=self.channel, control=number, value=value)
        return bytes(change.bytes())


def controls_of(options: MidiOptions, knobs: KnobTable) -> tuple[Control, ...]:
    """One control for each knob, in the panel's order.

    Raises UserError if a knob has none, if one is not on the panel, or if two would hear the same
    message.
    """
    told: dict[str, KnobOptions] = {}
    for name, how in options.knobs.items():
        knob = knobs[name]
        if knob.name in told:
            raise UserError(f"{knob.name} is listed twice under [actuator.knobs]; remove one.")
        told[knob.name] = how
    controls = tuple(_control(knob, told.get(knob.name), options.channel - 1) for knob in knobs)
    users: dict[object, str] = {}
    for control in controls:
        numbers: list[object] = [f"control {control.number}"]
        if control.program:
            numbers = ["program change"]
        elif control.bits == 14:
            numbers.append(f"control {control.number + 32}")
        for number in numbers:
            if number in users:
                raise UserError(
                    f"{users[number]} and {control.knob.name} would both be told by {number}; "
                    "give each its own."
                )
            users[number] = control.knob.name
    return controls


def _control(knob: Knob, how: KnobOptions | None, channel: int) -> Control:
    if how is None:
        raise UserError(
            f"No MIDI control is given for {knob.name}; add [actuator.knobs.{_key(knob.name)}] "
            "with control = 20, or whichever number the device listens to."
        )
    listed = how.values if how.program is None else how.program
    if knob.detents and (listed is None or len(listed) != len(knob.detents)):
        raise UserError(
            f"Switch {knob.name} has {len(knob.detents)} positions ({', '.join(knob.detents)}) "
            f"and {len(listed or ())} MIDI values; give its values, or its program, one for each."
        )
    if not knob.detents and listed is not None:
        raise UserError(
            f"{knob.name} has values for a switch, but no detents; name them under "
            f"[knobs.{_key(knob.name)}], or give minimum and maximum instead."
        )
    if knob.detents and len(set(listed or ())) != len(listed or ()):
        raise UserError(
            f"Two positions of {knob.name} have the same MIDI value; give each its own."
        )
    return Control(
        knob,
        channel,
        number=-1 if how.control is None else how.control,
        bits=how.bits,
        ends=how.ends,
        values=how.values or (),
        program=how.program or (),
    )


def _key(name: str) -> str:
    return name if name.isidentifier() else f'"{name}"'
