"""Knobs, and settings of them, in panel positions."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rigs.errors import UserError

Setting = dict[str, float]
"""One panel position per knob; a switch's is the index of its detent."""


@dataclass(frozen=True)
class Knob:
    """One control of a device, as printed on its panel.

    A switch is a knob with ``detents``: labels, whose indices are its positions. ``taper``
    describes the part ("linear", "audio", "reverse audio") and is never applied to a value.
    """

    name: str
    minimum: float = 0.0
    maximum: float = 10.0
    default: float = 5.0
    unit: str = ""
    taper: str = "linear"
    detents: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise UserError("A knob has no name; give each knob the name printed on the panel.")
        if not all(map(math.isfinite, (self.minimum, self.maximum, self.default))):
            raise UserError(f"Knob {self.name!r} has a bound that is not a number.")
        if self.minimum >= self.maximum:
            raise UserError(
                f"Knob {self.name!r} goes from {self.minimum:g} to {self.maximum:g}; "
                "its range must go from a smaller number to a larger one."
            )
        if not self.minimum <= self.default <= self.maximum:
            raise UserError(
                f"Knob {self.name!r} has default {self.default:g} outside its range "
                f"{self.minimum:g} to {self.maximum:g}."
            )
        if self.detents and (self.minimum, self.maximum) != (0.0, float(len(self.detents) - 1)):
            raise UserError(
                f"Switch {self.name!r} has {len(self.detents)} detents, so its range must be "
                f"0 to {len(self.detents) - 1}."
            )
        if self.detents and self.default != round(self.default):
            raise UserError(
                f"Switch {self.name!r} has default {self.default:g}, between two of its detents; "
                "give the index of one, from 0."
            )

    def check(self, value: float) -> float:
        """Return ``value`` as this knob takes it, or raise UserError."""
        if not math.isfinite(value) or not self.minimum <= value <= self.maximum:
            raise UserError(
                f"{self.name} cannot be set to {value:g}: it goes from {self.minimum:g} to "
                f"{self.maximum:g}."
            )
        if self.detents and value != round(value):
            raise UserError(
                f"{self.name} is a switch with positions "
                + ", ".join(f"{i} ({label})" for i, label in enumerate(self.detents))
                + f"; it cannot stand at {value:g}."
            )
        return float(value)


@dataclass(frozen=True)
class KnobTable:
    """The knobs of a device, in the order in which arrays hold them."""

    knobs: tuple[Knob, ...]

    def __post_init__(self) -> None:
        if not self.knobs:
            raise UserError("The device has no knobs; list at least one.")
        if len({knob.name.casefold() for knob in self.knobs}) != len(self.knobs):
            raise UserError("Two knobs have the same name; rename one.")

    def __iter__(self) -> Iterator[Knob]:
        return iter(self.knobs)

    def __len__(self) -> int:
        return len(self.knobs)

    def __getitem__(self, name: str) -> Knob:
        """The knob of that name, whatever its case; raises UserError if there is none."""
        for knob in self.knobs:
            if knob.name.casefold() == name.casefold():
                return knob
        close = difflib.get_close_matches(name.title(), self.names, n=1, cutoff=0.5)
        hint = f" Did you mean {close[0]}?" if close else ""
        raise UserError(f"There is no knob {name!r}; the knobs are {', '.join(self.names)}.{hint}")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(knob.name for knob in self.knobs)

    @property
    def minimum(self) -> NDArray[np.float64]:
        return np.array([knob.minimum for knob in self.knobs])

    @property
    def maximum(self) -> NDArray[np.float64]:
        return np.array([knob.maximum for knob in self.knobs])

    @property
    def default(self) -> Setting:
        return {knob.name: knob.default for knob in self.knobs}

    def check(self, setting: Mapping[str, float]) -> Setting:
        """Complete ``setting`` with defaults; raise UserError for what is not on the panel."""
        given = {self[name].name: self[name].check(value) for name, value in setting.items()}
        return {**self.default, **given}

    def to_array(self, setting: Mapping[str, float]) -> NDArray[np.float64]:
        """A full setting as an array of shape (knobs,)."""
        return np.array([setting[name] for name in self.names])

    def to_setting(self, positions: NDArray[Any]) -> Setting:
        """An array of shape (knobs,) as a setting."""
        return dict(zip(self.names, map(float, positions), strict=True))

    def to_unit(self, positions: NDArray[Any]) -> NDArray[np.float64]:
        """Panel positions, shape (..., knobs), scaled to -1…1: the cube that distances are in."""
        return 2 * (positions - self.minimum) / (self.maximum - self.minimum) - 1

    def from_unit(self, unit: NDArray[Any]) -> NDArray[np.float64]:
        """The inverse of :meth:`to_unit`; switches are rounded to their detents."""
        positions = self.minimum + (np.asarray(unit) + 1) / 2 * (self.maximum - self.minimum)
        is_switch = np.array([bool(knob.detents) for knob in self.knobs])
        return np.where(is_switch, np.round(positions), positions)

    @property
    def inputs(self) -> int:
        """How many values :meth:`to_inputs` makes of a setting."""
        return sum(len(knob.detents) or 1 for knob in self.knobs)

    def to_inputs(self, positions: NDArray[Any]) -> NDArray[np.float64]:
        """Panel positions, shape (..., knobs), as a net is given them: (..., inputs).

        A knob gives one value, its position scaled to -1…1. A switch gives one for each detent:
        1 for that in which it stands and 0 for all others, linear on its way between two.
        """
        positions = np.asarray(positions, np.float64)
        unit, columns = self.to_unit(positions), []
        for index, knob in enumerate(self.knobs):
            if knob.detents:
                away = positions[..., index, None] - np.arange(len(knob.detents))
                columns.append(np.maximum(1 - np.abs(away), 0))
            else:
                columns.append(unit[..., index, None])
        return np.concatenate(columns, axis=-1)

    def to_json(self) -> list[dict[str, Any]]:
        return [asdict(knob) for knob in self.knobs]

    @classmethod
    def from_json(cls, rows: list[dict[str, Any]]) -> KnobTable:
        """Raises UserError if the rows are not a knob table."""
        try:
            return cls(
                tuple(Knob(**{**row, "detents": tuple(row.get("detents", ()))}) for row in rows)
            )
        except (TypeError, AttributeError) as error:
            raise UserError(f"The knob table cannot be read: {error}.") from None
