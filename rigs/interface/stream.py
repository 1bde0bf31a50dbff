"""One stream that plays and records, in a process of its own: our end of it."""

from __future__ import annotations

import queue
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from rigs.audio import SAMPLE_RATE
from rigs.child.messages import Header, Samples, receive, send
from rigs.child.start import start
from rigs.errors import DeviceLost, UserError
from rigs.interface.devices import Device, Devices

START = 20.0
"""Seconds that a sound system has to list or to open a device: some wake theirs up."""
SILENCE = 15.0
"""Seconds of no word from the process after which it hangs; it speaks up itself long before."""
END = 3.0
"""Seconds after which sound that was told to end is ended by force."""
LEAVE = 8.0
"""Seconds that the process has to end; it takes no more than 5 of them for its driver."""

WRONG_RATE, IN_USE = -9997, -9985


@dataclass(frozen=True)
class Mark:
    """One callback: the frame it began with, when, and whether the driver flagged a loss."""

    frame: int
    time: float
    flagged: bool


@dataclass(frozen=True)
class Exchanged:
    """What came back, shape (frames, inputs), for as many frames sent, unaligned.

    While it plays: so far. The callbacks may then be one ahead.
    """

    heard: Samples
    marks: Sequence[Mark]


class Stream:
    """Listed, then opened, then exchanging; every wait in it ends, if need be in DeviceLost."""

    def __init__(self) -> None:
        self._name = "The sound system"
        self._number = 0
        self._channels = (0, 0)
        self._answers: queue.SimpleQueue[tuple[Header, list[Samples]] | None] = queue.SimpleQueue()
        self._process = start("rigs.interface.worker")
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with suppress(EOFError, OSError, ValueError):
            while True:
                self._answers.put(receive(self._process.stdout))
        self._answers.put(None)

    def _tell(self, head: Header, *arrays: Samples) -> None:
        assert self._process.stdin is not None
        try:
            send(self._process.stdin, head, *arrays)
        except (OSError, ValueError):
            raise self._lost("its driver crashed") from None
        except BaseException:  # Ctrl-C in the middle of a message: nothing after it would be read
            self._process.kill()
            raise

    def _hear(self, patience: float) -> tuple[Header, list[Samples]]:
        try:
            answer = self._answers.get(timeout=patience)
        except queue.Empty:
            self._process.kill()
            raise self._lost("its driver hangs") from None
        if answer is None:
            self._answers.put(None)
            raise self._lost("its driver crashed")
        return answer

    def _lost(self, why: str) -> DeviceLost:
        return DeviceLost(
            f"{self._name} was lost ({why}); plug the device in again or restart its sound server."
        )

    def devices(self) -> Devices:
        """What there is; raises UserError if PortAudio is missing."""
        self._tell({"do": "list"})
        head, _ = self._hear(START)
        if "error" in head:
            raise UserError(
                f"The sound systems cannot be listed ({head['error']}); install the PortAudio "
                "library (Debian: apt install libportaudio2)."
            )
        given, usual = head["default"]
        return Devices(
            tuple(head["systems"]), tuple(Device(**row) for row in head["devices"]), (given, usual)
        )

    def open(
        self,
        source: Device,
        inputs: tuple[int, ...],
        sink: Device,
        outputs: tuple[int, ...],
        block: int,
    ) -> None:
        """Start the stream, silent, on these channels (from 1); raises UserError if it cannot."""
        name = str(sink) if source == sink else f"{source} with {sink}"
        self._name = f"The audio device {name}"
        self._channels = len(inputs), len(outputs)
        self._tell(
            {
                "do": "open",
                "input_device": source.index,
                "inputs": inputs,
                "output_device": sink.index,
                "outputs": outputs,
                "block": block,
            }
        )
        head, _ = self._hear(START)
        if "error" not in head:
            return
        code, reason = head["code"], str(head["error"])
        if code == WRONG_RATE:
            rates = sorted({f"{source.rate:g}", f"{sink.rate:g}"})
            raise UserError(
                f"{self._name} does not run at {SAMPLE_RATE} Hz but at "
                f"{' and '.join(rates)}; set it or its sound server to 48 kHz."
            )
        if code == IN_USE:
            raise UserError(
                f"{self._name} is in use or was unplugged; close what else uses it, and plug it in."
            )
        raise UserError(
            f"{self._name} cannot be opened ({reason}); try another host_api, "
            "or input and output on one device."
        )

    def exchange(
        self,
        out: Samples,
        started: Callable[[float], None] = lambda _: None,
        watch: Callable[[Exchanged], None] = lambda _: None,
    ) -> Exchanged:
        """Play ``out``, shape (frames, outputs), exactly, and return what came back meanwhile.

        ``started`` is told once, in seconds of time.monotonic(), when the first sample sounds;
        ``watch`` is given all that was heard so far, again and again. Whatever either raises
        ends the audio, in a fade of 10 ms. Raises DeviceLost if the connection broke.
        """
        inputs, outputs = self._channels
        assert out.shape == (len(out), outputs), out.shape
        self._number += 1
        number = {"number": self._number}
        self._tell({"do": "exchange", "inputs": inputs, **number}, out)
        heard = np.zeros((len(out), inputs), np.float32)
        marks: list[Mark] = []
        until, ended = 0, False
        try:
            while True:
                head, arrays = self._hear(SILENCE)
                if "heard" in head:
                    heard[until : head["heard"]] = arrays[0]
                    until = head["heard"]
                    marks += (Mark(*mark) for mark in head["marks"])
                    watch(Exchanged(heard[:until], marks))
                elif "at" in head:
                    started(head["at"])
                else:
                    ended = True
                    break
        finally:
            if not ended:
                self._mute(number)
        if "lost" in head or "error" in head:
            raise self._lost(head.get("lost") or str(head["error"]))
        return Exchanged(heard, marks)

    def _mute(self, number: Header) -> None:
        """End the exchange that runs, and hear it out; else end the process, which is silence."""
        end = time.monotonic() + END
        try:
            self._tell({"do": "mute", **number})
            while True:
                head, _ = self._hear(max(0.0, end - time.monotonic()))
                if "cut" in head or "lost" in head or "error" in head:
                    return
        except DeviceLost:
            self._process.kill()

    def close(self) -> None:
        """Fade out what sounds, and end; may be called twice. Raises nothing."""
        # The end of its input is the process's word to end.
        with suppress(OSError, ValueError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        try:
            self._process.wait(LEAVE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listener.join(END)
        if self._process.stdout is not None and not self._listener.is_alive():
            self._process.stdout.close()
