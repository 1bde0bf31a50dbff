"""A MIDI input: whoever listens is told of every control change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import rtmidi

from rigs.errors import UserError

CLIENT = "ampsweep"
CONTROL_CHANGE = 0xB0


class MidiInput:
    """Tells ``heard`` the number and the value, 0 to 127, of each control change, of any channel.

    ``wanted`` is an input's name or a part of it. ``heard`` is called from a thread of the MIDI
    system's. Raises UserError if there is not exactly one such input.
    """

    def __init__(self, wanted: str, heard: Callable[[int, int], None]) -> None:
        self._port, self.name = _connect(wanted)

        def told(event: tuple[list[int], float], _: Any) -> None:
            message = event[0]
            if len(message) == 3 and message[0] & 0xF0 == CONTROL_CHANGE:
                heard(message[1], message[2])

        self._port.set_callback(told)

    def close(self) -> None:
        """Let go; may be called twice."""
        if not self._port.is_deleted:
            self._port.cancel_callback()
            self._port.close_port()
            self._port.delete()


def _connect(wanted: str) -> tuple[Any, str]:
    """A client that is connected to the input, and its name."""
    found: list[tuple[Any, int, str]] = []
    clients, seen = [], []
    for api in rtmidi.get_compiled_api():
        try:
            client = rtmidi.MidiIn(api, CLIENT)
        except rtmidi.RtMidiError:  # that system does not run here
            continue
        clients.append(client)
        for number, name in enumerate(client.get_ports()):
            seen.append(name)
            if wanted.casefold() in name.casefold():
                found.append((client, number, name))
    exact = [row for row in found if row[2] == wanted]
    found = exact or found
    chosen = found[0][0] if len(found) == 1 else None
    for client in clients:
        if client is not chosen:
            client.delete()
    if chosen is None:
        what = f"{len(found)} MIDI inputs have" if found else "There is no MIDI input with"
        there = ", ".join(row[2] for row in found) or ", ".join(seen) or "none at all"
        raise UserError(f"{what} {wanted!r} in the name; name one of these: {there}.")
    _, number, name = found[0]
    chosen.open_port(number, "knobs in")
    return chosen, name
