"""What a rig's TOML says of steppers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from rigs.rig import Options


class KnobOptions(Options):
    """One motor on one knob. Degrees are the shaft's, from where homing finds its end stop."""

    axis: Literal["X", "Y", "Z", "A", "B", "C"]
    travel: float = Field(gt=0, le=3600)
    """Degrees from end stop to end stop."""
    low_end: float = Field(default=0.0, ge=0)
    """Degrees at which the panel shows the knob's minimum."""
    high_end: float | None = Field(default=None, ge=0)
    """Degrees at which the panel shows its maximum; None: the whole travel."""
    detents: tuple[float, ...] = Field(default=(), max_length=64)
    """A switch's detents in degrees, in the order of its labels."""
    reverse: bool = False
    """Whether the motor has to turn the other way to leave the stop (the controller's `$3`)."""
    backlash: float = Field(default=2.0, ge=0, le=30)
    """Degrees of play between motor and shaft, from calibration."""
    homing: Literal["stop", "switch"] = "stop"
    gear: float = Field(default=1.0, gt=0.01, le=100)
    """Turns of the motor for one of the shaft."""
    park: float | None = None
    """The panel position to leave the knob at; None: its minimum."""

    @model_validator(mode="after")
    def _within_the_travel(self) -> KnobOptions:
        ends = (self.low_end, self.top)
        if max(*ends, *self.detents) > self.travel or min((0.0, *self.detents)) < 0:
            raise ValueError(
                f"an end or a detent lies outside the travel of {self.travel:g} degrees"
            )
        if not self.detents and abs(self.top - self.low_end) < 1:
            raise ValueError("low_end and high_end are the same place")
        return self

    @property
    def top(self) -> float:
        return self.travel if self.high_end is None else self.high_end


class GrblOptions(Options):
    """The section `[actuator]` with type = "grbl"."""

    port: str = Field(min_length=1, max_length=500)
    """A device, a pattern of one (`/dev/serial/by-id/*grbl*`), or any pyserial URL."""
    baud: int = Field(default=115_200, ge=9600, le=4_000_000)
    knobs: dict[str, KnobOptions] = Field(min_length=1, max_length=6)
    full_steps: int = Field(default=200, ge=20, le=800)
    """Full steps of a motor's turn."""
    microsteps: int = Field(default=16, ge=1, le=256)
    speed: float = Field(default=240.0, gt=0, le=2000)
    """The fastest a shaft may turn, in degrees a second."""
    acceleration: float = Field(default=2000.0, gt=0, le=100_000)
    """Degrees a second squared."""
    homing_speed: float = Field(default=45.0, gt=0, le=360)
    """Degrees a second while homing; never more than ``speed``."""
    homing_current: int | Literal["fixed"] | None = Field(default=None)
    """Milliamperes while a motor pushes against a pot's end stop; "fixed": the driver's own
    setting is below what the stop bears."""
    settle: float = Field(default=0.05, ge=0, le=10)
    """Seconds between arrival and audio, for the mechanics to fall silent."""
    segment: float = Field(default=0.03, ge=0.02, le=0.1)
    """Seconds of a sweep that one line carries."""
    configure: bool = False
    """Whether to write settings of the controller that differ, rather than refuse."""
    sync_output: int | None = Field(default=None, ge=0, le=15)
    """The controller's output that pulses in step with a sweep's motion, if one is wired."""

    @model_validator(mode="after")
    def _sound(self) -> GrblOptions:
        axes = [knob.axis for knob in self.knobs.values()]
        if len(set(axes)) < len(axes):
            raise ValueError("two knobs are on one axis; give each its own")
        if self.speed > 0.15001 * self.acceleration:
            raise ValueError(
                f"an acceleration of {self.acceleration:g} takes too long to stop from a speed of "
                f"{self.speed:g}; make it at least {self.speed / 0.15:g}"
            )
        current = self.homing_current
        if isinstance(current, int) and not 10 <= current <= 3000:
            raise ValueError("homing_current is in milliamperes, from 10 to 3000")
        if current is None and any(knob.homing == "stop" for knob in self.knobs.values()):
            raise ValueError(
                "homing against an end stop needs homing_current: milliamperes that the stop "
                'bears, or "fixed" if the motor driver itself is set below that'
            )
        return self

    def steps_per_degree(self, knob: KnobOptions) -> float:
        """Motor steps for one degree of the shaft."""
        return self.full_steps * self.microsteps * knob.gear / 360
