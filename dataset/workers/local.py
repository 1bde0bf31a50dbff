"""Workers on this machine: one process each."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

from dataset.workers.jobs import Job, Made, WorkerRig
from dataset.workers.pool import Died, Pool
from rigs.child.messages import Header, Samples, receive, send
from rigs.child.start import start
from rigs.errors import UserError
from rigs.rig import Moved, Recording


class LocalPool(Pool):
    """``size`` processes, and a thread for each that speaks with it."""

    def __init__(self, rig: WorkerRig, size: int) -> None:
        """Raises UserError if workers cannot play the rig."""
        rig.check()
        self.size = size
        self._rig = rig
        self._threads = ThreadPoolExecutor(size, "worker")
        self._own = threading.local()
        self._all: set[_Process] = set()
        self._closed = False

    def submit(self, job: Job) -> Future[Made]:
        return self._threads.submit(self._make, job)

    def result(self, made: Future[Made]) -> Made:
        return made.result()

    def _make(self, job: Job) -> Made:
        process: _Process | None = getattr(self._own, "process", None)
        try:
            if process is None:
                process = self._own.process = self._started()
            return process.make(job)
        except (EOFError, OSError, ValueError):  # its pipes are closed
            self._own.process = None
            if process is not None:
                process.kill()
            raise Died from None

    def _started(self) -> _Process:
        process = _Process()
        self._all.add(process)
        if self._closed:
            process.kill()
        process.open(self._rig)
        return process

    def close(self) -> None:
        self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        for process in list(self._all):
            process.kill()
        self._threads.shutdown()
        for process in self._all:
            process.reap()


class _Process:
    """One worker."""

    def __init__(self) -> None:
        self._process = start("dataset.workers.child")

    def open(self, rig: WorkerRig) -> None:
        self._ask({"do": "open", "path": str(rig.path), "fingerprint": rig.fingerprint})

    def make(self, job: Job) -> Made:
        header = {"do": "play", "rate": job.trajectory.rate}
        told, (wet,) = self._ask(header, job.trajectory.positions, job.dry)
        recording = Recording(
            wet,
            told["latency"],
            tuple(told["flags"]),
            told["input_level_dbu"],
            told["output_level_dbu"],
        )
        return recording, Moved(told["reached"])

    def _ask(self, header: Header, *arrays: Samples) -> tuple[Header, list[Samples]]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        send(self._process.stdin, header, *arrays)
        told, made = receive(self._process.stdout)
        if "error" in told:
            raise UserError(told["error"])
        if "bug" in told:
            raise RuntimeError(f"a worker failed:\n{told['bug']}")
        return told, made

    def kill(self) -> None:
        self._process.kill()

    def reap(self) -> None:
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
