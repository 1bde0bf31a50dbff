"""A plugin's controls as knobs, whatever kind of plugin it is."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rigs.errors import UserError
from rigs.knobs import Knob, KnobTable

MOST_DETENTS = 256
LONGEST_NAME = 64


@dataclass(frozen=True)
class Control:
    """One control of a plugin: a knob, and what the plugin is given for the knob's positions.

    ``key`` is the plugin's own number for it. ``positions`` and ``values`` are points of a line
    from one to the other; without them the position itself is the value. ``step`` is that of a
    knob that stands only at whole steps from its minimum. A ``hidden`` control is no knob unless
    it is asked for: a bypass, a trigger.
    """

    key: int
    knob: Knob
    positions: tuple[float, ...] = ()
    values: tuple[float, ...] = ()
    step: float = 0.0
    hidden: bool = False

    def to_values(self, positions: NDArray[np.float32]) -> NDArray[np.float32]:
        """What the plugin is given for ``positions``, shape (times,), on this knob."""
        low, high = self.knob.minimum, self.knob.maximum
        x = np.clip(positions.astype(np.float64), low, high)
        step = 1.0 if self.knob.detents else self.step
        if step:
            x = np.clip(low + step * np.rint((x - low) / step), low, high)
        return (np.interp(x, self.positions, self.values) if self.values else x).astype(np.float32)


@dataclass(frozen=True)
class Panel:
    """Those controls of a plugin that are knobs, and those that stand still, with their values."""

    turned: tuple[Control, ...]
    fixed: tuple[tuple[int, float], ...] = ()

    @property
    def knobs(self) -> KnobTable:
        return KnobTable(tuple(control.knob for control in self.turned))

    @property
    def steps(self) -> dict[str, float]:
        """Knobs that stand only at whole steps from their minimum, and the step."""
        return {control.knob.name: control.step for control in self.turned if control.step}

    @property
    def keys(self) -> tuple[int, ...]:
        """The plugin's own numbers of the columns of :meth:`to_values`."""
        return tuple(control.key for control in self.turned) + tuple(key for key, _ in self.fixed)

    def to_values(self, positions: NDArray[np.float32]) -> NDArray[np.float32]:
        """What the plugin is given, shape (times, keys), at positions of shape (times, knobs)."""
        turned = [c.to_values(x) for c, x in zip(self.turned, positions.T, strict=True)]
        fixed = [np.full(len(positions), value, np.float32) for _, value in self.fixed]
        return np.stack(turned + fixed, axis=1)


def choose(
    controls: Sequence[Control], knobs: Sequence[str] | None, fixed: Mapping[str, float | str]
) -> Panel:
    """The panel of a plugin's ``controls``: those named in ``knobs``, or all that are not hidden.

    Those named in ``fixed`` are no knobs, and stand where it says: a position, or a switch's
    label. Raises UserError for a name or a position that there is not.
    """
    held = {_find(controls, name).key: value for name, value in fixed.items()}
    if knobs is None:
        turned = [c for c in controls if not c.hidden and c.key not in held]
    else:
        turned = list({c.key: c for c in (_find(controls, name) for name in knobs)}.values())
    both = [c.knob.name for c in turned if c.key in held]
    if both:
        raise UserError(f"{both[0]} is both a knob and fixed; name it in one of the two.")
    if not controls:
        raise UserError("This plugin has no control that could be a knob; it cannot be captured.")
    if not turned:
        raise UserError(
            "No control of this plugin is left to be a knob; name in `knobs` at least one of "
            f"{_names(controls)}."
        )
    still = [(c.key, _value_of(c, held[c.key])) for c in controls if c.key in held]
    return Panel(tuple(turned), tuple(still))


def _value_of(control: Control, position: float | str) -> float:
    knob = control.knob
    if isinstance(position, str):
        labels = [label.casefold() for label in knob.detents]
        if position.casefold() not in labels:
            known = f"one of {', '.join(knob.detents)}" if labels else "a number"
            raise UserError(f"{knob.name} cannot be fixed at {position!r}; give {known}.")
        position = float(labels.index(position.casefold()))
    return float(control.to_values(np.array([knob.check(position)], np.float32))[0])


def _names(controls: Iterable[Control]) -> str:
    return ", ".join(control.knob.name for control in controls)


def _find(controls: Sequence[Control], name: str) -> Control:
    by_name = {control.knob.name.casefold(): control for control in controls}
    if name.casefold() in by_name:
        return by_name[name.casefold()]
    close = difflib.get_close_matches(name.casefold(), by_name, n=1, cutoff=0.5)
    hint = f" Did you mean {by_name[close[0]].knob.name}?" if close else ""
    raise UserError(f"There is no control {name!r}; there are {_names(controls)}.{hint}")


def clean(text: str, otherwise: str) -> str:
    """``text`` fit for a panel: printable, on one line, not too long, and never empty."""
    words = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return words[:LONGEST_NAME].strip() or otherwise


def unique(controls: Iterable[Control]) -> tuple[Control, ...]:
    """The controls with their names made different, whatever their case: Gain, Gain 2."""
    taken: set[str] = set()
    made = []
    for control in controls:
        name, number = control.knob.name, 2
        while name.casefold() in taken:
            name, number = f"{control.knob.name} {number}", number + 1
        taken.add(name.casefold())
        made.append(replace(control, knob=replace(control.knob, name=name)))
    return tuple(made)


def shortest(value: float) -> float:
    """The shortest decimal number that is the same float32: 0.1 for what a file calls 0.1."""
    return float(str(np.float32(value)))
