"""Dials, drawn as text: where a hand is to turn a knob, to be read from an arm's length.

A knob's travel goes from seven o'clock to five, clockwise, as on an amp.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from rigs.knobs import Knob

TRAVEL = 300.0
"""Degrees from one end stop to the other, with noon half-way."""

CLOCKWISE, ANTICLOCKWISE = "↻", "↺"

_BRAILLE = 0x2800
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""The bit of each dot of a braille character: two columns of four, which are square in a cell."""

_DIGITS = {
    "0": ("███", "█ █", "█ █", "█ █", "███"),
    "1": (" █ ", "██ ", " █ ", " █ ", "███"),
    "2": ("███", "  █", "███", "█  ", "███"),
    "3": ("███", "  █", "███", "  █", "███"),
    "4": ("█ █", "█ █", "███", "  █", "  █"),
    "5": ("███", "█  ", "███", "  █", "███"),
    "6": ("███", "█  ", "███", "█ █", "███"),
    "7": ("███", "  █", "  █", "  █", "  █"),
    "8": ("███", "█ █", "███", "█ █", "███"),
    "9": ("███", "█ █", "███", "  █", "███"),
    ".": (" ", " ", " ", " ", "█"),
    "-": ("   ", "   ", "███", "   ", "   "),
}
"""Three by five; two of these squares fit into a character, one over the other."""


def angle(knob: Knob, position: float) -> float:
    """Degrees clockwise from noon at which the pointer stands."""
    return TRAVEL * ((position - knob.minimum) / (knob.maximum - knob.minimum) - 0.5)


def read(knob: Knob, position: float) -> str:
    """A position as the panel says it: a switch's label, a knob's number with its unit."""
    if knob.detents:
        return knob.detents[round(position)]
    return f"{number(position)} {knob.unit}".rstrip()


def number(position: float) -> str:
    """Five digits, without the noise of float32, and without an exponent."""
    return np.format_float_positional(float(f"{position:.5g}") + 0.0, trim="-")


def way(knob: Knob, position: float, was: float | None) -> str:
    """From where, and in which direction: "from 3 ↻"; nothing if that is not known."""
    if was is None or was == position:
        return ""
    turn = CLOCKWISE if position > was else ANTICLOCKWISE
    return f"from {read(knob, was)}" + ("" if knob.detents else f" {turn}")


def dial(knob: Knob, position: float, was: float | None = None, width: int = 36) -> list[str]:
    """Lines of ``width`` characters: the name, the dial, the position in large, and the way to it.

    A switch is the list of its labels. ``was`` is where the knob stands now, if that is known.
    """
    if knob.detents:
        return _switch(knob, position, was, width)
    unit = f" {knob.unit}" if knob.unit else ""
    return [
        f"{knob.name}{unit and f' ({knob.unit})'}"[:width].center(width),
        *_face(knob, position, was, width),
        *(line.center(width) for line in large(number(position))),
        way(knob, position, was)[:width].center(width),
    ]


def large(text: str) -> list[str]:
    """Digits, point and minus as three lines of blocks."""
    rows = [" ".join(_DIGITS[c][row] for c in text) for row in range(5)] + [""]
    rows[5] = " " * len(rows[0])
    halves = {"  ": " ", "█ ": "▀", " █": "▄", "██": "█"}
    return [
        "".join(halves[above + below] for above, below in zip(rows[i], rows[i + 1], strict=True))
        for i in (0, 2, 4)
    ]


def side_by_side(blocks: Sequence[Sequence[str]]) -> str:
    """Blocks of lines as one text, aligned at their first lines."""
    height = max(map(len, blocks))
    filled = [[*block, *[" " * len(block[0])] * (height - len(block))] for block in blocks]
    return "\n".join("".join(lines).rstrip() for lines in zip(*filled, strict=True))


def _switch(knob: Knob, position: float, was: float | None, width: int) -> list[str]:
    lines = [
        f"{'●' if index == round(position) else '○'} {label}"
        for index, label in enumerate(knob.detents)
    ]
    longest = min(max(map(len, lines)), width)
    shown = [line[:width].ljust(longest).center(width) for line in lines]
    return [
        knob.name[:width].center(width),
        " " * width,
        *shown,
        " " * width,
        way(knob, position, was)[:width].center(width),
    ]


class _Canvas:
    """Dots and characters; a dot is a half of a character wide and a quarter of one high."""

    def __init__(self, width: int, height: int) -> None:
        self._dots = [[0] * width for _ in range(height)]
        self._text: dict[tuple[int, int], str] = {}

    def dot(self, x: float, y: float) -> None:
        column, row = round(x) // 2, round(y) // 4
        self._dots[row][column] |= _DOTS[round(x) % 2][round(y) % 4]

    def write(self, x: float, y: float, text: str) -> None:
        """``text`` with its middle at that dot."""
        column, row = round(x / 2 - len(text) / 2), min(round(y) // 4, len(self._dots) - 1)
        for index, character in enumerate(text):
            self._text[row, column + index] = character

    def lines(self) -> list[str]:
        return [
            "".join(
                self._text.get((row, column), chr(_BRAILLE + bits) if bits else " ")
                for column, bits in enumerate(line)
            )
            for row, line in enumerate(self._dots)
        ]


def _face(knob: Knob, position: float, was: float | None, width: int) -> list[str]:
    """The dial itself, ``width`` characters wide and about a third of that high."""
    radius = width - 14
    middle_x, middle_y = width - 0.5, radius + 8
    canvas = _Canvas(width, math.ceil((middle_y + 0.87 * (radius + 8) + 2) / 4))

    def place(degrees: float, distance: float) -> tuple[float, float]:
        turned = math.radians(degrees)
        return middle_x + distance * math.sin(turned), middle_y - distance * math.cos(turned)

    def arc(start: float, stop: float, distance: float, gap: float = 1.0) -> None:
        steps = max(1, round(abs(stop - start) * math.radians(distance) / gap))
        for step in range(steps + 1):
            canvas.dot(*place(start + (stop - start) * step / steps, distance))

    arc(0, 360, radius - 4)
    marks = [knob.minimum + (knob.maximum - knob.minimum) * tenth / 10 for tenth in range(11)]
    every = 5 if max(len(number(mark)) for mark in marks) > 2 else 1 if radius > 18 else 2
    for tenth, mark in enumerate(marks):
        for distance in (radius - 1, radius, radius + 1):
            canvas.dot(*place(angle(knob, mark), distance))
        if tenth % every == 0:
            canvas.write(*place(angle(knob, mark), radius + 6), number(mark))
    if was is not None:
        for distance in (radius - 3, radius - 2):
            arc(angle(knob, was), angle(knob, position), distance)
    turned = math.radians(angle(knob, position))
    for aside in (-1.5, -0.5, 0.5, 1.5):
        for step in range(2 * (radius - 5)):
            x, y = place(angle(knob, position), step / 2)
            canvas.dot(x + aside * math.cos(turned), y + aside * math.sin(turned))
    return canvas.lines()
