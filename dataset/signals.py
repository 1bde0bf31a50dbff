"""The dry: what is sent into a device while its knobs are captured.

It is made by code, so that anyone may use it, and any seed makes another; or it is a user's own
file. Train, validation and test never share material.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy import ndimage

from dataset.strings import Guitar, Note, Samples, pluck
from rigs import clicks
from rigs.audio import SAMPLE_RATE, Audio, quantise24, read_wav, to_int24
from rigs.errors import UserError

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Dry:
    """A dry signal. ``audio``, shape (frames,), holds whole 24-bit steps; ``kind`` is "made" or
    "file"; ``licence`` is an SPDX identifier or the caller's words."""

    name: str
    kind: str
    licence: str
    audio: Audio

    @property
    def frames(self) -> int:
        return len(self.audio)

    @cached_property
    def dry_id(self) -> str:
        """SHA-256, in hex, of the samples as little-endian int32: what a converter is given."""
        return hashlib.sha256(to_int24(self.audio).astype("<i4").tobytes()).hexdigest()

    @property
    def has_clicks(self) -> bool:
        """Whether it begins with :func:`rigs.clicks.click_train`: its latency can be measured."""
        return np.array_equal(self.audio[: clicks.FRAMES], clicks.click_train())


# --- made by code ---------------------------------------------------------------------------


def make(part: str, seconds: float, seed: int) -> Dry:
    """A dry of exactly round(seconds * 48000) frames that peaks at -1 dBFS.

    It begins with alignment clicks. Train goes on with log sweeps and noise at several levels,
    and every part is for the most playing. Parts draw from their own random streams, keys, tempi
    and tuning. Raises UserError if ``part`` is unknown, or ``seconds`` is below 1 or above 1800.
    """
    if part not in PARTS:
        raise UserError(f"There is no part {part!r}; the parts are {', '.join(PARTS)}.")
    if not 1 <= seconds <= 1800:
        raise UserError(f"A dry cannot last {seconds:g} seconds; ask for 1 to 1800.")
    if seed < 0:
        raise UserError(f"The seed {seed} is below 0; give 0 or more.")
    index = PARTS.index(part)
    rng = np.random.default_rng([seed, index])
    pieces: list[Samples] = [clicks.click_train().astype(np.float64)]
    if part == "train":
        length = min(12.0, 0.08 * seconds) / 3
        pieces += [log_sweep(length, level) for level in (-1, -13, -25)]
        length = min(6.0, 0.04 * seconds) / 3
        pieces += [noise(length, level, rng) for level in (-3, -15, -27)]
    left = round(seconds * SAMPLE_RATE) - sum(map(len, pieces))
    pieces.append(playing(left / SAMPLE_RATE, rng, index=index, of=len(PARTS)))
    audio = quantise24(np.concatenate(pieces))
    return Dry(f"made-{part}-{seconds:g}s-seed{seed}", "made", "CC0-1.0", audio)


def log_sweep(seconds: float, level: float) -> Samples:
    """A sine from 20 Hz to 20 kHz, peaking at ``level`` dBFS, that spends as long in each octave.

    Farina, "Simultaneous measurement of impulse response and distortion with a swept-sine
    technique", AES 108th Convention, 2000.
    """
    t = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    ratio = np.log(20_000 / 20)
    sine = np.sin(2 * np.pi * 20 * seconds / ratio * np.expm1(t / seconds * ratio))
    return _faded(10 ** (level / 20) * sine)


def noise(seconds: float, level: float, rng: np.random.Generator) -> Samples:
    """Pink noise from 30 Hz up that peaks at ``level`` dBFS."""
    frames = round(seconds * SAMPLE_RATE)
    spectrum = np.fft.rfft(rng.standard_normal(frames))
    f = np.fft.rfftfreq(frames, 1 / SAMPLE_RATE)
    pink = np.fft.irfft(spectrum / np.sqrt(np.maximum(f, 30)) * (f > 0), frames)
    return _scaled(_faded(pink), level)


def playing(seconds: float, rng: np.random.Generator, *, index: int = 0, of: int = 1) -> Samples:
    """Plucked strings, shape (round(seconds * 48000),): phrases in many styles and dynamics.

    ``index`` of ``of`` picks one share of the keys, tempi and tunings: signals of two shares have
    no phrase in common. A phrase lasts a sixth of the whole, at most 2.5 s, so that a few seconds
    already hold a loud strum, a quiet lead and a palm mute.
    """
    frames = round(seconds * SAMPLE_RATE)
    usual = float(np.clip(seconds / 6, 0.5, 2.5))
    roots = [key for key in range(12) if key % of == index]
    # Parts are tuned a third of a semitone apart: even one long note differs between them.
    tuning = 440 * 2 ** ((index - (of - 1) / 2) / of / 12)
    deck = _phrases(rng)
    phrases: list[Samples] = []
    left = frames
    while left > 0:
        length = min(left, round(usual * rng.uniform(0.8, 1.2) * SAMPLE_RATE))
        if left - length < 0.4 * SAMPLE_RATE:
            length = left
        style, level = next(deck)
        score = Score(
            seconds=length / SAMPLE_RATE,
            beat=60 / (of * rng.integers(70 // of, 180 // of) + index),
            root=int(rng.choice(roots)),
            rng=rng,
        )
        phrases.append(_scaled(_rendered(style(score), length, tuning, rng), level))
        left -= length
    return np.concatenate(phrases) if phrases else np.zeros(0)


@dataclass(frozen=True)
class Score:
    """What a style fills with notes: so many seconds, in this tempo and key."""

    seconds: float
    beat: float
    root: int  # semitones above E
    rng: np.random.Generator

    def steps(self, beats: float, rests: float = 0.1) -> Iterator[float]:
        """When strokes ``beats`` apart fall, played by a person; the first is never a rest."""
        for i in range(int(np.ceil(self.seconds / (beats * self.beat)))):
            if i == 0 or self.rng.random() > rests:
                yield max(0.0, i * beats * self.beat + (i > 0) * self.rng.normal(0, 0.004))

    def velocity(self, low: float = 0.35) -> float:
        return float(self.rng.uniform(low, 1.0))


Style = Callable[[Score], Iterator[Note]]

_MINOR = (0, 2, 3, 5, 7, 8, 10)
_MAJOR = (0, 2, 4, 5, 7, 9, 11)
_CHORDS = (
    (0, 7, 12, 16, 19, 24),  # barre, major
    (0, 7, 12, 15, 19, 24),  # barre, minor
    (0, 7, 10, 16, 19, 24),  # seventh
    (0, 10, 15, 19),  # minor seventh
    (0, 7, 14, 19),  # second
)
_LOW_E, _LOW_B, _BASS_B = 40, 35, 23


def _strum(score: Score) -> Iterator[Note]:
    rng = score.rng
    chord = _CHORDS[rng.integers(len(_CHORDS))]
    beats = rng.choice([0.5, 1.0, 2.0])
    for i, start in enumerate(score.steps(beats)):
        down = i % 2 == 0 or beats > 0.5
        strings = chord if down else chord[:1:-1]
        velocity = score.velocity(0.6 if down else 0.3)
        spread = rng.uniform(0.004, 0.022)
        shift = score.root + int(rng.choice([0, 0, 0, 5, 7, 3]))
        for j, interval in enumerate(strings):
            yield Note(
                start + j * spread,
                beats * score.beat * rng.uniform(0.9, 1.1),
                _LOW_E + shift + interval,
                velocity * rng.uniform(0.7, 1.0),
            )


def _power(score: Score) -> Iterator[Note]:
    rng = score.rng
    low = (_LOW_E, _LOW_B)[rng.integers(2)]
    beats = rng.choice([0.25, 0.5])
    for start in score.steps(beats):
        accent = start == 0 or rng.random() < 0.35
        pitch = low + score.root % 7 + (int(rng.choice([0, 1, 3, 5])) if accent else 0)
        for j, interval in enumerate((0, 7, 12) if accent else (0, 7)):
            yield Note(
                start + j * 0.003,
                beats * score.beat * (1.8 if accent else 0.95),
                pitch + interval,
                score.velocity(0.8 if accent else 0.5),
                mute=0.0 if accent else rng.uniform(0.5, 1.0),
            )


def _mute(score: Score) -> Iterator[Note]:
    rng = score.rng
    low = (_LOW_E, _LOW_B)[rng.integers(2)] + score.root % 5
    for start in score.steps(0.25, rests=0.2):
        step = int(rng.choice([0, 0, 0, 0, 1, 3, 5]))
        yield Note(start, 0.24 * score.beat, low + step, score.velocity(0.5), rng.uniform(0.4, 1.0))


def _lead(score: Score) -> Iterator[Note]:
    rng = score.rng
    scale = (_MINOR, _MAJOR)[rng.integers(2)]
    degree = int(rng.integers(0, 14))
    beats = rng.choice([0.5, 1.0])
    for start in score.steps(beats):
        degree = int(np.clip(degree + rng.integers(-3, 4), 0, 20))
        pitch = 52 + score.root + 12 * (degree // 7) + scale[degree % 7]
        note = Note(start, beats * score.beat * rng.uniform(0.8, 1.6), pitch, score.velocity(0.3))
        yield _ornamented(note, rng)


def _ornamented(note: Note, rng: np.random.Generator) -> Note:
    """The note plain, bent, slid, hammered on (or pulled off), or with vibrato."""
    interval = float(rng.choice([1, 2]))
    at = note.seconds * rng.uniform(0.15, 0.5)
    ways: list[dict[str, float]] = [
        {},
        {"glide": interval, "glide_at": at, "glide_seconds": rng.uniform(0.08, 0.25)},
        {"glide": rng.choice([-5, -3, -2, 2, 3, 5]), "glide_at": at, "glide_seconds": 0.05},
        {"glide": rng.choice([-1, 1]) * interval, "glide_at": at, "glide_seconds": 0.004},
        {"vibrato": rng.uniform(0.15, 0.5), "glide_at": 0.4 * at},
    ]
    way = ways[rng.integers(len(ways))]
    return Note(note.start, note.seconds, note.pitch, note.velocity, **way)


def _arpeggio(score: Score) -> Iterator[Note]:
    rng = score.rng
    chord = _CHORDS[rng.integers(len(_CHORDS))]
    for start in score.steps(0.5):
        interval = chord[rng.integers(len(chord))]
        ringing = min(3.0, score.seconds - start)
        yield Note(start, ringing, _LOW_E + score.root + interval, score.velocity(0.3))


def _bass(score: Score) -> Iterator[Note]:
    rng = score.rng
    for start in score.steps(rng.choice([0.5, 1.0])):
        pitch = _BASS_B + score.root % 6 + int(rng.choice([0, 0, 5, 7]))
        yield Note(start, score.beat * rng.uniform(0.4, 1.0), pitch, score.velocity(0.5))


_STYLES: tuple[Style, ...] = (_strum, _power, _mute, _lead, _arpeggio, _bass, _power, _lead)
_LEVELS = (-1.0, -2.0, -3.0, -5.0, -7.0, -10.0, -16.0, -26.0)
_OPENING: tuple[tuple[Style, float], ...] = ((_strum, -1.0), (_lead, -28.0), (_mute, -5.0))


def _phrases(rng: np.random.Generator) -> Iterator[tuple[Style, float]]:
    """Styles with their levels, dealt without end: first the opposites, then all of them."""
    for i in rng.permutation(len(_OPENING)):
        yield _OPENING[i]
    while True:
        for style, level in zip(
            rng.permutation(len(_STYLES)), rng.permutation(_LEVELS), strict=True
        ):
            yield _STYLES[style], float(level)


def _rendered(
    notes: Iterator[Note], frames: int, tuning: float, rng: np.random.Generator
) -> Samples:
    guitar = Guitar.draw(rng)
    phrase = np.zeros(frames)
    for note in notes:
        first = round(note.start * SAMPLE_RATE)
        if first < frames - 480:
            sound = pluck(note, guitar, tuning, rng)[: frames - first]
            phrase[first : first + len(sound)] += sound
    return _faded(phrase, into=0.0, out=0.03)


def _faded(x: Samples, into: float = 0.005, out: float = 0.005) -> Samples:
    """``x`` with raised-cosine ends of so many seconds, or a quarter of it if that is less."""
    y = x.copy()
    for seconds, ends in ((into, y), (out, y[::-1])):
        n = min(round(seconds * SAMPLE_RATE), len(y) // 4)
        ends[:n] *= np.sin(np.pi / 2 * np.arange(n) / max(n, 1)) ** 2
    return y


def _scaled(x: Samples, level: float) -> Samples:
    peak = float(np.max(np.abs(x), initial=0.0))
    return x * (10 ** (level / 20) / peak) if peak > 0 else x


# --- a user's own file ----------------------------------------------------------------------


def load(
    path: str | Path,
    licence: str = "unknown",
    *,
    name: str | None = None,
    clicks_first: bool = True,
) -> Dry:
    """A user's file as a dry, quantised to 24 bits once, with alignment clicks put before it.

    Raises UserError as :func:`rigs.audio.read_wav` does, and if a converter would clip the file.
    """
    return _dry(_read(path), name or Path(path).stem, licence, clicks_first)


def split_file(
    path: str | Path,
    licence: str = "unknown",
    *,
    seconds_validation: float | None = None,
    seconds_test: float | None = None,
    name: str | None = None,
    clicks_first: bool = True,
) -> dict[str, Dry]:
    """One file as three dries that share no sample: train, then validation, then test at its end.

    Validation and test get a tenth each unless told. Each cut is made at the quietest 50 ms within
    a second of where it is due (or a quarter of the shorter of the two, if that is less). Raises
    UserError as :func:`load` does, and if less than half of the file is left to train on.
    """
    audio = _read(path)
    tenth = len(audio) / 10 / SAMPLE_RATE
    wanted = [tenth if s is None else s for s in (seconds_validation, seconds_test)]
    validation, test = (round(s * SAMPLE_RATE) for s in wanted)
    if validation <= 0 or test <= 0 or validation + test > len(audio) / 2:
        raise UserError(
            f"{path} lasts {len(audio) / SAMPLE_RATE:.1f} s and cannot give {wanted[0]:g} s to "
            f"validation and {wanted[1]:g} s to test; each needs some, and training half of it all."
        )
    reach = min(SAMPLE_RATE, validation // 4, test // 4)
    first = _quietest(audio, len(audio) - test - validation, reach)
    second = _quietest(audio, len(audio) - test, reach)
    pieces = np.split(audio, [first, second])
    stem = name or Path(path).stem
    return {
        part: _dry(piece, f"{stem}-{part}", licence, clicks_first)
        for part, piece in zip(PARTS, pieces, strict=True)
    }


def _read(path: str | Path) -> Audio:
    audio, _ = read_wav(path)
    peak = float(np.max(np.abs(audio)))
    # A quarter of a dB: what resampling adds to a file that already peaks at full scale.
    if peak > 10 ** (0.25 / 20):
        raise UserError(
            f"{path} peaks at {20 * np.log10(peak):+.1f} dBFS, which a converter would clip; "
            "turn it down below 0."
        )
    return quantise24(audio)


def _dry(audio: Audio, name: str, licence: str, clicks_first: bool) -> Dry:
    if clicks_first and not np.array_equal(audio[: clicks.FRAMES], clicks.click_train()):
        audio = np.concatenate([clicks.click_train(), audio])
    return Dry(name, "file", licence, audio)


def _quietest(audio: Audio, around: int, reach: int) -> int:
    width = SAMPLE_RATE // 20
    near = slice(max(0, around - reach), around + reach)
    power = ndimage.uniform_filter1d(np.square(audio[near], dtype=np.float64), width)
    return int(near.start + np.argmin(power))
