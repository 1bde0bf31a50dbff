"""The MIDI ports of this machine: found by name in any of its MIDI systems, opened, let go."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import rtmidi

from rigs.errors import UserError

CLIENT = "ampsweep"


@dataclass(frozen=True)
class Way:
    """Out of this program or into it; how to speak of such a port, and of one that is not there."""

    client: Callable[[int, str], Any]
    what: str
    absent: str


OUT = Way(rtmidi.MidiOut, "MIDI output", "There is no MIDI output {!r}")
IN = Way(rtmidi.MidiIn, "MIDI input", "There is no MIDI input with {!r} in its name")


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


def _clients(way: Way, api: str | None) -> dict[str, Any]:
    """A client of each of the system's MIDIs that run, by its name."""
    there = [rtmidi.get_api_name(number) for number in rtmidi.get_compiled_api()]
    if api is not None and api not in there:
        raise UserError(
            f"This machine's MIDI package knows no api {api!r}, only {', '.join(there)}; "
            "name one of these, or none."
        )
    clients = {}
    for name in there if api is None else [api]:
        with suppress(rtmidi.RtMidiError):  # that one does not run here
            clients[name] = way.client(rtmidi.get_compiled_api_by_name(name), CLIENT)
    return clients


@_quiet()
def ports(way: Way, api: str | None = None) -> dict[str, list[str]]:
    """The names of all MIDI ports, by the system's MIDI that has them ("alsa", "jack", …).

    Those that do not run are left out. Raises UserError if there is no such ``api``.
    """
    found = {}
    for name, client in _clients(way, api).items():
        found[name] = list(client.get_ports())
        client.delete()
    return found


def choose(wanted: str, names: list[str], way: Way = OUT) -> str:
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
            f"{len(parts)} {way.what}s have {wanted!r} in their names: {', '.join(parts)}; "
            "name one of them in full."
        )
    absent = way.absent.format(wanted)
    if not names:
        raise UserError(f"{absent}, nor any other; plug the device in and turn it on.")
    words = {word.casefold(): name for name in names for word in (*name.split(), name)}
    near = difflib.get_close_matches(wanted.casefold(), list(words), n=1, cutoff=0.6)
    hint = f" Did you mean {words[near[0]]}?" if near else ""
    raise UserError(f"{absent}; there are {', '.join(names)}.{hint}")


@dataclass(frozen=True)
class Found:
    """A port, and a client of the MIDI system ``api`` that has it, not connected to it yet."""

    way: Way
    api: str
    client: Any
    index: int
    name: str

    @_quiet()
    def open(self, label: str) -> None:
        """Connect, as ``label``. Raises UserError if that cannot be; the client is gone then."""
        try:
            self.client.open_port(self.index, label)
        except rtmidi.RtMidiError as error:
            self.client.delete()
            raise UserError(
                f"The {self.way.what} {self.name} cannot be opened ({str(error).rstrip('.')}); "
                "close the program that uses it."
            ) from None


@_quiet()
def find(way: Way, wanted: str, api: str | None = None) -> Found:
    """The port ``wanted``: :func:`choose` says which that is, and raises what that does."""
    clients = _clients(way, api)
    chosen = None
    try:
        if not clients:
            raise UserError(
                "No MIDI system runs here; load ALSA's sequencer (sudo modprobe snd-seq) or start "
                "JACK."
            )
        there = {system: list(client.get_ports()) for system, client in clients.items()}
        name = choose(wanted, [port for names in there.values() for port in names], way)
        system = next(system for system, names in there.items() if name in names)
        chosen = clients[system]
        return Found(way, system, chosen, there[system].index(name), name)
    finally:
        for client in clients.values():
            if client is not chosen:
                client.delete()


def is_there(client: Any, name: str) -> bool:
    """Whether the port still is: sending to one that is gone goes unnoticed."""
    try:
        return not client.is_deleted and name in client.get_ports()
    except rtmidi.RtMidiError:
        return False


@_quiet()
def close(client: Any) -> None:
    """Let go; may be called twice. Raises nothing."""
    if client.is_deleted:
        return
    with suppress(rtmidi.RtMidiError):  # it was gone already
        if isinstance(client, rtmidi.MidiIn):
            client.cancel_callback()
        client.close_port()
        client.delete()
