"""The process in which a plugin runs: `python -m rigs.plugins.child`.

A plugin is foreign code in the same address space. Here it may crash without taking the session
with it, print without spoiling the terminal, and run while another thread of the session writes.
It reads messages from its input, answers on its output, and ends when its input does.
"""

from __future__ import annotations

import importlib
import os
import signal
import traceback
from typing import IO, Any, Protocol

from rigs.child.messages import Samples, receive, send
from rigs.errors import UserError
from rigs.plugins.denormals import flush_denormals
from rigs.plugins.take import Instance, play

HOSTS = {"lv2": "rigs.lv2.host:Lv2Host", "vst3": "rigs.vst3.host:Vst3Host"}


class Host(Protocol):
    """Can make one plugin; it is itself made with the options that its path sends."""

    def facts(self) -> dict[str, Any]:
        """What the path has to know of the plugin, as JSON."""

    def make(self, block: int) -> Instance:
        """A new instance that plays blocks of so many frames."""


class _Server:
    def __init__(self, replies: IO[bytes]) -> None:
        self._replies = replies
        self._host: Host | None = None

    def open(self, header: dict[str, Any]) -> None:
        module, _, name = HOSTS[header["kind"]].partition(":")
        made: Host = getattr(importlib.import_module(module), name)(**header["options"])
        self._host = made
        send(self._replies, {"facts": made.facts()})

    def play(self, header: dict[str, Any], dry: Samples, values: Samples) -> None:
        assert self._host is not None
        take = play(
            self._host.make,
            dry,
            values,
            header["block"],
            header["preroll"],
            lambda seconds: send(self._replies, {"progress": seconds}),
        )
        told = {"latency": take.latency, "flags": take.flags, "seconds": take.seconds}
        send(self._replies, told, take.wet)

    def answer(self, header: dict[str, Any], arrays: list[Samples]) -> None:
        try:
            if header["do"] == "open":
                self.open(header)
            else:
                self.play(header, *arrays)
        except UserError as error:
            send(self._replies, {"error": str(error)})
        except BrokenPipeError:
            raise
        except Exception:
            send(self._replies, {"bug": traceback.format_exc()})


def _private(number: int, mode: str) -> IO[bytes]:
    """Our own copy of a standard stream, whose number from here on leads nowhere."""
    copy = os.fdopen(os.dup(number), mode)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, number)
    os.close(nowhere)
    return copy


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the session decides when we stop
    requests, replies = _private(0, "rb"), _private(1, "wb")
    _private(2, "wb")
    flush_denormals()
    server = _Server(replies)
    try:
        while True:
            server.answer(*receive(requests))
    except (EOFError, BrokenPipeError):
        # Nothing of ours is unsaved, and a plugin that crashes in its destructor helps nobody.
        os._exit(0)


if __name__ == "__main__":
    main()
