"""A way to a pedal and back: whole SysEx messages out, whole SysEx messages in."""

from __future__ import annotations

import queue
from collections.abc import Callable
from typing import Any, Protocol

import rtmidi

from rigs.actuators.midi.port import CLIENT, choose
from rigs.errors import DeviceLost, UserError


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
        self._out, self._in, self.name = _connect(wanted, api)
        self._in.ignore_types(sysex=False)
        self._in.set_callback(lambda event, _: self._heard.put(bytes(event[0])))

    def send(self, message: bytes) -> None:
        try:
            there = self.name in self._out.get_ports()
            if there:
                self._out.send_message(message)
        except (rtmidi.RtMidiError, ValueError):
            there = False
        if not there:
            raise DeviceLost(f"The MIDI port {self.name} is gone; check its cable.")

    def receive(self, seconds: float) -> bytes | None:
        try:
            return self._heard.get(timeout=seconds)
        except queue.Empty:
            return None

    def close(self) -> None:
        for port in (self._in, self._out):
            if not port.is_deleted:
                port.close_port()
                port.delete()


def _connect(wanted: str, api: str | None) -> tuple[Any, Any, str]:
    """Open clients to the output and the input ``wanted``, and the output's name."""
    systems = [number for number in rtmidi.get_compiled_api() if _is(number, api)]
    found: dict[str, tuple[int, int]] = {}
    for system in systems:
        out = _client(rtmidi.MidiOut, system)
        if out is None:
            continue
        found |= {name: (system, index) for index, name in enumerate(out.get_ports())}
        out.delete()
    name = choose(wanted, list(found))
    system, index = found[name]
    back = _client(rtmidi.MidiIn, system)
    if back is None:
        raise UserError(f"The MIDI port {name} cannot be listened to; close what uses it.")
    names = back.get_ports()
    try:
        answers = choose(name if name in names else wanted, names)
    except UserError:
        back.delete()
        raise UserError(
            f"The MIDI port {name} has no input to answer through; is it the pedal's?"
        ) from None
    try:
        out = rtmidi.MidiOut(system, CLIENT)
        out.open_port(index, "to the pedal")
        back.open_port(names.index(answers), "from the pedal")
    except rtmidi.RtMidiError as error:
        raise UserError(
            f"The MIDI port {name} cannot be opened ({str(error).rstrip('.')}); "
            "close the program that uses it."
        ) from None
    return out, back, name


def _is(system: int, api: str | None) -> bool:
    return api is None or rtmidi.get_api_name(system) == api


def _client(make: Callable[[int, str], Any], system: int) -> Any:
    """None if that system's MIDI does not run."""
    try:
        return make(system, CLIENT)
    except rtmidi.RtMidiError:
        return None
