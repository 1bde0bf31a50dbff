"""The panel that a rig is made for: its knobs, where they are, and which tier each motor is on.

x runs along the row of knobs, y up the panel, z out of it, all in mm; z is 0 on the panel, and the
knobs' axes are at y = 0. Motors wider than the pitch stand in two tiers: every other one is farther
out, and a rod brings its turning past the motors of the first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from hardware.rig.parameters import Parameters
from rigs.errors import UserError

SHAFTS = {"D": "6 mm D shaft", "18T": "6 mm shaft, 18 splines",
          "24T": "6 mm shaft, 24 splines", "1/4": '1/4" round shaft'}  # fmt: skip
"""Bare shafts that a coupler goes onto."""
MOST, FARTHEST, WIDEST = 6, 2000.0, 80.0
"""Knobs of a rig; mm along a panel; mm of a knob's diameter."""
ROD, RIGID, BEHIND = 5.0, (10.0, 25.0), 3.0
"""A rod's diameter; a rigid coupler's diameter and length; the room between it and a motor."""
APART = 5.0
"""mm between carriers and standoffs, and from these to the rails' ends."""
_RUN, _LEFT, _END = 0.3, 1.5, 1.0
"""Gaps: between the coupler's halves and its cross, from its hub to the carrier, and from a shaft's
end to the cross."""


@dataclass(frozen=True)
class Fitting:
    """A knob of the panel: what the coupler takes hold of, and where it is along the row.

    ``grip`` is one of SHAFTS, or a fitted knob's diameter in mm.
    """

    name: str
    grip: str | float
    x: float


@dataclass(frozen=True)
class Station:
    """A knob and its motor; ``tier`` is 0, or 1 for a motor that reaches it with a rod."""

    fitting: Fitting
    tier: int


@dataclass(frozen=True)
class Heights:
    """Along the axes, mm from the panel."""

    knob: float
    """Where knobs or bare shafts end."""
    flange: float
    """The pot's half of the coupler, at its cross."""
    hub: float
    """The motor's half, at the cross."""
    carrier: float
    """The first tier's carrier, on its panel side."""
    tier: float
    """From a first carrier to a second one."""

    def plate(self, tier: int) -> float:
        return self.carrier + tier * self.tier


def parse(said: str) -> tuple[Fitting, ...]:
    """What `--knobs` says: "Gain:25mm@0,Bass:D@42", from left to right.

    Raises UserError for what is no knob, or no place on a panel.
    """
    fittings = []
    for word in said.split(","):
        match = re.fullmatch(
            r"\s*([^:@]{1,60}?)\s*:\s*([^:@]+?)\s*@\s*(-?\d{1,4}(?:\.\d{1,3})?)\s*", word
        )
        if not match:
            raise UserError(
                f"--knobs: {word.strip()!r} is no knob; write its name, what is gripped and how "
                'many mm along the panel it is, as in "Gain:25mm@0".'
            )
        name, grip, x = match[1], match[2], float(match[3])
        fittings.append(Fitting(name, _grip(name, grip), x))
    fittings.sort(key=lambda fitting: fitting.x)
    if len(fittings) > MOST:
        raise UserError(f"--knobs: there are {len(fittings)}, and a controller turns {MOST}.")
    if len({fitting.name.casefold() for fitting in fittings}) < len(fittings):
        raise UserError("--knobs: two knobs have the same name; rename one.")
    if fittings[-1].x - fittings[0].x > FARTHEST:
        raise UserError(f"--knobs: they are more than {FARTHEST:g} mm apart; make two rigs.")
    return tuple(fittings)


def _grip(name: str, said: str) -> str | float:
    if said.upper() in SHAFTS:
        return said.upper()
    match = re.fullmatch(r"(\d{1,3}(?:\.\d{1,2})?)\s*mm", said)
    if match and 4 <= float(match[1]) <= WIDEST:
        return float(match[1])
    raise UserError(
        f"--knobs: {name} is gripped by {said!r}; write a fitted knob's diameter, as 25mm (4 to "
        f"{WIDEST:g}), or one of {', '.join(SHAFTS)} for a bare shaft."
    )


def heights(p: Parameters, knob: float) -> Heights:
    """Of everything, for knobs or shafts that end ``knob`` mm above the panel."""
    flange = knob + p.coupler.floor
    hub = flange + p.coupler.cross + 2 * _RUN
    return Heights(
        knob=knob,
        flange=flange,
        hub=hub,
        carrier=hub + p.coupler.hub + _LEFT,
        tier=p.carrier.thickness + p.motor.length + RIGID[1] + BEHIND,
    )


def outside(p: Parameters, grip: str | float) -> float:
    """The diameter of the pot's half of a coupler."""
    if isinstance(grip, str):
        return p.coupler.diameter
    return max(p.coupler.diameter, cup(grip) + 2 * p.coupler.grip_wall)


def cup(knob: float) -> float:
    """The inner diameter of a cup for a knob of that diameter: half a millimetre all around."""
    return knob + 1.0


def carrier_width(p: Parameters) -> float:
    """As wide as the motor, and enough around its screws."""
    return max(p.motor.frame, p.motor.screws + p.motor.screw + 0.4 + 2 * (p.print.wall + 0.1))


def envelope(p: Parameters, grip: str | float) -> float:
    """The diameter of the circle that no part of a turning coupler leaves, misaligned or not."""
    return max(outside(p, grip), p.coupler.diameter + 2 * p.coupler.misalignment)


def stations(p: Parameters, fittings: tuple[Fitting, ...]) -> tuple[Station, ...]:
    """Which tier each knob's motor is on.

    Raises UserError, with what would help, for knobs that are too close for their couplers, or for
    motors in two tiers.
    """
    free = p.print.clearance
    for one, other in pairwise(fittings):
        need = (envelope(p, one.grip) + envelope(p, other.grip)) / 2 + free
        if other.x - one.x < need:
            raise UserError(
                f"{one.name} and {other.name} are {other.x - one.x:g} mm apart, and their couplers "
                f"need {need:.1f}; pull the knobs off and grip the bare shafts, if they are not."
            )
    wide = carrier_width(p)
    last: dict[int, float] = {}
    found: list[Station] = []
    for fitting in fittings:
        tier = next((t for t in (0, 1) if fitting.x - last.get(t, -1e9) >= wide + free), None)
        if tier is None:
            raise UserError(
                f"{fitting.name} is too close to the two knobs before it for motors in two tiers: "
                f"every other knob must be {wide + free:.1f} mm from the next but one."
            )
        last[tier] = fitting.x
        found.append(Station(fitting, tier))
    need = (wide + ROD) / 2 + free
    for far in found:
        near = [s for s in found if s.tier == 0 and abs(s.fitting.x - far.fitting.x) < need]
        if far.tier and near:
            raise UserError(
                f"{far.fitting.name} is turned by a rod that passes the motor of "
                f"{near[0].fitting.name}, which needs {need:.1f} mm between them."
            )
    return tuple(found)


def rail_ends(p: Parameters, stations: Sequence[Station]) -> tuple[float, float]:
    """Where rails begin and end along the panel: beyond the standoffs at both ends."""
    beyond = APART + p.standoff.width + APART
    half = {s: max(carrier_width(p), envelope(p, s.fitting.grip)) / 2 for s in stations}
    left = min(s.fitting.x - half[s] for s in stations)
    return left - beyond, max(s.fitting.x + half[s] for s in stations) + beyond


def rod(p: Parameters, at: Heights) -> float:
    """How long a rod of the second tier is: from its hub to the middle of the rigid coupler."""
    tip = at.plate(1) + p.carrier.thickness - p.motor.shaft_length
    return tip - (at.hub + _END)
