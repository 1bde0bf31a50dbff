"""`--set Gain=7 --set Bass=4`: a setting as it is typed."""

from __future__ import annotations

from rigs.errors import UserError
from rigs.knobs import KnobTable, Setting

HELP = "A knob and its position, as in Gain=7; knobs not named stand at their defaults."


def parse(pairs: list[str] | None, knobs: KnobTable) -> Setting:
    """The full setting; raises UserError for a knob or a position that is not on the panel."""
    return knobs.check(named(pairs, knobs))


def named(pairs: list[str] | None, knobs: KnobTable) -> Setting:
    """The knobs that were typed, and no others; raises UserError as :func:`parse` does."""
    setting: Setting = {}
    for pair in pairs or []:
        name, equals, value = pair.partition("=")
        knob = knobs[name.strip()]
        if not equals:
            raise UserError(f"--set {pair} gives {knob.name} no position; write {knob.name}=5.")
        setting[knob.name] = knob.check(_position(knob.detents, value.strip(), pair))
    return setting


def _position(detents: tuple[str, ...], value: str, pair: str) -> float:
    if value in detents:
        return float(detents.index(value))
    try:
        return float(value)
    except ValueError:
        choices = f" or one of {', '.join(detents)}" if detents else ""
        raise UserError(f"--set {pair}: {value!r} is not a number{choices}.") from None
