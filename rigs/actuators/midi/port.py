"""A MIDI output that is never fed faster than it may be, and noticed when it goes."""

from __future__ import annotations

import time

import rtmidi

from rigs.errors import DeviceLost
from rigs.midi_ports import OUT, close, find, is_there


class Port:
    """An open output. Connecting sends nothing."""

    def __init__(self, wanted: str, api: str | None, messages_per_second: float) -> None:
        """Raises UserError if there is no such output, or it cannot be had."""
        self.spacing = 1 / messages_per_second
        self._free_at = 0.0
        found = find(OUT, wanted, api)
        found.open("knobs")
        self._out, self.name = found.client, found.name

    def check(self) -> None:
        """Raise DeviceLost if the output is gone: sending would not notice."""
        if not is_there(self._out, self.name):
            raise DeviceLost(
                f"The MIDI output {self.name} is gone; check its cable and that it is on."
            )

    def send(self, message: bytes) -> float:
        """Send when it is time to; returns when that was, in seconds of time.monotonic().

        Raises DeviceLost if the system refuses.
        """
        wait = self._free_at - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        now = time.monotonic()
        try:
            self._out.send_message(message)
        except rtmidi.RtMidiError as error:
            raise DeviceLost(
                f"The MIDI output {self.name} takes no more ({str(error).rstrip('.')}); "
                "check its cable."
            ) from None
        self._free_at = now + self.spacing
        return now

    def close(self) -> None:
        """Let go; may be called twice. Raises nothing."""
        close(self._out)
