"""The amp and the model on top of each other: in time, in frequency."""

from __future__ import annotations

from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.ticker import NullLocator
from numpy.typing import NDArray
from scipy.signal import welch

from training.evaluate import Result
from training.report.svg import AMP, ERROR, MODEL, WIDE, axes, inline

EXCERPT_SECONDS = 0.02
LOUDNESS = 0.95
"""Share of a capture that is quieter than its excerpt: loud, but no lone click."""
LOWEST, HIGHEST = 30.0, 20_000.0
QUIETEST_DB = -180.0


def loud_excerpt(audio: NDArray[np.float32], sample_rate: int) -> slice:
    """Where a loud stretch of ``audio`` lies."""
    length = min(round(EXCERPT_SECONDS * sample_rate), len(audio))
    energy = np.concatenate([[0.0], np.cumsum(np.square(audio, dtype=np.float64))])
    starts = np.arange(0, len(audio) - length + 1, max(1, length // 2))
    ranked = starts[np.argsort(energy[starts + length] - energy[starts], kind="stable")]
    start = int(ranked[round(LOUDNESS * (len(ranked) - 1))])
    return slice(start, start + length)


def spectrum(audio: NDArray[Any], sample_rate: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Frequencies, and mean power density of twelfths of an octave in dB (Welch, 1967)."""
    length = min(8192, len(audio))
    frequencies, power = welch(audio.astype(np.float64), sample_rate, nperseg=length)
    highest = min(HIGHEST, sample_rate / 2)
    edges = np.geomspace(LOWEST, highest, round(12 * np.log2(highest / LOWEST)) + 1)
    centres = np.sqrt(edges[1:] * edges[:-1])
    band = np.searchsorted(edges, frequencies) - 1
    found = [power[band == index] for index in range(len(centres))]
    filled = np.array([bool(len(values)) for values in found])
    means = np.array([values.mean() for values in found if len(values)])
    return centres[filled], 10 * np.log10(np.maximum(means, 10 ** (QUIETEST_DB / 10)))


def waveform_plot(result: Result, sample_rate: int, name: str) -> Markup:
    place = loud_excerpt(result.capture.wet, sample_rate)
    target, output = result.capture.wet[place], result.output[place]
    times = np.arange(len(target)) / sample_rate * 1000
    figure, on = axes(WIDE)
    on.plot(times, target, color=AMP, linewidth=3.2, alpha=0.55, label="amp")
    on.plot(times, output, color=MODEL, linewidth=1.2, label="model")
    on.plot(times, output - target, color=ERROR, linewidth=0.8, alpha=0.9, label="difference")
    on.set_xlabel(f"time after {place.start / sample_rate:.2f} s (ms)")
    on.set_ylabel("output (1 = full scale)")
    on.margins(x=0)
    on.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    return inline(figure, f"wave-{name}", "Waveforms of amp and model, and their difference")


def spectrum_plot(result: Result, sample_rate: int, name: str) -> Markup:
    figure, on = axes(WIDE)
    target, output = result.capture.wet, result.output
    highest = QUIETEST_DB
    drawn: list[tuple[NDArray[np.float32], dict[str, Any]]] = [
        (target, {"color": AMP, "linewidth": 3.2, "alpha": 0.55, "label": "amp"}),
        (output, {"color": MODEL, "linewidth": 1.2, "label": "model"}),
        (output - target, {"color": ERROR, "linewidth": 0.9, "label": "difference"}),
    ]
    for audio, style in drawn:
        frequencies, power = spectrum(audio, sample_rate)
        on.plot(frequencies, power, **style)
        highest = max(highest, float(np.max(power, initial=QUIETEST_DB)))
    on.set_xscale("log")
    on.set_xlim(LOWEST, HIGHEST)
    ticks = {50: "50", 200: "200", 1000: "1k", 5000: "5k", 20000: "20k"}
    on.set_xticks(list(ticks), list(ticks.values()))
    on.xaxis.set_minor_locator(NullLocator())
    on.set_ylim(highest - 90, highest + 5)
    on.set_xlabel("frequency (Hz)")
    on.set_ylabel("power density (dB)")
    on.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    return inline(figure, f"spectrum-{name}", "Spectra of amp and model, and of their difference")
