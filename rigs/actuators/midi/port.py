"""A MIDI output: found by name, never fed faster than it may be, noticed when it goes."""

from __future__ import annotations

import difflib
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import rtmidi

from rigs.errors import DeviceLost, UserError

CLIENT = "ampsweep"


@contextmanager
def _quiet() -> Iterator[None]:
    """Drivers tell the terminal what an exception then says as well: nobody hears the former."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _systems(api: str | None) -> list[str]:
    there = [rtmidi.get_api_name(number) for number in rtmidi.get_compiled_api()]
    if api is not None and api not in there:
        raise UserError(
            f"This machine's MIDI package knows no api {api!r}, only {', '.join(there)}; "
            "name one of these, or none."
        )
    return there if api is None else [api]


def _try(api: str) -> Any:
    """A client of one of the system's MIDIs; None if that does not run."""
    try:
        return rtmidi.MidiOut(rtmidi.get_compiled_api_by_name(api), CLIENT)
    except rtmidi.RtMidiError:
        return None


def outputs(api: str | None = None) -> dict[str, list[str]]:
    """The names of all MIDI outputs, by the system's MIDI that has them ("alsa", "jack", …).

    Those that do not run are left out. Raises UserError if there is no such ``api``.
    """
    found = {}
    with _quiet():
        for name in _systems(api):
            if (out := _try(name)) is not None:
                found[name] = list(out.get_ports())
                out.delete()
    return found


def choose(wanted: str, names: list[str]) -> str:
    """The one of ``names`` that is ``wanted``, or has it in it, whatever its case.

    Raises UserError if there is none or more than one, and says which there are.
    """
    exact = [name for name in names if name == wanted]
    close = exact or [name for name in names if name.casefold() == wanted.casefold()]
    parts = close or [name for name in names if wanted.casefold() in name.casefold()]
    if len(set(parts)) == 1:
        return parts[0]
    if parts:
        raise UserError(
            f"{len(parts)} MIDI outputs have {wanted!r} in their names: {', '.join(parts)}; "
            "name one of them in full."
        )
    if not names:
        raise UserError(
            f"There is no MIDI output {wanted!r}, nor any other; plug the device in and turn it on."
        )
    words = {word.casefold(): name for name in names for word in (*name.split(), name)}
    near = difflib.get_close_matches(wanted.casefold(), list(words), n=1, cutoff=0.6)
    hint = f" Did you mean {words[near[0]]}?" if near else ""
    raise UserError(f"There is no MIDI output {wanted!r}; there are {', '.join(names)}.{hint}")


def _connect(wanted: str, api: str | None) -> tuple[Any, str]:
    """A client whose port is connected to the output ``wanted``, and that output's name."""
    clients = {name: client for name in _systems(api) if (client := _try(name)) is not None}
    chosen = None
    try:
        if not clients:
            raise UserError(
                "No MIDI system runs here; load ALSA's sequencer (sudo modprobe snd-seq) or start "
                "JACK."
            )
        ports = {name: list(client.get_ports()) for name, client in clients.items()}
        output = choose(wanted, [port for names in ports.values() for port in names])
        system = next(name for name, names in ports.items() if output in names)
        try:
            clients[system].open_port(ports[system].index(output), "knobs")
        except rtmidi.RtMidiError as error:
            raise UserError(
                f"The MIDI output {output} cannot be opened ({str(error).rstrip('.')}); "
                "close the program that uses it."
            ) from None
        chosen = clients[system]
        return chosen, output
    finally:
        for client in clients.values():
            if client is not chosen:
                client.delete()


class Port:
    """An open output. Connecting sends nothing."""

    def __init__(self, wanted: str, api: str | None, messages_per_second: float) -> None:
        """Raises UserError if there is no such output, or it cannot be had."""
        self.spacing = 1 / messages_per_second
        self._free_at = 0.0
        with _quiet():
            self._out, self.name = _connect(wanted, api)

    def check(self) -> None:
        """Raise DeviceLost if the output is gone: sending would not notice."""
        try:
            there = not self._out.is_deleted and self.name in self._out.get_ports()
        except rtmidi.RtMidiError:
            there = False
        if not there:
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
        if self._out.is_deleted:
            return
        with _quiet():
            try:
                self._out.close_port()
                self._out.delete()
            except rtmidi.RtMidiError:
                pass  # it was gone already
