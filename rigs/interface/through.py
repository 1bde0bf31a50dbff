"""A sound card's input to its output through a callback in C, while this process does other things.

Unlike :mod:`rigs.interface.stream` it runs in this process, as short as the driver can: what the
callback needs is memory that it shares with whoever turns the knobs.
"""

from __future__ import annotations

import atexit
from types import TracebackType
from typing import Any

from rigs.errors import DeviceLost, UserError
from rigs.interface.devices import Device
from rigs.interface.stream import IN_USE, WRONG_RATE


class WrongRate(UserError):
    """The device does not run at that sample rate."""


class Through:
    """A stream from ``source`` to ``sink``, which starts at once.

    ``callback`` and ``state`` are the addresses of a PaStreamCallback, for interleaved float32, and
    of what it is given; ``channels`` are inputs and outputs a frame, ``block`` the frames of a
    callback, 0 if the driver may choose. Raises UserError if the device cannot be opened so;
    WrongRate if another ``rate``, in Hz, may do.
    """

    def __init__(
        self,
        callback: int,
        state: int,
        source: Device,
        sink: Device,
        channels: tuple[int, int],
        rate: int,
        block: int = 0,
    ) -> None:
        import sounddevice as sd

        self._name = str(sink) if source == sink else f"{source} with {sink}"
        self._sd = sd
        try:
            self._stream: Any = sd._StreamBase(  # documented, for callbacks that are not Python
                kind="duplex",
                samplerate=rate,
                blocksize=block,
                device=(source.index, sink.index),
                channels=channels,
                dtype="float32",
                latency="low",
                callback=sd._ffi.cast("PaStreamCallback *", callback),
                userdata=sd._ffi.cast("void *", state),
            )
            self._stream.start()
        except sd.PortAudioError as error:
            raise self._refused(error, rate) from None

    def _refused(self, error: Exception, rate: int) -> UserError:
        code = error.args[1] if len(error.args) > 1 else None
        if code == WRONG_RATE:
            return WrongRate(
                f"The audio device {self._name} does not run at {rate} Hz; set it or its sound "
                "server to another rate."
            )
        if code == IN_USE:
            return UserError(
                f"The audio device {self._name} is in use or was unplugged; close what else uses "
                "it, and plug it in."
            )
        return UserError(
            f"The audio device {self._name} cannot be opened ({error.args[0]}); try another "
            "--host-api, or input and output on one device."
        )

    @property
    def latency(self) -> float:
        """Seconds from the input to the output, as the driver tells: what the callback adds and
        the converters' own filters are not in it."""
        there, back = self._stream.latency
        return float(there + back)

    @property
    def load(self) -> float:
        """The share of its time that the callback needs, from 0 to 1."""
        return float(self._stream.cpu_load)

    def check(self) -> None:
        """Raise DeviceLost if the device is gone."""
        if not self._stream.active:
            raise DeviceLost(
                f"The audio device {self._name} was lost; plug it in again or restart its sound "
                "server."
            )

    def __enter__(self) -> Through:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._stream.active:
            self._stream.stop()
            self._stream.close()
        else:
            # PortAudio aborts if it takes leave of a JACK server that is gone.
            atexit.unregister(self._sd._exit_handler)
