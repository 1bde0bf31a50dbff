"""A way to a pedal and back: whole SysEx messages out, whole SysEx messages in."""

from __future__ import annotations

import queue
from contextlib import ExitStack, suppress
from typing import Protocol

import rtmidi

from rigs.errors import DeviceLost, UserError
from rigs.midi_ports import IN, OUT, Found, close, find, is_there, ports


class Link(Protocol):
    """What carries messages. Not every message need arrive."""

    name: str

    def send(self, message: bytes) -> None:
        """Raises DeviceLost if nobody is there any more."""

    def receive(self, seconds: float) -> bytes | None:
        """The next message; None if there is none for so long. Raises DeviceLost."""

    def close(self) -> None:
        """Let go; may be called twice."""


class MidiLink:
    """A MIDI output and the input of the same device."""

    def __init__(self, wanted: str, api: str | None = None) -> None:
        """``wanted``: the port's name or part of it. Raises UserError if there is none, or two."""
        self._heard: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        with ExitStack() as undo:
            out = find(OUT, wanted, api)
            undo.callback(close, out.client)
            back = _answering(out, wanted)
            undo.callback(close, back.client)
            out.open("to the pedal")
            back.open("from the pedal")
            undo.pop_all()
        self._out, self._in, self.name = out.client, back.client, out.name
        self._in.ignore_types(sysex=False)
        self._in.set_callback(lambda event, _: self._heard.put(bytes(event[0])))

    def send(self, message: bytes) -> None:
        if is_there(self._out, self.name):
            with suppress(rtmidi.RtMidiError, ValueError):
                self._out.send_message(message)
                return
        raise DeviceLost(f"The MIDI port {self.name} is gone; check its cable.")

    def receive(self, seconds: float) -> bytes | None:
        try:
            return self._heard.get(timeout=seconds)
        except queue.Empty:
            return None

    def close(self) -> None:
        for port in (self._in, self._out):
            close(port)


def _answering(out: Found, wanted: str) -> Found:
    """The input to hear what ``out`` leads to: of the same name, or else as ``wanted`` as that.

    To be found before anything is open, or it would be found among our own ports too.
    """
    there = ports(IN, out.api).get(out.api, [])
    try:
        return find(IN, out.name if out.name in there else wanted, out.api)
    except UserError:
        raise UserError(
            f"The MIDI port {out.name} has no input to answer through; is it the pedal's?"
        ) from None
