"""The process that plays and records: ``python -m rigs.interface.worker``, told what by its input.

A process of its own, because a driver can hang, print, or abort the process it runs in (PortAudio
does when a JACK server is gone); because our own work would keep its callback waiting; and because
however the session ends, killed outright included, this one notices and fades to silence.
"""

from __future__ import annotations

import gc
import math
import os
import queue
import signal
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Any

import numpy as np

from rigs.child.messages import Header, Samples, receive, send

RATE = 48_000
FADE = RATE // 100
"""Frames over which audio that is cut short dies away."""
POLL = 0.02
PATIENCE = 1.0
"""Seconds without a callback after which the device is lost; more where its callbacks are rare."""

LEAVE = 5.0
"""Seconds that a driver has to let go of its device."""


@dataclass
class Job:
    """Samples to play, shape (frames, outputs), and room for what comes back meanwhile."""

    out: Samples
    heard: Samples
    number: int
    position: int = 0
    cut: threading.Event = field(default_factory=threading.Event)
    """Set to let it fade out and end."""
    done: threading.Event = field(default_factory=threading.Event)
    marks: list[tuple[int, float, bool]] = field(default_factory=list)
    """Where each callback began, when, and whether the driver had said that something was lost."""
    at: float | None = None
    """When the first sample sounds, in seconds of time.monotonic()."""
    faded: int = 0


class Duplex:
    """One stream that never stops: jobs follow one another in it, with silence between."""

    def __init__(self, sd: Any, head: Header) -> None:
        self._outputs: list[int] = [number - 1 for number in head["outputs"]]
        self._inputs: list[int] = [number - 1 for number in head["inputs"]]
        self.job: Job | None = None
        self.beat = time.monotonic()
        self.longest_wait = 0.0
        self._stream = sd.Stream(
            samplerate=RATE,
            blocksize=head["block"],
            device=(head["input_device"], head["output_device"]),
            channels=(max(self._inputs) + 1, max(self._outputs) + 1),
            dtype="float32",
            latency="high",  # what is found afterwards may be long; what is lost is lost
            clip_off=True,
            dither_off=True,
            callback=self._callback,
        )
        self._ramp = np.linspace(1, 0, FADE, dtype=np.float32)[:, None]
        self._stream.start()

    @property
    def active(self) -> bool:
        return bool(self._stream.active)

    @property
    def lost(self) -> bool:
        patience = max(PATIENCE, 10 * self.longest_wait)
        return not self.active or time.monotonic() - self.beat > patience

    def stop(self) -> None:
        self._stream.stop()
        self._stream.close()

    def _callback(self, heard: Samples, out: Samples, frames: int, at: Any, status: Any) -> None:
        now = time.monotonic()
        self.longest_wait = min(1.0, max(self.longest_wait, now - self.beat))
        self.beat = now
        out.fill(0)
        job = self.job
        if job is None:
            return
        try:
            if job.at is None:
                ahead = at.outputBufferDacTime - at.currentTime
                job.at = now + (ahead if math.isfinite(ahead) and 0 <= ahead < 2 else 0.0)
            self._pass(job, heard, out, frames)
            job.marks.append((job.position, now, bool(status)))
            job.position = min(job.position + frames, len(job.out))
        except BaseException:  # it must not pass into the driver; and it must not go on
            out.fill(0)
            job.cut.set()
            job.faded = FADE
        if job.position == len(job.out) or job.faded == FADE:
            self.job = None
            job.done.set()

    def _pass(self, job: Job, heard: Samples, out: Samples, frames: int) -> None:
        start = job.position
        end = min(start + frames, len(job.out))
        if job.cut.is_set():
            end = min(end, start + FADE - job.faded)
        for column, channel in enumerate(self._outputs):
            out[: end - start, channel] = job.out[start:end, column]
        if job.cut.is_set():
            out[: end - start] *= self._ramp[job.faded : job.faded + end - start]
            job.faded = FADE if end == len(job.out) else job.faded + end - start
        for column, channel in enumerate(self._inputs):
            job.heard[start:end, column] = heard[: end - start, channel]


class Worker:
    """Does what it is told, one thing after another, until its input ends."""

    def __init__(self, told: IO[bytes], tell: IO[bytes]) -> None:
        self._tell = tell
        self._told = told
        self._commands: queue.SimpleQueue[tuple[Header, list[Samples]] | None]
        self._commands = queue.SimpleQueue()
        self._duplex: Duplex | None = None
        self._job: Job | None = None
        self._muted = -1
        """The last exchange that was told to end."""

    def run(self) -> None:
        threading.Thread(target=self._listen, daemon=True).start()
        while (command := self._commands.get()) is not None:
            head, arrays = command
            answer: Header
            try:
                answer = getattr(self, f"do_{head['do']}")(head, *arrays)
            except BrokenPipeError:  # nobody listens any more
                return
            except Exception as error:  # what the driver says, whatever it is
                code = error.args[1] if len(error.args) > 1 else None
                reason = str(error.args[0] if error.args else error)
                answer = {"error": reason, "code": code if isinstance(code, int) else None}
            send(self._tell, answer)
            if "lost" in answer:
                return

    def close(self) -> None:
        """Silence, then let go. May hang, in a driver whose device is gone."""
        if self._job is not None:
            self._job.cut.set()
            self._job.done.wait(10 * POLL)
        if self._duplex is not None and not self._duplex.active:
            return  # PortAudio aborts if it takes leave of a JACK server that is gone
        if self._duplex is not None:
            self._duplex.stop()
        # A synchronous JACK server waits for seconds for a client that just ends.
        if (sd := sys.modules.get("sounddevice")) is not None:
            sd._terminate()

    def _listen(self) -> None:
        """An exchange is told to end, by its number, while it runs or even before it does."""
        with suppress(EOFError):
            while True:
                message = receive(self._told)
                if message[0]["do"] == "mute":
                    self._mute(message[0]["number"])
                else:
                    self._commands.put(message)
        self._mute(sys.maxsize)
        self._commands.put(None)

    def _mute(self, number: int) -> None:
        self._muted = number
        if (job := self._job) is not None and job.number <= number:
            job.cut.set()

    def do_list(self, head: Header) -> Header:
        import sounddevice as sd

        systems = [str(api["name"]) for api in sd.query_hostapis()]
        default = [int(index) for index in sd.default.device]
        devices = [
            {
                "index": index,
                "name": str(device["name"]),
                "system": systems[device["hostapi"]],
                "inputs": int(device["max_input_channels"]),
                "outputs": int(device["max_output_channels"]),
                "rate": float(device["default_samplerate"]),
            }
            for index, device in enumerate(sd.query_devices())
        ]
        return {"systems": systems, "devices": devices, "default": default}

    def do_open(self, head: Header) -> Header:
        import sounddevice as sd

        self._duplex = Duplex(sd, head)
        return {"open": True}

    def do_exchange(self, head: Header, out: Samples) -> Header:
        duplex = self._duplex
        assert duplex is not None
        room = np.empty((len(out), head["inputs"]), np.float32)
        room.fill(0)  # so that the callback meets no page for the first time
        job = self._job = Job(out, room, head["number"])
        if job.number <= self._muted:
            return {"cut": True}
        duplex.job = job
        told, marked, begun = 0, 0, False
        while True:
            done = job.done.wait(POLL)
            if job.at is not None and not begun:
                begun = True
                send(self._tell, {"at": job.at})
            until = job.position
            if until > told:
                marks = job.marks[marked:]
                send(self._tell, {"heard": until, "marks": marks}, job.heard[told:until])
                told, marked = until, marked + len(marks)
            if done:
                break
            if duplex.lost:
                duplex.job = None
                return {"lost": "no audio came or went any more"}
        return {"cut": job.cut.is_set()}


def main() -> None:
    # Ctrl-C is for the session, which then says what to do.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    gc.disable()  # it would pause the callback; nothing here is in cycles
    told = os.fdopen(os.dup(0), "rb")
    tell = os.fdopen(os.dup(1), "wb")
    # Drivers and their libraries print on both.
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    if sys.platform != "win32":
        import resource  # there is none on Windows

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # what aborts leaves nothing behind
    worker = Worker(told, tell)
    try:
        with suppress(OSError, SystemExit):
            worker.run()
        closing = threading.Thread(target=worker.close, daemon=True)
        closing.start()
        closing.join(LEAVE)
    finally:
        # Not by way of exit handlers: PortAudio's aborts where a JACK server is gone.
        os._exit(0)


if __name__ == "__main__":
    main()
