"""Measuring an impulse response through a rig, and judging how far it can be trusted."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import fft

from rigs.audio import LONGEST_SECONDS, SAMPLE_RATE, peak_dbfs, rms_dbfs
from rigs.errors import UserError
from rigs.impulse.distortion import distortion
from rigs.impulse.shaping import (
    BEFORE,
    Normalise,
    Samples,
    find_end,
    find_onset,
    last_level,
    minimum_phase,
    scaled,
    windowed,
)
from rigs.impulse.sweep import Sweep
from rigs.knobs import Setting
from rigs.rig import Progress, Rig
from rigs.takes import clips, take

QUIET = SAMPLE_RATE
"""Samples of silence before the sweep: in its second half the noise is measured."""
LATE = SAMPLE_RATE // 4
"""Samples that the response may come later than the path's own latency."""
EARLY = SAMPLE_RATE // 100
"""Samples that it may come earlier: an alignment may be off by a few."""

OF_LATENCY = ("no latency", "latency jump")
"""What a path says of alignment clicks: the sweep finds by itself when it came."""

REFUSED_DB, POOR_DB = 10.0, 40.0
"""A response with less signal-to-noise ratio is refused, or remarked upon."""
DISTORTED = 0.03
CUT_DB = -40.0


@dataclass(frozen=True)
class Method:
    """How to measure, and what to make of it. Raises UserError for what does not go together."""

    seconds: float = 5.0
    """Of one sweep."""
    length: float = 0.2
    """Seconds of response to keep from its onset on."""
    repeats: int = 1
    """Sweeps to average: twice as many lower the noise by 3 dB."""
    level_dbfs: float = -12.0
    """The sweep's peak."""
    minimum_phase: bool = False
    keep_delay: bool = False
    normalise: Normalise = "peak"

    def __post_init__(self) -> None:
        # The second harmonic's response ends before the linear one begins only in a long sweep.
        shortest = self.length / self.sweep.lead(2) * SAMPLE_RATE * self.seconds
        if self.seconds < shortest:
            raise UserError(
                f"A response of {1000 * self.length:g} ms needs a sweep of at least "
                f"{math.ceil(10 * shortest) / 10:.1f} s, so that distortion stays apart from it; "
                "make --seconds longer."
            )
        if self.minimum_phase and self.keep_delay:
            raise UserError(
                "A minimum-phase response has no delay to keep; leave out --minimum-phase or "
                "--keep-delay."
            )
        if self.frames > LONGEST_SECONDS * SAMPLE_RATE:
            raise UserError(
                f"{self.repeats} sweeps of {self.seconds:g} s take longer than "
                f"{LONGEST_SECONDS // 60} minutes; make --repeats or --seconds smaller."
            )

    @property
    def sweep(self) -> Sweep:
        return Sweep(self.seconds, self.level_dbfs)

    @property
    def period(self) -> int:
        """Samples from one sweep's beginning to the next one's."""
        return self.sweep.frames + round(self.length * SAMPLE_RATE) + LATE

    @property
    def frames(self) -> int:
        return QUIET + self.repeats * self.period

    @property
    def dry(self) -> Samples:
        """Silence, then the sweeps, each with room for its echo: shape (frames,)."""
        one = np.pad(self.sweep.signal, (0, self.period - self.sweep.frames))
        return np.concatenate([np.zeros(QUIET), np.tile(one, self.repeats)])


@dataclass(frozen=True)
class ImpulseResponse:
    """A response as it is written, and what was found about it."""

    response: Samples
    """Shape (frames,), scaled by ``gain_db``."""
    noise: Samples
    """Noise as it would appear in the response if it were alone there; as long and as scaled."""
    gain_db: float
    delay: int
    """Samples from the sweep's going out to the response's onset."""
    end: int
    """Samples of the response, from its onset, that stand out of the noise; it fades out there."""
    last_db: float
    """How loud the response was at the end of what was asked for, re its loudest 20 ms."""
    snr_db: float
    """The response's energy over the noise's in it; infinite if there was none."""
    noise_dbfs: float
    peak_dbfs: float
    """Of what came back."""
    distortion: float
    """RMS of harmonics 2 to 5 over that of the fundamental, over the whole sweep."""
    length: int
    """Samples from the onset on that were asked for."""

    @property
    def remarks(self) -> Iterator[str]:
        """What a person should know before trusting it, a sentence each."""
        if self.distortion > DISTORTED:
            yield (
                f"This path distorts {100 * self.distortion:.1f} %: an impulse response catches "
                "only its linear part. Play the sweep softer, or model the path instead."
            )
        if self.snr_db < POOR_DB:
            yield (
                f"Noise is only {self.snr_db:.0f} dB below the response: play the sweep louder, "
                "average more repeats, or make the room quieter."
            )
        if self.end == self.length and self.last_db > CUT_DB:
            yield (
                f"After {1000 * self.length / SAMPLE_RATE:.0f} ms, where it is cut, the response "
                f"is only {-self.last_db:.0f} dB down; keep more of it with --length."
            )


def measure(
    rig: Rig, setting: Setting, method: Method, progress: Progress = lambda _: None
) -> ImpulseResponse:
    """Play the sweep through the open ``rig`` and make an impulse response of what comes back.

    Raises UserError if nothing comes back, if it is clipped, or if it is hardly more than noise.
    """
    recording = take(rig, method.dry, setting, progress, OF_LATENCY)
    wet = np.asarray(recording.wet, np.float64)
    if clips(rig, wet):
        raise UserError(
            f"The return of the rig {rig.name!r} is clipped; set its level with `ampsweep rigs "
            "level`, or play the sweep softer with --level."
        )
    return evaluate(wet, method, round(recording.latency))


def evaluate(wet: Samples, method: Method, latency: int = 0) -> ImpulseResponse:
    """The response in ``wet``, shape (method.frames,): what came back for ``method.dry``.

    ``latency`` samples were removed from it already. Raises UserError as :func:`measure`.
    """
    sweep, length = method.sweep, round(method.length * SAMPLE_RATE)
    size = fft.next_fast_len(method.period, real=True)
    quiet = wet[QUIET // 2 : QUIET]
    mean = wet[QUIET:].reshape(method.repeats, method.period).mean(axis=0)
    # DC is no response to the sweep, but its edges would look like one.
    whole = np.roll(sweep.deconvolve(mean - np.median(quiet), size), EARLY)
    heard = whole[: EARLY + LATE + length]
    if not heard.any():
        raise UserError("Nothing came back of the sweep; check the cables and the levels.")
    onset = find_onset(heard)
    if onset > EARLY + LATE:
        raise UserError(
            f"The response begins {1000 * (onset - EARLY) / SAMPLE_RATE:.0f} ms after the sweep, "
            "later than any path's alignment allows; check that the return carries this sweep."
        )

    noise = _noise(quiet, sweep, length, method.repeats)
    noise_power = float(np.mean(noise**2))
    asked = heard[onset : onset + length]
    end = onset + max(find_end(asked, noise_power), BEFORE)
    kept = windowed(heard[: onset + length], onset, end)
    kept = kept[max(0, onset - BEFORE) :]
    energy = max(float(np.sum(kept**2)) - noise_power * (end - onset), 1e-30)
    snr = _ratio_db(energy, noise_power * (end - onset))
    if snr < REFUSED_DB:
        raise UserError(
            f"The response stands {max(snr, 0):.0f} dB out of the noise, too little to be of use; "
            "play the sweep louder with --level, average more --repeats, or find what is noisy."
        )
    delay = latency + onset - EARLY
    if method.minimum_phase:
        kept = minimum_phase(kept)[:length]
        kept = windowed(kept, 0, min(end - onset, len(kept)))
    elif method.keep_delay:
        lead = delay - BEFORE
        kept = np.concatenate([np.zeros(lead), kept]) if lead > 0 else kept[-lead:]
    response, gain_db = scaled(kept, method.normalise)
    return ImpulseResponse(
        response=response,
        noise=noise * 10 ** (gain_db / 20),
        gain_db=gain_db,
        delay=delay,
        end=end - onset,
        last_db=last_level(asked),
        snr_db=snr,
        noise_dbfs=rms_dbfs(quiet - quiet.mean()),
        peak_dbfs=peak_dbfs(wet),
        distortion=distortion(np.roll(whole, -onset), sweep, length, noise),
        length=length,
    )


def _noise(quiet: Samples, sweep: Sweep, length: int, repeats: int) -> Samples:
    """What a stretch of noise becomes when the sweep is divided out: shape (length,).

    The inverse sweep spreads each frequency over the sweep's length, so that noise comes out as
    steady as it went in: a stretch of the middle stands for all of it.
    """
    quiet = (quiet - quiet.mean()) / math.sqrt(repeats)
    stretch = np.resize(quiet, sweep.frames + length)
    size = fft.next_fast_len(2 * sweep.frames + length, real=True)
    return sweep.deconvolve(stretch, size)[:length]


def _ratio_db(power: float, of: float) -> float:
    return 10 * math.log10(power / of) if of > 0 else math.inf
