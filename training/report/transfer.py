"""How hard the model clips: a low sine through it, at several positions of one knob."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from rigs.knobs import Knob
from training.checkpoint import Model
from training.evaluate.drive import drive_knob
from training.play import play
from training.report.svg import MUTED, STEPS, WIDE, axes, inline, shorten

CYCLES, TENTH = 11, 0.1
"""Eleven cycles in a tenth of a second: 110 Hz, the open A string."""
LEVELS_DBFS = np.arange(-61.0, 0.0, 4.0)
"""Peaks of the sine; the highest is that of the dry."""
QUIETEST_DB = -120.0
DRAWN = 200


@dataclass(frozen=True, eq=False)
class Response:
    """What comes out at one ``position`` of the knob.

    ``levels``: half the peak-to-peak output for each of LEVELS_DBFS, in dBFS. ``cycle``: input and
    output over one cycle at the highest level, shape (points, 2), with no delay between them.
    """

    position: str
    levels: NDArray[np.float64]
    cycle: NDArray[np.float64]


def responses(model: Model) -> list[Response]:
    """The model's answers at up to five positions of its drive knob, others at default."""
    knob = drive_knob(model)
    places = np.linspace(knob.minimum, knob.maximum, len(STEPS))
    if knob.detents:
        places = np.unique(np.round(places))
    return [_response(model, knob, float(place)) for place in places]


def _response(model: Model, knob: Knob, place: float) -> Response:
    tenth = round(TENTH * model.sample_rate)
    sine = np.sin(2 * np.pi * CYCLES * np.arange(tenth) / tenth)
    # Each level lasts until nothing before it is heard any more, and then a tenth of a second.
    repeats = -(-model.net.receptive_field // tenth) + 1
    peaks = 10 ** (LEVELS_DBFS / 20)
    dry = np.concatenate([np.tile(peak * sine, repeats) for peak in peaks]).astype(np.float32)
    setting = model.knobs.to_array({**model.knobs.default, knob.name: place})
    wet = play(model.net, dry, model.knobs.to_inputs(setting)).astype(np.float64)
    steady = wet.reshape(len(peaks), repeats, tenth)[:, -1]
    height = np.ptp(steady, axis=1) / 2
    name = knob.detents[int(place)] if knob.detents else f"{place:g}"
    return Response(
        position=name,
        levels=20 * np.log10(np.maximum(height, 10 ** (QUIETEST_DB / 20))),
        cycle=_cycle(peaks[-1] * sine, steady[-1]),
    )


def _cycle(sine: NDArray[Any], wet: NDArray[Any]) -> NDArray[np.float64]:
    """Output against input, with the fundamental's delay, or its advance, undone."""
    spectrum = np.fft.rfft(wet)
    angle = float(np.angle(spectrum[CYCLES] / np.fft.rfft(sine)[CYCLES]))
    if abs(angle) > np.pi / 2:  # nearer to an amp that inverts than to such a delay
        angle -= np.copysign(np.pi, angle)
    turns = np.arange(len(spectrum)) / CYCLES
    aligned = np.fft.irfft(spectrum * np.exp(-1j * angle * turns), len(wet))
    phase = np.arange(len(wet)) * CYCLES % len(wet)
    order = np.argsort(phase, kind="stable")[:: max(1, len(wet) // DRAWN)]
    closed = np.append(order, order[0])
    return np.stack([sine[closed], aligned[closed]], axis=1)


def level_plot(found: list[Response], knob: Knob) -> Markup:
    figure, on = axes(WIDE)
    ends = [float(response.levels[0]) for response in found]
    levels = np.concatenate([response.levels for response in found])
    low, high = float(levels.min()), float(levels.max())
    gap = max(high - low, 1.0) / 14
    heights = _apart(ends, gap)
    for response, colour, height in zip(found, STEPS, heights, strict=False):
        on.plot(LEVELS_DBFS, response.levels, color=colour, linewidth=1.8)
        text = shorten(response.position, 8)
        on.text(LEVELS_DBFS[0] - 1.2, height, text, color=colour, ha="right", va="center")
    on.set_xlim(LEVELS_DBFS[0] - 9, 1)
    on.set_ylim(min(low, *heights) - gap, max(high, *heights) + gap)
    on.set_xticks(range(-60, 1, 12))
    on.set_xlabel("input peak (dBFS)")
    on.set_ylabel("output peak (dBFS)")
    return inline(figure, "levels", f"Output level against input level, by {knob.name}")


def transfer_plot(found: list[Response], knob: Knob) -> Markup:
    figure, on = axes(WIDE)
    on.axhline(0, color=MUTED, linewidth=0.6)
    on.axvline(0, color=MUTED, linewidth=0.6)
    for response, colour in zip(found, STEPS, strict=False):
        on.plot(*response.cycle.T, color=colour, linewidth=1.6)
    on.set_xlabel("input (1 = full scale)")
    on.set_ylabel("output")
    return inline(figure, "transfer", f"Output against input over a cycle, by {knob.name}")


def _apart(heights: list[float], gap: float) -> list[float]:
    """``heights``, moved as little as keeps them in order and at least ``gap`` apart."""
    order = np.argsort(heights, kind="stable")
    steps = gap * np.arange(len(heights))
    free = np.array(heights)[order] - steps
    # The least-squares increasing fit: neighbours that would cross share their mean.
    blocks: list[list[float]] = []
    for value in free:
        blocks.append([float(value)])
        while len(blocks) > 1 and np.mean(blocks[-2]) > np.mean(blocks[-1]):
            last = blocks.pop()
            blocks[-1] += last
    level = np.concatenate([np.full(len(block), np.mean(block)) for block in blocks])
    out = np.empty(len(heights))
    out[order] = level + steps
    return [float(height) for height in out]
