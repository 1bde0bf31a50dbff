"""Looking into the JSON of a `.nam` file, which may hold anything."""

from __future__ import annotations

import math
import reprlib
from dataclasses import dataclass
from typing import Any

from rigs.errors import UserError


@dataclass(frozen=True)
class Fields:
    """A JSON object, and ``where`` it stands: "amp.nam, config.layers[0]"."""

    values: dict[str, Any]
    where: str

    def wrong(self, what: str) -> UserError:
        return UserError(f"{self.where}: {what.rstrip('.')}.")

    def unplayable(self, what: str) -> UserError:
        """The error for what NAM has and this player has not, by its name."""
        return self.wrong(f"this is {what}, which cannot be played here; leave the file out")

    def _unfit(self, name: str, what: str) -> UserError:
        if self.values.get(name) is None:
            return self.wrong(f"{name} is missing; it has to be {what}")
        return self.wrong(f"{name} is {reprlib.repr(self.values[name])}; it has to be {what}")

    def has(self, name: str) -> bool:
        """Whether ``name`` is there and not null."""
        return self.values.get(name) is not None

    def integer(self, name: str, least: int, most: int, default: int | None = None) -> int:
        value = self.values.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self._unfit(name, f"a whole number from {least} to {most}")
        return value

    def integers(self, name: str, least: int, most: int, longest: int) -> tuple[int, ...]:
        """A list that is not empty."""
        rows = self.values.get(name)
        what = f"a list of 1 to {longest} whole numbers from {least} to {most}"
        if not isinstance(rows, list) or not 1 <= len(rows) <= longest:
            raise self._unfit(name, what)
        if not all(type(row) is int and least <= row <= most for row in rows):
            raise self._unfit(name, what)
        return tuple(rows)

    def number(self, name: str, default: float | None = None) -> float:
        value = self.values.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e30:
            raise self._unfit(name, "a number")
        return float(value)

    def number_or_none(self, name: str) -> float | None:
        """A number if there is one: what describes a file must not keep it from being played."""
        value = self.values.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e30:
            return None
        return float(value) if math.isfinite(value) else None

    def truth(self, name: str, default: bool | None = None) -> bool:
        value = self.values.get(name, default)
        if not isinstance(value, bool):
            raise self._unfit(name, "true or false")
        return value

    def text(self, name: str) -> str:
        value = self.values.get(name)
        if not isinstance(value, str):
            raise self._unfit(name, "a text")
        return value

    def within(self, name: str) -> Fields:
        """The object of that name."""
        value = self.values.get(name)
        if not isinstance(value, dict):
            raise self._unfit(name, "an object")
        return Fields(value, f"{self.where}{self._join}{name}")

    def each(self, name: str, longest: int) -> list[Fields]:
        """The objects in the list of that name, which is not empty."""
        rows = self.values.get(name)
        if not isinstance(rows, list) or not 1 <= len(rows) <= longest:
            raise self._unfit(name, f"a list of 1 to {longest} objects")
        if not all(isinstance(row, dict) for row in rows):
            raise self._unfit(name, "a list of objects")
        at = f"{self.where}{self._join}{name}"
        return [Fields(row, f"{at}[{index}]") for index, row in enumerate(rows)]

    @property
    def _join(self) -> str:
        return "." if ".nam, " in self.where else ", "
