"""Running ngspice, so that nothing of it is left when we end."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np

from rigs.circuits.deck import PHASE, SOURCE, Array, Job, write_source
from rigs.errors import UserError

MEMORY = 2 << 30
FILE_SIZE = 1 << 30
"""Bytes that one process may have, and that one of its files may."""
_TAIL = 1 << 16
_TROUBLE = (
    re.compile(r"doAnalyses: *(.+)"),
    re.compile(r"(?i)(.*(?:can't find|cannot|undefined|unknown|singular).*)"),
    re.compile(r"(?i)(.*error.*)"),
    re.compile(r"(?i)(.*warning.*)"),
)
"""What to tell of what ngspice says, the best first."""


class NgspiceFailed(Exception):
    """``time`` is how far it came, in s, None if it did not begin; ``line`` is what it said."""

    def __init__(self, line: str, time: float | None) -> None:
        super().__init__(line)
        self.line = line
        self.time = time


def find_ngspice() -> str:
    """The program; raises UserError if it is not installed."""
    found = shutil.which("ngspice")
    if found is None:
        raise UserError(
            "Circuits are simulated by ngspice, which is not installed: run `apt install ngspice` "
            "(on macOS `brew install ngspice`)."
        )
    return found


class Ngspice:
    """Processes that end together: several threads may :meth:`run`, any may :meth:`kill`."""

    def __init__(self, time_limit: float) -> None:
        self._program = find_ngspice()
        self._time_limit = time_limit
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._killed = False

    def run(self, job: Job, columns: Array) -> Array:
        """Volts at the job's output, one for each row of ``columns``, shape (steps, 1 + moving).

        Raises NgspiceFailed if it found no solution, UserError if it had to be ended.
        """
        steps = len(columns)
        try:
            with tempfile.TemporaryDirectory(prefix="ampsweep-ngspice-") as name:
                folder = Path(name)
                (folder / "circuit.cir").write_text(job.deck(steps), "ascii")
                with (folder / SOURCE).open("w", encoding="ascii") as file:
                    write_source(file, columns)
                code = self._wait(folder)
                times, volts = _read(folder / "out.raw")
                needed = (PHASE + np.arange(steps)) * job.step
                reached = times[-1] if len(times) else None
                # The last point is at the end or the simulation broke off.
                if code != 0 or reached is None or reached < needed[-1] - job.step / 2:
                    raise NgspiceFailed(_words(folder / "said.txt", code), reached)
        except OSError as error:
            raise UserError(
                f"ngspice could not be run in {tempfile.gettempdir()} "
                f"({error.strerror or error}); make room there."
            ) from None
        from scipy.interpolate import CubicSpline

        # On the grid, as nearly all are, the spline gives the points themselves.
        return np.asarray(CubicSpline(times, volts)(needed), np.float64)

    def _wait(self, folder: Path) -> int:
        # No .spiceinit is read, neither from the user's home (-n) nor from this folder, and there
        # is no terminal to ask questions on.
        command = [self._program, "-n", "-b", "-r", "out.raw", "circuit.cir"]
        environment = os.environ | {"HOME": str(folder), "LC_ALL": "C", "OMP_NUM_THREADS": "1"}
        with (folder / "said.txt").open("wb") as said, self._lock:
            if self._killed:
                raise InterruptedError("stopped")
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for us; we end it
            )
            self._running.add(process)
        try:
            self._bound(process.pid)
            return process.wait(self._time_limit)
        except subprocess.TimeoutExpired:
            raise UserError(
                f"ngspice was not done with a chunk after {self._time_limit:g} s; allow more by "
                "time_limit in the rig's [path], or make the chunks shorter."
            ) from None
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            with self._lock:
                self._running.discard(process)

    def _bound(self, pid: int) -> None:
        """Limit what the process may use, also where nobody is left to end it."""
        if sys.platform != "linux":
            return
        import resource

        seconds = int(self._time_limit) + 1
        try:
            resource.prlimit(pid, resource.RLIMIT_AS, (MEMORY, MEMORY))
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (FILE_SIZE, FILE_SIZE))
            resource.prlimit(pid, resource.RLIMIT_CPU, (seconds, seconds))
        except (ProcessLookupError, PermissionError):
            pass  # it has ended already

    def kill(self) -> None:
        """End every process now, and start no more."""
        with self._lock:
            self._killed = True
            for process in self._running:
                process.kill()


def _read(path: Path) -> tuple[Array, Array]:
    """Times and volts of a binary raw file with these two columns; empty if there is none."""
    none = np.empty(0)
    if not path.is_file():
        return none, none
    header, mark, values = path.read_bytes().partition(b"Binary:\n")
    if not mark or not re.search(rb"No\. Variables: 2\s", header):
        return none, none
    table = np.frombuffer(values[: len(values) // 16 * 16], "<f8").reshape(-1, 2)
    forward = np.concatenate([[True], np.diff(table[:, 0]) > 0])[: len(table)]
    return table[forward, 0], table[forward, 1]


def _words(path: Path, code: int) -> str:
    """The line in which ngspice says what is wrong, or else its last."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL))
        text = file.read().decode("ascii", "replace")
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    for pattern in _TROUBLE:
        for line in lines:
            if match := pattern.fullmatch(line):
                return match[1][:200].rstrip(".")
    return lines[-1][:200] if lines else f"nothing, but ended with code {code}"
