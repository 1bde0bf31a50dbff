"""What the tests of the virtual amp play through it, and how they judge what comes out."""

import numpy as np
from scipy.linalg import solve_toeplitz
from scipy.signal import lfilter

RATE = 48_000
KNOB_NAMES = ("Gain", "Bass", "Middle", "Treble", "Presence", "Master")

# (start s, strings Hz, peak dBFS, ring s)
_NOTES = (
    (0.0, (82.4,), -1, 0.9),
    (0.5, (80.0, 123.5, 164.8), -6, 1.0),
    (1.1, (220.0,), -20, 0.8),
    (1.5, (329.6,), -12, 0.6),
    (1.8, (98.0, 146.8, 196.0, 246.9, 293.7, 392.0), -3, 1.4),
    (2.6, (587.3,), -9, 0.7),
    (3.0, (110.0, 164.8, 220.0), -30, 0.9),
    (3.5, (82.4, 123.5), -4, 0.15),
    (3.7, (82.4, 123.5), -8, 0.15),
    (3.9, (146.8, 220.0, 293.7, 370.0), -16, 1.2),
    (4.6, (659.3,), -40, 0.6),
    (5.0, (130.8, 196.0), -2, 1.0),
)


def settings(**knobs):
    """Panel positions, shape (6,), at noon but for the knobs named."""
    return np.array([float(knobs.get(name, 5)) for name in KNOB_NAMES])


def plucked_strings(seconds=6.0):
    """A seeded guitar-like signal, shape (frames,): Karplus-Strong strings, -40…-1 dBFS."""
    rng = np.random.default_rng(20)
    dry = np.zeros(int(seconds * RATE))
    for start, strings, peak, ring in _NOTES:
        chord = sum(_string(rng, pitch, ring) for pitch in strings)
        chord *= 10 ** (peak / 20) / np.abs(chord).max()
        first = int(start * RATE)
        chord = chord[: len(dry) - first]
        dry[first : first + len(chord)] += chord
    return dry * (10 ** (-1 / 20) / np.abs(dry).max())


def _string(rng, pitch, ring):
    frames = int(1.3 * ring * RATE)
    period = round(RATE / pitch - 0.5)
    pluck = np.zeros(frames)
    pluck[:period] = lfilter([0.01], np.poly([0.9, 0.9]), rng.uniform(-1, 1, period))
    keep = 10 ** (-3 / (ring * pitch))
    loop = np.zeros(period + 2)
    loop[0], loop[period], loop[period + 1] = 1, -keep / 2, -keep / 2
    wave = lfilter([1, -1], [1, -0.995], lfilter([1.0], loop, pluck))  # no offset
    return wave * np.minimum(1, np.arange(frames, 0, -1) / 480)


def esr(reference, estimate):
    """Error-to-signal ratio: sum((y - y_hat)²) / sum(y²)."""
    return np.sum((reference - estimate) ** 2) / np.sum(reference**2)


def linear_residual(dry, wet, taps=512):
    """ESR that the best linear filter of ``taps`` taps leaves (normal equations)."""
    size = 2 * len(dry)
    spectrum = np.fft.rfft(dry, size)
    own = np.fft.irfft(np.abs(spectrum) ** 2)[:taps]
    cross = np.fft.irfft(np.conj(spectrum) * np.fft.rfft(wet, size))[:taps]
    own[0] *= 1 + 1e-9
    filtered = np.fft.irfft(np.fft.rfft(solve_toeplitz(own, cross), size) * spectrum)
    return esr(wet, filtered[: len(wet)])


def decibels(amplitude):
    return 20 * np.log10(np.maximum(amplitude, 1e-15))
