"""Plucked strings, as an electric guitar's pickup hears them.

The string is the extended Karplus-Strong loop (Jaffe & Smith, Computer Music Journal 7(2), 1983):
a delay of one period, fed back through losses that grow with frequency, with the combs of where
it is picked and where the pickup sits. It is solved as a transfer function by FFT, not sample by
sample: so any pitch, loss and stiffness is exact, and a low note costs what a high one does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from rigs.audio import SAMPLE_RATE

Samples = NDArray[np.float64]

_TOP = 16_000.0
_SPILL = 2048


@dataclass(frozen=True)
class Guitar:
    """What differs between guitars, picks and hands.

    ``pick`` and ``pickup`` are places along the string, as fractions of it from the bridge;
    ``edge`` is where a hard stroke's treble starts to fall, ``resonance`` the pickup's, both in
    Hz, with ``q``; ``sustain`` is the low partials' time to fall by 60 dB, in seconds; partials
    are sharp by the ``stiffness`` of f_k = k f_0 sqrt(1 + stiffness k²).
    """

    pick: float
    pickup: float
    edge: float
    resonance: float
    q: float
    sustain: float
    stiffness: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Guitar:
        return cls(
            pick=rng.uniform(0.06, 0.28),
            pickup=rng.uniform(0.06, 0.26),
            edge=rng.uniform(1500, 5000),
            resonance=rng.uniform(2800, 4400),
            q=rng.uniform(0.8, 2.0),
            sustain=rng.uniform(2.5, 7.0),
            stiffness=10 ** rng.uniform(-4.7, -3.9),
        )


@dataclass(frozen=True)
class Note:
    """One stroke: ``start`` and ``seconds`` from the phrase's start, ``pitch`` in semitones as
    MIDI counts them, ``velocity`` and ``mute`` (the palm on the bridge) 0…1.

    After ``glide_at`` seconds the pitch moves by ``glide`` semitones within ``glide_seconds``: a
    hammer-on, slide or bend by how long that takes. ``vibrato`` is its depth in semitones.
    """

    start: float
    seconds: float
    pitch: float
    velocity: float = 0.7
    mute: float = 0.0
    glide: float = 0.0
    glide_at: float = 0.0
    glide_seconds: float = 0.1
    vibrato: float = 0.0


def pluck(note: Note, guitar: Guitar, tuning: float, rng: np.random.Generator) -> Samples:
    """The sound of ``note``, shape (round(note.seconds * 48000),), with A4 at ``tuning`` Hz."""
    frames = round(note.seconds * SAMPLE_RATE)
    hertz = tuning * 2 ** ((note.pitch - 69) / 12)
    if note.glide or note.vibrato:
        played = _played_at(note, frames)
        string = _string(note, hertz, int(played[-1]) + 4, guitar, rng)
        y = _interpolate(string, played)
    else:
        y = _string(note, hertz, frames, guitar, rng)
    # The finger lifts: the string stops within hundredths of a second, without a click.
    release = min(frames, round(rng.uniform(0.012, 0.04) * SAMPLE_RATE))
    y[frames - release :] *= np.cos(np.linspace(0, np.pi / 2, release)) ** 2
    return y


def _string(
    note: Note, hertz: float, frames: int, guitar: Guitar, rng: np.random.Generator
) -> Samples:
    length = int(fft.next_fast_len(frames + _SPILL, real=True))
    # On a circle inside |z| = 1, sound that rings past the end comes back 60 dB lower.
    shrink = 3 * np.log(10) / length
    bins = min(length // 2, round(_TOP / SAMPLE_RATE * length))
    f = np.arange(bins) * (SAMPLE_RATE / length)
    s = shrink + 2j * np.pi * f / SAMPLE_RATE  # z = exp(s)
    period = SAMPLE_RATE / hertz

    # Stiffness: the number of periods a partial at f has turned through after one loop.
    b = guitar.stiffness * (hertz / 110)
    partials = np.sqrt((np.sqrt(1 + 4 * b * (f / hertz) ** 2) - 1) / (2 * b))
    sustain = guitar.sustain * (110 / hertz) ** 0.3
    loss = np.log(1000) / sustain * (1 + (f / 700) ** 1.4)
    loss += note.mute * (18 + 0.06 * f)
    loop = np.exp(-loss / hertz - shrink * period - 2j * np.pi * partials)

    # A softer stroke is duller, as is one under the palm.
    edge = guitar.edge * (0.25 + 0.75 * note.velocity) * (1 - 0.5 * note.mute)
    scrape = np.zeros(256)
    scrape[:192] = rng.standard_normal(192) * np.exp(-np.arange(192) / 48) * 0.06
    stroke = (1 + np.interp(f, np.linspace(0, 24000, 129), np.abs(np.fft.rfft(scrape)))) / (
        (0.4 * hertz + 1j * f) * (1 + 1j * f / edge) ** 1.5
    )
    if note.glide and note.glide_seconds < 0.02:  # the hammering finger strikes, too
        stroke *= 1 + 0.3 * np.exp(-s * SAMPLE_RATE * note.glide_at)
    combs = (1 - np.exp(-s * guitar.pick * period)) * (1 - np.exp(-s * guitar.pickup * period))
    coil = 1 / (1 + 1j * f / (guitar.q * guitar.resonance) - (f / guitar.resonance) ** 2)
    taper = np.cos(np.pi / 2 * np.clip((f / _TOP - 0.6) / 0.4, 0, 1)) ** 2

    spectrum = hertz * stroke * combs * coil * taper / (1 - loop)
    spectrum[0] = 0
    damped = fft.irfft(spectrum, length)[:frames]
    heard: Samples = damped * np.exp(shrink * np.arange(frames)) * (0.1 + 0.9 * note.velocity**1.5)
    return heard


def _played_at(note: Note, frames: int) -> Samples:
    """When, in samples of the string at its first pitch, each sample is played."""
    t = np.arange(frames) / SAMPLE_RATE
    moved = np.clip((t - note.glide_at) / note.glide_seconds, 0, 1)
    semitones = note.glide * moved**2 * (3 - 2 * moved)
    grown = np.clip((t - note.glide_at) / 0.3, 0, 1)
    semitones += note.vibrato * grown * np.sin(2 * np.pi * 5.5 * (t - note.glide_at))
    return np.concatenate([[0.0], np.cumsum(2 ** (semitones / 12))[:-1]])


def _interpolate(x: Samples, at: Samples) -> Samples:
    """``x`` at fractional samples, by Catmull & Rom's cubic."""
    i = np.clip(at.astype(int), 1, len(x) - 3)
    u = at - i
    a, b, c, d = x[i - 1], x[i], x[i + 1], x[i + 2]
    bent: Samples = b + u / 2 * (
        c - a + u * (2 * a - 5 * b + 4 * c - d + u * (3 * (b - c) + d - a))
    )
    return bent
