"""The controller's own settings: what a rig needs of them, checked or written when it is opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from rigs.actuators.grbl.connection import Fault, Link
from rigs.actuators.grbl.options import GrblOptions
from rigs.actuators.grbl.protocol import AXES, Identity, parse_settings
from rigs.actuators.grbl.shafts import Shaft, Shafts
from rigs.errors import UserError

IDLE_DELAY = 1
CURRENT = 140
"""`$140`…`$145`: motor currents in milliamperes, where the controller sets them."""
_MANUAL_HOMING = 1 + 2 + 8 + 32
"""`$22` of grblHAL: homing on, axis by axis, at coordinate 0, and without switches."""
_UNWANTED_HOMING = 4 + 128
"""Homing at start-up, and homing that a reset does not undo."""
_SPARE = 15.0
"""Degrees by which the controller's travel may exceed ours."""
_PULL_OFF = 27
_DECIMALS = 6e-4
"""Controllers print three decimals of what they hold exactly."""
_FLUIDNC = {
    **dict.fromkeys(range(100, 106), "steps_per_mm"),
    **dict.fromkeys(range(110, 116), "max_rate_mm_per_min"),
    **dict.fromkeys(range(120, 126), "acceleration_mm_per_sec2"),
    **dict.fromkeys(range(130, 136), "max_travel_mm"),
    20: "soft_limits of every axis",
    21: "hard_limits of every motor",
    22: "homing of every axis",
    23: "positive_direction of homing",
}
"""What FluidNC, which lists these numbers but takes none of them, calls them in its file."""
_FLUIDNC_ONLY = (
    ("stepping/idle_ms", 255.0, 255.0, "255", "motors that hold during a session"),
    ("junction_deviation_mm", 0.05, 1.0, "0.2", "junctions that do not slow a sweep"),
    ("report_inches", 0.0, 0.0, "false", "reports in degrees"),
)
"""What it keeps in that file alone: the key, the least and the most, what to write, and why."""


@dataclass(frozen=True)
class Need:
    """A setting that has to be ``fits``; ``value`` is what would be written."""

    number: int
    value: float
    fits: Callable[[float], bool]
    what: str


def _bits(number: int, on: int, off: int, now: Mapping[int, float], what: str) -> Need:
    value = (int(now.get(number, 0)) | on) & ~off
    return Need(number, value, lambda v: int(v) & on == on and not int(v) & off, what)


def _close(number: int, value: float, what: str, least: float = 1.0, most: float = 1.0) -> Need:
    def fits(v: float) -> bool:
        spare = max(1e-4 * value, _DECIMALS)
        return value * least - spare <= v <= value * most + spare

    return Need(number, value, fits, what)


def travel(shaft: Shaft, pull_off: float = 0.0) -> float:
    """The controller's travel for a shaft: wider than ours, for a position rounded up to a whole
    step beyond the controller's travel raises an alarm on the next move of any axis.

    ``pull_off`` is how far from its low end a homing cycle leaves the shaft, which then is home.
    """
    return round(shaft.highest + pull_off + max(1.0, 4 * shaft.step), 3)


def needs(
    options: GrblOptions, shafts: Shafts, identity: Identity, now: Mapping[int, float]
) -> Iterator[Need]:
    """In the order in which they can be written: `$22` before `$20`."""
    mask = sum(1 << shaft.index for shaft in shafts.all)
    reverse = sum(1 << s.index for s in shafts.all if s.options.reverse)
    stops = sum(1 << s.index for s in shafts.all if s.options.homing == "stop")
    yield _bits(10, 3, 0, now, "status reports with machine positions and buffers")
    yield _close(13, 0, "reports in degrees")
    yield _close(11, 0.2, "junctions that do not slow a sweep", 0.25, 10)
    yield _bits(3, reverse, mask & ~reverse, now, "the motors' directions, from reverse")
    for s in shafts.all:
        i, name = s.index, s.knob.name
        yield _close(100 + i, round(1 / s.step, 6), f"steps a degree of {name}")
        yield _close(110 + i, options.speed * 60, f"the speed of {name}, a minute", 1, 2)
        yield _close(120 + i, options.acceleration, f"the acceleration of {name}", 1, 4)
        wide = travel(s, now.get(_PULL_OFF, 0.0) if s.options.homing == "switch" else 0.0)
        yield _close(130 + i, wide, f"the travel of {name}, with margin", 1, 1 + _SPARE / travel(s))
    rotary = sum(1 << (s.index - 3) for s in shafts.all if s.index >= 3)
    if rotary and 376 in now:
        yield _bits(376, rotary, 0, now, "rotary axes")
    if stops == mask:
        yield _close(21, 0, "no hard limits, for there are no switches")
    if identity.is_grblhal:
        on = _MANUAL_HOMING if stops else _MANUAL_HOMING & ~32
        yield _bits(22, on, _UNWANTED_HOMING, now, "homing axis by axis, by hand at end stops")
        yield _bits(23, mask, 0, now, "homing at the low end")
        cycles = [number for number in range(44, 50) if number in now]
        searched = 0
        for number in cycles:
            searched |= int(now[number])
        for number in cycles:
            on = mask & ~stops & ~searched if number == 44 else 0
            yield _bits(number, on, stops, now, "homing cycles for the axes with switches only")
        yield _close(20, 1, "soft limits")
    elif stops:
        yield _close(20, 0, "no soft limits: this controller cannot be told where an end stop is")
        yield _close(22, 0, "no homing cycle at an end stop")
    else:
        yield _bits(22, 1, 0, now, "homing")
        yield _bits(23, mask, 0, now, "homing at the low end")


def read(link: Link) -> dict[int, float]:
    """Raises UserError if the controller lists no settings."""
    now = parse_settings(link.command("$$"))
    if not now:
        raise UserError(f"The controller on {link.name} lists no settings; check the port.")
    return now


def _text(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")


def _wrong(
    options: GrblOptions, shafts: Shafts, identity: Identity, now: Mapping[int, float]
) -> list[Need]:
    # FluidNC keeps all in a file of its own, and some are not listed.
    return [
        need
        for need in needs(options, shafts, identity, now)
        if not need.fits(now.get(need.number, 0.0))
        and (need.number in now or not identity.is_fluidnc)
    ]


def settle(
    link: Link, options: GrblOptions, shafts: Shafts, identity: Identity
) -> dict[int, float]:
    """Check the controller's settings, writing them if the rig's TOML says so; moves nothing.

    Returns them. Raises UserError that names the first one that is wrong, both values and what to
    do.
    """
    kinds = {shaft.options.homing for shaft in shafts.all}
    if len(kinds) > 1 and not identity.is_grblhal:
        raise UserError(
            f"The controller on {link.name} homes all axes in one way; give every knob the same "
            "homing, or use a grblHAL controller."
        )
    now = read(link)
    wrong = _wrong(options, shafts, identity, now)
    if identity.is_fluidnc:
        _check_fluidnc(link, wrong)
    if wrong and options.configure:
        for need in wrong:
            try:
                link.command(f"${need.number}={_text(need.value)}")
            except Fault as error:
                raise UserError(
                    f"The controller on {link.name} does not take ${need.number}="
                    f"{_text(need.value)} ({need.what}): {error}"
                ) from None
        link.reset()
        now = read(link)
        wrong = _wrong(options, shafts, identity, now)
    if wrong:
        need = wrong[0]
        have = f"${need.number}={_text(now[need.number])}" if need.number in now else "none"
        more = f" ({len(wrong) - 1} more differ)" if len(wrong) > 1 else ""
        raise UserError(
            f"The controller on {link.name} has {have}, but this rig needs ${need.number}="
            f"{_text(need.value)}: {need.what}{more}; send that line to it, write configure = true "
            "in [actuator] to have all written, or correct the TOML."
        )
    return now


def _check_fluidnc(link: Link, wrong: list[Need]) -> None:
    """Raises UserError, in the words of FluidNC's own file, for what only that file can mend."""
    where = "in its config.yaml and restart it"
    for need in wrong:
        if need.number in _FLUIDNC:
            axis = f"axes/{AXES[need.number % 10].lower()}/" if need.number >= 100 else ""
            raise UserError(
                f"The controller on {link.name} has another {axis}{_FLUIDNC[need.number]} than "
                f"this rig needs ({need.what}): write {_text(need.value)} {where}, or correct the "
                "TOML."
            )
    for key, least, most, value, what in _FLUIDNC_ONLY:
        with suppress(Fault):  # a firmware that has no such key
            for line in link.command(f"$/{key}"):
                said = line.removeprefix(f"$/{key}=")
                number = {"true": 1.0, "false": 0.0}.get(said)
                with suppress(ValueError):
                    number = float(said) if number is None else number
                if number is not None and not least - 1e-6 <= number <= most + 1e-6:
                    raise UserError(
                        f"The controller on {link.name} has {key}: {said}, but this rig needs "
                        f"{value}: {what}; write that {where}."
                    )
