"""Audio devices: which there are, and the one that is meant."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rigs.errors import UserError

Way = Literal["input", "output"]


@dataclass(frozen=True)
class Device:
    """An audio device as its sound system names it; ``system`` is PortAudio's host API."""

    index: int
    name: str
    system: str
    inputs: int
    outputs: int
    rate: float

    def channels(self, way: Way) -> int:
        return self.inputs if way == "input" else self.outputs

    def __str__(self) -> str:
        return f"{self.name!r} ({self.system})"


@dataclass(frozen=True)
class Devices:
    """All devices there are, and the indices of the default input and output, -1 if none."""

    systems: tuple[str, ...]
    all: tuple[Device, ...]
    defaults: tuple[int, int]

    def choose(
        self, way: Way, name: str | int | None, channel: int, system: str | None = None
    ) -> Device:
        """The device of that ``name``, or part of one whatever its case, or of that index.

        None is the sound system's default. Raises UserError, naming what there is, if none fits,
        several do, or it has no ``channel`` (from 1).
        """
        device = self._find(way, name, system)
        if device.channels(way) < channel:
            raise UserError(
                f"The device {device} has {device.channels(way)} {way} channel(s), so there is no "
                f"{way} {channel}; name another channel or device."
            )
        return device

    def _find(self, way: Way, name: str | int | None, system: str | None) -> Device:
        within = [d for d in self.all if _within(system, d.system)]
        if not within:
            where = f"in the sound system {system!r}" if system is not None else ""
            there = f"; there are {_list(self.all)}" if self.all else ""
            raise UserError(
                f"There is no audio device {where}".rstrip()
                + f" (PortAudio looked in {', '.join(self.systems) or 'none'}){there}; plug the "
                "interface in or start its sound server."
            )
        able = [d for d in within if d.channels(way)]
        if name is None:
            default = self.defaults[0 if way == "input" else 1]
            usable = [d for d in able if d.index == default] or able[:1]
        else:
            usable = _called(name, able)
        if len(usable) == 1:
            return usable[0]
        if usable:
            raise UserError(
                f"Several audio devices are called {name!r}: {_list(usable)}; give more of the "
                "name, or its host_api."
            )
        found = [] if name is None else _called(name, within)
        if found:
            raise UserError(f"The device {found[0]} has no {way}s; name another {way}_device.")
        raise UserError(
            f"There is no audio device {'' if name is None else f'{name!r} '}with {way}s"
            f"{_closest(name, able)}; plug it in, or name one of {_list(able)}."
        )


def _called(name: str | int, devices: Sequence[Device]) -> list[Device]:
    """Those with that index or name; if there is none, those with it in their name."""
    if isinstance(name, int):
        return [d for d in devices if d.index == name]
    wanted = name.casefold()
    exact = [d for d in devices if d.name.casefold() == wanted]
    return exact or [d for d in devices if wanted in d.name.casefold()]


def _within(wanted: str | None, system: str) -> bool:
    return wanted is None or wanted.casefold() in system.casefold()


def _closest(name: str | int | None, devices: Sequence[Device]) -> str:
    names = {device.name.casefold(): device for device in devices}
    close = difflib.get_close_matches(str(name).casefold(), names, n=1, cutoff=0.5)
    return f" (did you mean {names[close[0]].name!r}?)" if close else ""


def _list(devices: Sequence[Device]) -> str:
    shown = ", ".join(map(str, devices[:12])) or "none"
    return shown + (f" and {len(devices) - 12} more" if len(devices) > 12 else "")
