"""A MIDI input: whoever listens is told of every control change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rigs.midi_ports import IN, close, find

CONTROL_CHANGE = 0xB0


class MidiInput:
    """Tells ``heard`` the number and the value, 0 to 127, of each control change, of any channel.

    ``wanted`` is an input's name or a part of it. ``heard`` is called from a thread of the MIDI
    system's. Raises UserError if there is not exactly one such input, or it cannot be had.
    """

    def __init__(self, wanted: str, heard: Callable[[int, int], None]) -> None:
        found = find(IN, wanted)
        found.open("knobs in")
        self._port, self.name = found.client, found.name

        def told(event: tuple[list[int], float], _: Any) -> None:
            message = event[0]
            if len(message) == 3 and message[0] & 0xF0 == CONTROL_CHANGE:
                heard(message[1], message[2])

        self._port.set_callback(told)

    def close(self) -> None:
        """Let go; may be called twice."""
        close(self._port)
