"""The picture of an impulse response: its spectrum, its beginning and its decay, as SVG."""

from __future__ import annotations

import math

import numpy as np

from rigs.audio import SAMPLE_RATE
from rigs.impulse.measure import ImpulseResponse
from rigs.impulse.shaping import BEFORE, smoothed_power
from rigs.impulse.sweep import HIGH, LOW
from rigs.svg import Axis, Numbers, Panel, document, text

WIDTH, HEIGHT = 960, 720
NOISE = "#999"


def draw(found: ImpulseResponse, title: str) -> str:
    """The SVG of ``found``, headed by ``title``."""
    parts = [
        text(64, 34, title, "title"),
        text(64, 56, facts(found)),
        *_spectrum(found),
        *_beginning(found),
        *_decay(found),
    ]
    return document(WIDTH, HEIGHT, parts)


def facts(found: ImpulseResponse) -> str:
    """What was measured, in one line."""
    ms = 1000 / SAMPLE_RATE
    noise = f"{found.snr_db:.0f} dB above the noise" if found.snr_db < 150 else "no noise"
    if found.end < found.length:
        noise += f", in which it is lost after {found.end * ms:.0f} ms"
    return (
        f"{len(found.response) * ms:.0f} ms; {noise}; "
        f"distortion {100 * found.distortion:.2g} %; delay {found.delay * ms:.2f} ms; "
        f"scaled by {found.gain_db:+.1f} dB"
    )


def _spectrum(found: ImpulseResponse) -> list[str]:
    f = np.asarray(np.geomspace(LOW, HIGH, 480), np.float64)
    heard = _db(smoothed_power(found.response, f, 1 / 24))
    noise = _db(smoothed_power(found.noise, f, 1 / 3))
    top = 10 * math.ceil((heard.max() + 1) / 10)
    decades = [d * k for d in (10, 100, 1000, 10_000) for k in range(1, 10)]
    panel = Panel(
        "Magnitude, dB over Hz",
        64,
        96,
        WIDTH - 96,
        250,
        Axis(LOW, HIGH, [f for f in decades if LOW <= f <= HIGH], _hertz, log=True),
        Axis(top - 70, top, range(top - 70, top + 1, 10)),
    )
    return [*panel.frame(), panel.curve(f, noise, NOISE), panel.curve(f, heard)]


def _beginning(found: ImpulseResponse) -> list[str]:
    """The first ten milliseconds from the onset on."""
    start = max(0, int(np.argmax(np.abs(found.response) > 0)) - BEFORE)
    piece = found.response[start : start + SAMPLE_RATE // 100]
    ms = 1000 * (start + np.arange(len(piece))) / SAMPLE_RATE
    low = math.floor(ms[0])
    reach = _round_up(float(np.abs(found.response).max()))
    panel = Panel(
        "The first 10 ms",
        64,
        408,
        400,
        250,
        Axis(low, low + 10, range(low, low + 11, 2)),
        Axis(-reach, reach, [-reach, -reach / 2, 0.0, reach / 2, reach]),
    )
    return [*panel.frame(), panel.curve(ms, piece)]


def _decay(found: ImpulseResponse) -> list[str]:
    """The level over time, in steps of a millisecond."""
    step = SAMPLE_RATE // 1000
    whole = len(found.response) // step
    level = _db(np.mean(found.response[: whole * step].reshape(whole, step) ** 2, axis=1))
    noise = float(_db(np.array(np.mean(found.noise**2))))
    top = 10 * math.ceil((level.max() + 1) / 10)
    panel = Panel(
        "Decay, dB over ms, and the noise",
        540,
        408,
        WIDTH - 572,
        250,
        Axis(0, whole, _ticks(whole)),
        Axis(top - 90, top, range(top - 90, top + 1, 10)),
    )
    ms = np.arange(whole, dtype=np.float64) + 0.5
    return [
        *panel.frame(),
        panel.curve(np.array([0.0, whole]), np.array([noise, noise]), NOISE),
        panel.curve(ms, level),
    ]


def _ticks(whole: int) -> list[float]:
    """Four to ten round numbers from 0 to ``whole``."""
    step = _round_up(whole / 8)
    return [step * k for k in range(int(whole / step) + 1)]


def _round_up(value: float) -> float:
    """The next of 1, 2, 5, 10, 20 … that is not less than ``value``."""
    power = 10.0 ** math.floor(math.log10(max(value, 1e-9)))
    return next(power * m for m in (1.0, 2.0, 5.0, 10.0) if power * m >= value * (1 - 1e-9))


def _hertz(f: float) -> str:
    """Only round ones are written."""
    if float(f"{f:.0e}") / 10 ** math.floor(math.log10(f)) not in (1.0, 2.0, 5.0):
        return ""
    return f"{f / 1000:g}k" if f >= 1000 else f"{f:g}"


def _db(power: Numbers) -> Numbers:
    return np.asarray(10 * np.log10(np.maximum(power, 1e-20)))
