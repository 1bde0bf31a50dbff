"""What turns the rig: its TOML, and the controller's settings, from the same parameters.

The settings are those that ampsweep's own driver asks for when it opens the rig, so the two cannot
disagree.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from hardware.rig.panel import Station
from hardware.rig.parameters import Parameters
from rigs.actuators.grbl.options import GrblOptions
from rigs.actuators.grbl.protocol import AXES, Identity
from rigs.actuators.grbl.settings import CURRENT, needs
from rigs.actuators.grbl.shafts import Shafts
from rigs.knobs import Knob, KnobTable
from rigs.starter import key, literal

PORT = "/dev/serial/by-id/*grbl*"
FRESH = {**dict.fromkeys((3, 10, 11, 13, 20, 21, 22, 23, 376), 0.0),
         **dict.fromkeys(range(44, 50), 0.0)}  # fmt: skip
"""The settings of which only some bits are ours, as if all others were off."""


def play(p: Parameters) -> float:
    """Degrees of play that a coupler is made with: of two fits, whose dogs meet at their ends."""
    end = p.coupler.dog_radius + p.coupler.dog_length / 2
    return 2 * math.degrees(2 * p.coupler.slide / end)


def table(stations: Sequence[Station]) -> KnobTable:
    """The knobs as a panel of 0 to 10 has them."""
    return KnobTable(tuple(Knob(station.fitting.name) for station in stations))


def options(p: Parameters, stations: Sequence[Station]) -> GrblOptions:
    """Raises pydantic's error if the parameters are no rig's."""
    drive = p.drive
    return GrblOptions.model_validate(
        {
            "port": PORT,
            "knobs": {
                station.fitting.name: {
                    "axis": axis,
                    "travel": drive.travel,
                    "backlash": math.ceil(10 * play(p)) / 10,
                }
                for axis, station in zip(AXES, stations, strict=False)
            },
            "full_steps": p.motor.full_steps,
            "microsteps": drive.microsteps,
            "speed": drive.speed,
            "acceleration": drive.acceleration,
            "homing_speed": drive.homing_speed,
            "homing_current": drive.homing_current,
        }
    )


def toml(p: Parameters, stations: Sequence[Station], device: str, interface: str) -> str:
    """A rig's TOML for these motors; the sound card is called ``interface``."""
    o = options(p, stations)
    lines = [
        f"# Motors on {device}, as `ampsweep hardware rig` laid them out. Measure what is marked.",
        "",
        f"name = {literal(device)}",
        f"device = {literal(device)}",
        "",
        "[actuator]",
        'type = "grbl"',
        f"port = {literal(o.port)}  # `ampsweep rigs find-port` finds it",
        f'homing_current = {o.homing_current}  # mA; "fixed" if the controller cannot set currents',
        f"homing_speed = {o.homing_speed:g}",
        f"speed = {o.speed:g}",
        f"acceleration = {o.acceleration:g}",
        f"full_steps = {o.full_steps}",
        f"microsteps = {o.microsteps}",
    ]
    for name, knob in o.knobs.items():
        lines += [
            "",
            f"[actuator.knobs.{key(name)}]",
            f'axis = "{knob.axis}"',
            f"travel = {knob.travel:g}  # degrees from stop to stop: measure it, and both ends",
            f"backlash = {knob.backlash:g}  # `ampsweep rigs backlash` measures it",
        ]
    lines += ["", "[path]", 'type = "audio-interface"', f"device = {literal(interface)}"]
    for name in o.knobs:
        lines += ["", f"[knobs.{key(name)}]", "minimum = 0.0", "maximum = 10.0", "default = 5.0"]
    return "\n".join(lines) + "\n"


def settings(p: Parameters, stations: Sequence[Station]) -> str:
    """Lines to send to grblHAL, each with a comment of what it is for."""
    o = options(p, stations)
    shafts = Shafts.of(table(stations), o)
    identity = Identity(name="grblHAL", axes=AXES[: max(3, len(stations))])
    lines = [
        "; grblHAL settings for this rig, made with its TOML by `ampsweep hardware rig`.",
        "; Send the lines one by one. Those of $3, $22 and $23 are for a rig whose other axes,",
        "; if it has any, are not in use.",
    ]
    for need in needs(o, shafts, identity, FRESH):
        value = f"{need.value:.6f}".rstrip("0").rstrip(".")
        lines.append(f"${need.number}={value}  ; {need.what}")
    lines += [
        "",
        "; Motor currents in mA RMS, where the drivers are Trinamic and set over UART. Where they",
        "; are not, set each driver's own potentiometer to the homing current of the TOML.",
    ]
    lines += [
        f"${CURRENT + shaft.index}={p.drive.run_current}  ; the current of {shaft.knob.name}"
        for shaft in shafts.all
    ]
    return "\n".join(lines) + "\n"
