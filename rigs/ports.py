"""Serial ports: which there are, and which of them is the one just unplugged."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_BY_ID = Path("/dev/serial/by-id")


@dataclass(frozen=True)
class Port:
    """A serial port; ``path`` is a name that stays with the device whichever socket it is in."""

    device: str
    description: str
    serial_number: str | None = None
    by_id: str | None = None

    @property
    def path(self) -> str:
        return self.by_id or self.device


def _stable_names() -> dict[str, str]:
    """What `/dev/serial/by-id` calls each device; empty where there is no such folder."""
    try:
        return {os.path.realpath(link): str(link) for link in sorted(_BY_ID.iterdir())}
    except OSError:
        return {}


def list_ports() -> list[Port]:
    """The serial ports that have something behind them, by device name."""
    from serial.tools.list_ports import comports

    names = _stable_names()
    ports = [
        Port(
            port.device,
            port.description if port.description not in (None, "n/a") else "",
            port.serial_number,
            names.get(os.path.realpath(port.device)),
        )
        for port in comports()
    ]
    return sorted(ports, key=lambda port: port.device)


def find_unplugged(before: Sequence[Port], after: Sequence[Port]) -> list[Port]:
    """The ports of ``before`` that are not in ``after``."""
    left = {port.device for port in after}
    return [port for port in before if port.device not in left]
