"""Our end of a plugin's process."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import tempfile
from collections.abc import Callable
from typing import Any

from rigs.child.messages import Samples, receive, send
from rigs.child.start import start
from rigs.errors import UserError

_PATIENCE = 2.0
"""Seconds that the process is given to end by itself."""


class PluginProcess:
    """Runs one plugin in a process of its own, for as long as it is not closed.

    ``kind`` is one of :data:`rigs.plugins.child.HOSTS` and ``options`` its arguments; ``name`` is
    what the plugin is called in errors. Raises UserError if the plugin cannot be loaded.
    """

    def __init__(self, kind: str, options: dict[str, Any], name: str) -> None:
        self._name = name
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = start("rigs.plugins.child", stderr=self._errors)
        try:
            self.facts = self._ask({"do": "open", "kind": kind, "options": options})[0]["facts"]
        except BaseException:
            self.kill()
            raise

    def play(
        self,
        dry: Samples,
        values: Samples,
        block: int,
        preroll: float,
        progress: Callable[[float], None],
    ) -> tuple[dict[str, Any], Samples]:
        """What :func:`rigs.plugins.take.play` returns: its facts, and the wet.

        Raises UserError if the plugin crashed or cannot be played. Whatever interrupts it ends the
        process.
        """
        header = {"do": "play", "block": block, "preroll": preroll}
        try:
            told, arrays = self._ask(header, dry, values, progress=progress)
        except BaseException:
            self.kill()
            raise
        return told, arrays[0]

    def _ask(
        self,
        header: dict[str, Any],
        *arrays: Samples,
        progress: Callable[[float], None] = lambda _: None,
    ) -> tuple[dict[str, Any], list[Samples]]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            send(self._process.stdin, header, *arrays)
            while "progress" in (reply := receive(self._process.stdout))[0]:
                progress(float(reply[0]["progress"]))
        except (EOFError, BrokenPipeError):
            raise self._crashed() from None
        if "error" in reply[0]:
            raise UserError(reply[0]["error"])
        if "bug" in reply[0]:
            raise RuntimeError(f"in the plugin's process:\n{reply[0]['bug']}")
        return reply

    def _crashed(self) -> Exception:
        try:
            code = self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            code = 0  # it closed its output, or wrote what is no message, and goes on
        if code > 0:
            self._errors.seek(0)
            said = self._errors.read(10_000).decode("utf-8", "replace")
            return RuntimeError(f"the plugin's process ended with {code}:\n{said}")
        how = "stopped talking"
        if code < 0:
            with contextlib.suppress(ValueError):
                how = f"crashed ({signal.Signals(-code).name})"
        return UserError(
            f"The plugin {self._name} {how} and took its process with it; what was captured before "
            "is kept: try other settings, another version of it, or another plugin."
        )

    def kill(self) -> None:
        """End the process at once, whatever it does; may be called twice."""
        self._process.kill()
        self._reap()

    def close(self) -> None:
        """End the process; may be called twice. Raises nothing."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._reap()

    def _reap(self) -> None:
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
