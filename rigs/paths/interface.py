"""A real device behind an audio interface: played and recorded in one stream."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from rigs.audio import SAMPLE_RATE, peak_dbfs, rms_dbfs
from rigs.errors import UserError
from rigs.interface import dropouts, sync
from rigs.interface.examination import Examination
from rigs.interface.layout import SLACK, Known, Layout
from rigs.interface.ramp import Ramp
from rigs.interface.stream import Exchanged, Stream
from rigs.rig import Ask, Audio, Motion, Options, Progress, Reach, Recording, SignalPath


class InterfaceOptions(Options):
    """Devices by their name, a part of it, or their index; channels counted from 1."""

    device: str | int | None = None
    """The interface; None: the system's default."""
    input_device: str | int | None = None
    output_device: str | int | None = None
    """Where the system names its two ways differently. They must share one clock."""
    host_api: str | None = None
    """The sound system, or a part of its name: "ASIO", "JACK", "ALSA"; None: any."""
    output: int = Field(1, ge=1, le=256, strict=True)
    input: int = Field(1, ge=1, le=256, strict=True)
    loopback_output: int | None = Field(None, ge=1, le=256, strict=True)
    loopback_input: int | None = Field(None, ge=1, le=256, strict=True)
    """An output that is wired straight to an input, where there are any to spare."""
    sync_input: int | None = Field(None, ge=1, le=256, strict=True)
    """An input that a motor controller's synchronised output is wired to."""
    block: int = Field(0, ge=0, le=8192, strict=True)
    """Frames a callback; 0: as the driver likes."""
    send_db: float = Field(0.0, ge=-80.0, le=6.0)
    """By how much all that is sent is amplified."""
    longest_latency: float = Field(0.2, ge=0.01, le=1.0)
    """Seconds that the way there and back may take."""
    latency: float | None = Field(None, ge=0.0, le=48_000.0)
    """Samples there and back over a plain cable, where that is the same at each opening."""
    ramp: float = Field(1.5, ge=0.5, le=10.0)
    """Seconds in which the first sound rises from -40 dB."""

    @model_validator(mode="after")
    def _has_a_loop_of_its_own(self) -> InterfaceOptions:
        if (self.loopback_input is None) != (self.loopback_output is None):
            raise ValueError("a loop-back takes both a loopback_output and a loopback_input")
        if self.loopback_output == self.output or self.loopback_input == self.input:
            raise ValueError("the loop-back's output and input must not be the device's")
        if self.sync_input is not None and self.sync_input in (self.input, self.loopback_input):
            raise ValueError("sync_input must be an input of its own")
        return self


class AudioInterface(SignalPath):
    """Plays and records a device for real.

    One stream stays open, silent between takes, so that its latency stays what it was. Each take
    brings its own alignment clicks before and after the dry. ``exchange`` and ``measure_noise``
    are for level setting and the like: they need ``open`` but not ``prepare``.
    """

    options: InterfaceOptions
    options_type = InterfaceOptions
    notice = (
        "Sound is about to go through real hardware: a tube amp must have its speaker or a load "
        "box connected before it is switched on, and the volume where you can bear it."
    )

    def __init__(self, options: InterfaceOptions, folder: Path) -> None:
        super().__init__(options, folder)
        self._stream: Stream | None = None
        self._known = Known(options.latency)
        self._doubtful: tuple[Audio, Audio] | None = None
        """Dry and wet of the last take, if it was flagged and nothing proved it right or wrong."""

    @property
    def reach(self) -> Reach:
        return Reach(around=Layout(0, SLACK).frames / SAMPLE_RATE)

    @property
    def _gain(self) -> float:
        return float(10 ** (self.options.send_db / 20))

    @property
    def _longest(self) -> int:
        return round(self.options.longest_latency * SAMPLE_RATE)

    @property
    def _has_loop(self) -> bool:
        return self.options.loopback_input is not None

    def open(self, ask: Ask) -> None:
        """Find the device and start its stream, silent. Raises UserError if it cannot be had."""
        self.close()
        o = self.options
        outputs = (o.output, *(() if o.loopback_output is None else (o.loopback_output,)))
        spare = (o.loopback_input, o.sync_input)
        inputs = (o.input, *(channel for channel in spare if channel is not None))
        self._known, self._doubtful = Known(o.latency), None
        self._stream = Stream()
        try:
            devices = self._stream.devices()
            source = devices.choose(
                "input",
                o.device if o.input_device is None else o.input_device,
                max(inputs),
                o.host_api,
            )
            sink = devices.choose(
                "output",
                o.device if o.output_device is None else o.output_device,
                max(outputs),
                o.host_api,
            )
            self._stream.open(source, inputs, sink, outputs, o.block)
        except BaseException:
            self.close()
            raise

    def prepare(self) -> None:
        """Let a noise rise from -40 dB, watched, and learn the latency from the clicks after it.

        Raises UserError if what comes back clips or does not die away, or if the loop-back
        carries nothing.
        """
        ramp = Ramp(self.options.ramp, self._gain, self._longest)
        out = self._columns(ramp.out, ramp.clicks)
        heard = self._running.exchange(out, watch=lambda t: ramp.watch(t.heard[:, 0])).heard
        ramp.check(heard[:, 0])
        loop = ramp.latency(heard[:, 1]) if self._has_loop else None
        if self._has_loop and loop is None:
            raise UserError(
                f"Nothing of output {self.options.loopback_output} comes back at input "
                f"{self.options.loopback_input}; check the loop-back's cable and gain, or take "
                "both loopback_… out of the rig's TOML."
            )
        self._known.learn(ramp.latency(heard[:, 0]), loop)

    def play(self, dry: Audio, motion: Motion, progress: Progress) -> Recording:
        """Play ``dry``, shape (frames,), amplified by send_db, between two trains of clicks.

        Flags: "dropout", damage that can be heard in the take; "xrun", the driver or the clock
        tells of some, and nothing shows that this take was spared; "latency jump" and "no latency",
        where the clicks cannot be heard well enough. Raises UserError if it would clip, and
        DeviceLost.
        """
        self._check(dry, self._gain)
        known = self._known.latency
        wait = self._longest if known is None else min(self._longest, round(known) + SLACK)
        layout = Layout(len(dry), wait)
        sent = layout.sent(dry, self._gain)
        pilot = layout.pilot() if self._has_loop else None
        examination = Examination(layout, sent, pilot, self._known)

        def watch(taken: Exchanged) -> None:
            progress(min(max(0, len(taken.heard) - layout.dry_at), len(dry)) / SAMPLE_RATE)
            examination.hear(taken)

        taken = self._running.exchange(
            self._columns(sent, pilot),
            started=lambda at: motion.begin(at + layout.dry_at / SAMPLE_RATE),
            watch=watch,
        )
        recording = self._judged(taken, layout, dry, examination)
        if self.options.sync_input is not None:
            start = layout.dry_at + round(recording.latency)
            found = sync.edges(taken.heard[layout.dry_at : layout.end_at + wait, -1])
            motion.pulses((found + layout.dry_at - start) / SAMPLE_RATE)
        return recording

    def exchange(self, out: Audio) -> Audio:
        """Play ``out``, shape (frames,), exactly; return as many frames as come back meanwhile.

        Unaligned: the answer comes late by the latency, and its end is not waited for. Nothing
        rises or is amplified: begin quietly. Raises UserError if ``out`` exceeds full scale, and
        DeviceLost.
        """
        self._check(out, 1.0)
        heard = self._running.exchange(self._columns(np.asarray(out, np.float32))).heard
        return np.ascontiguousarray(heard[:, 0])

    def measure_noise(self, seconds: float = 1.0) -> float:
        """What comes back while nothing is sent: RMS in dBFS; -inf if digitally silent."""
        return rms_dbfs(self.exchange(np.zeros(max(1, round(seconds * SAMPLE_RATE)), np.float32)))

    def close(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()

    @property
    def _running(self) -> Stream:
        if self._stream is None:
            raise UserError("The audio interface is not open; open its rig first.")
        return self._stream

    def _columns(self, device: Audio, loop: Audio | None = None) -> NDArray[np.float32]:
        """What each output is sent, shape (frames, outputs)."""
        if not self._has_loop:
            return device[:, None]
        return np.stack([device, np.zeros_like(device) if loop is None else loop], axis=1)

    def _check(self, signal: Audio, gain: float) -> None:
        if not np.isfinite(signal).all():
            raise UserError("The signal holds NaN or infinity; make it again.")
        peak = peak_dbfs(signal) + 20 * float(np.log10(gain))
        if peak > 1e-4:
            raise UserError(
                f"The signal would peak at {peak:+.1f} dBFS, and the converter clips at 0; lower "
                f"send_db (it is {self.options.send_db:g})."
            )

    def _judged(
        self, taken: Exchanged, layout: Layout, dry: Audio, examination: Examination
    ) -> Recording:
        heard = taken.heard[:, 0]
        latency, flags, damaged, proven = examination.end(taken)
        wet = layout.wet(heard, latency)
        if not examination.finite:
            return Recording(wet)  # the session sees by itself what is wrong
        if damaged:
            self._doubtful = None
            return Recording(wet, latency, (*flags, "dropout"))
        late = dropouts.late(taken.marks)
        # What the driver flags before the first callback of a take was before the take.
        suspect = late or any(mark.flagged for mark in taken.marks[1:])
        if not suspect or (proven and not late):
            self._doubtful = None
            return Recording(wet, latency, flags)
        before, self._doubtful = self._doubtful, None
        if before and np.array_equal(before[0], dry) and dropouts.agree(before[1], wet):
            return Recording(wet, latency, flags)
        self._doubtful = (dry.copy(), wet)
        return Recording(wet, latency, (*flags, "xrun"))
