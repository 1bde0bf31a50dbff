"""The picture of a coverage: the time along each knob, and where captures lie by pairs of knobs."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from dataset.coverage.measure import Coverage
from dataset.coverage.neighbours import Neighbour
from rigs.knobs import Knob
from rigs.svg import Axis, Panel, document, text

COLOURS = {"train": "#0b6", "validation": "#c80", "test": "#c33", "sentinel": "#36c"}
MOST_DOTS = 1500
"""Of a role in one panel; of more, evenly chosen ones."""
CROWD = 200
"""More dots than this are small ones."""
MOST_KNOBS = 8
"""With more, pairs are not drawn: they would be too many and too small."""

_LEFT, _TOP, _GAP = 64, 148, 44
_WIDE = 560


def draw(found: Coverage, pairs: Sequence[Neighbour], title: str) -> str:
    """The SVG of ``found``, headed by ``title``: pairs of knobs below the diagonal, on it the time
    spent along each knob, above it how different neighbours sound."""
    count = len(found.knobs)
    cell = float(np.clip(900 / count - _GAP, 90, 200))
    step = cell + _GAP
    if count <= MOST_KNOBS:
        width = max(_LEFT + count * step, 2.5 * _LEFT + _WIDE)
        parts, bottom = _matrix(found, cell), _TOP + count * step
    else:
        columns = 6
        width = _LEFT + columns * step
        parts = [
            panel
            for i in range(count)
            for panel in _bars(
                found, i, _LEFT + i % columns * step, _TOP + i // columns * step, cell
            )
        ]
        bottom = _TOP + -(-count // columns) * step
    head = [text(_LEFT, 34, title, "title"), *_legend(found)]
    head += [text(_LEFT, 80 + 20 * line, words) for line, words in enumerate(facts(found))]
    if pairs:
        side, wide = min(260.0, cell * 1.5), min(_WIDE, width - 2.5 * _LEFT)
        parts += _scatter(pairs, _LEFT, bottom + _GAP, wide, side)
        bottom += 2 * _GAP + side + 20
    return document(width + 24, bottom + 24, [*head, *parts])


def facts(found: Coverage) -> list[str]:
    """What was measured, in two lines or three."""
    words = [f"discrepancy {found.discrepancy:.2g}, {found.evenness:.0%} of random points'"]
    if found.gaps:
        words.append(f"largest empty ball {found.gaps[0].radius:.2f} of a knob's range")
    for role, distances in found.distances.items():
        words.append(f"{role} {np.median(distances):.2f} from train")
    return [words[0], "; ".join(words[1:])]


def _legend(found: Coverage) -> list[str]:
    parts, x = [], float(_LEFT)
    for role, count in found.captures.items():
        words = f"{count} {role}"
        parts.append(f'<circle cx="{x + 5:.1f}" cy="51" r="5" fill="{COLOURS[role]}"/>')
        parts.append(text(x + 16, 56, words))
        x += 40 + 8 * len(words)
    return parts


def _matrix(found: Coverage, cell: float) -> list[str]:
    parts, names = [], found.knobs.names
    for row in range(len(names)):
        for column in range(row + 1):
            left, top = _LEFT + column * (cell + _GAP), _TOP + row * (cell + _GAP)
            if row == column:
                parts += _bars(found, row, left, top, cell)
            else:
                parts += _dots(found, column, row, left, top, cell)
            if column == 0 < row:
                parts.append(text(left, top - 10, _short(names[row]), "head"))
            if row == len(names) - 1 > column:
                parts.append(text(left + cell / 2, top + cell + 36, _short(names[column]), "mid"))
    return parts


def _bars(found: Coverage, knob: int, left: float, top: float, cell: float) -> list[str]:
    """The seconds along one knob: bars of the train captures, marks of the others beneath."""
    own = found.knobs.knobs[knob]
    edges, seconds = found.histograms[own.name]
    shown = seconds.get("train", sum(seconds.values()))
    y = Axis(0, 1.1 * float(np.max(shown)) or 1, [])
    panel = Panel(_short(own.name), left, top, cell, cell, _axis(own, (edges[0], edges[-1])), y)
    return [*panel.frame(), panel.bars(edges, np.asarray(shown, np.float64), COLOURS["train"])]


def _dots(found: Coverage, x: int, y: int, left: float, top: float, cell: float) -> list[str]:
    knobs = found.knobs.knobs
    low, high = -0.04, 1.04
    ends = [_ends(knob, low, high) for knob in (knobs[x], knobs[y])]
    panel = Panel("", left, top, cell, cell, _axis(knobs[x], ends[0]), _axis(knobs[y], ends[1]))
    parts = panel.frame()
    for role, colour in COLOURS.items():
        own = found.points.of(found.roles == role).cube
        if len(own):
            step = -(-len(own) // MOST_DOTS)
            places = [_ends(k, 0, 1) for k in (knobs[x], knobs[y])]
            at = [a + (b - a) * own[::step, i] for (a, b), i in zip(places, (x, y), strict=True)]
            crowded = role == "train" and len(own) > CROWD
            parts.append(panel.dots(at[0], at[1], colour, 1.5 if crowded else 3))
    return parts


def _ends(knob: Knob, low: float, high: float) -> tuple[float, float]:
    """Shares of its range as panel positions."""
    span = knob.maximum - knob.minimum
    return knob.minimum + low * span, knob.minimum + high * span


def _axis(knob: Knob, ends: tuple[float, float]) -> Axis:
    if knob.detents:
        few = len(knob.detents) <= 3
        ticks = [float(i) for i in range(len(knob.detents))]
        names = {i: _short(label, 6) for i, label in enumerate(knob.detents)}
        return Axis(*ends, ticks, lambda value: names[round(value)] if few else f"{value:g}")
    middle = (knob.minimum + knob.maximum) / 2
    return Axis(*ends, [knob.minimum, middle, knob.maximum])


def _scatter(
    pairs: Sequence[Neighbour], left: float, top: float, width: float, height: float
) -> list[str]:
    """The ESR of neighbours over their distance."""
    distance = np.array([pair.distance for pair in pairs])
    ratio = np.maximum([pair.esr for pair in pairs], 1e-9)
    low = 10.0 ** math.floor(math.log10(0.7 * float(ratio.min())))
    high = 10.0 ** math.ceil(math.log10(1.4 * float(ratio.max())))
    decades = range(round(math.log10(low)), round(math.log10(high)) + 1)
    far = max(0.1, math.ceil(10 * float(distance.max())) / 10)
    x = Axis(0, far, [round(far * i / 4, 3) for i in range(5)])
    y = Axis(low, high, [10.0**d for d in decades], log=True)
    head = "ESR of the nearest settings on the same dry, over their distance"
    panel = Panel(head, left, top, width, height, x, y)
    return [*panel.frame(), panel.dots(distance, ratio, COLOURS["train"], 3)]


def _short(words: str, longest: int = 14) -> str:
    return words if len(words) <= longest else words[: longest - 1] + "…"
