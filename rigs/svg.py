"""Pictures as SVG: panels with axes, curves, dots and bars.

Drawn by hand, because a capture machine has no plotting library.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

INK, GRID, LINE = "#333", "#ddd", "#0b6"
_STYLE = (
    "text{font:13px sans-serif;fill:#333}.title{font-size:18px;font-weight:600}"
    ".head{font-weight:600}.end{text-anchor:end}.mid{text-anchor:middle}"
)


def document(width: float, height: float, parts: Sequence[str]) -> str:
    """The SVG of ``parts`` on white, ``width`` by ``height`` pixels."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'width="{width:g}" height="{height:g}">'
    )
    white = f'<rect width="{width:g}" height="{height:g}" fill="#fff"/>'
    return "\n".join([head, f"<style>{_STYLE}</style>", white, *parts, "</svg>"]) + "\n"


@dataclass(frozen=True)
class Axis:
    """Values from ``low`` to ``high`` with ``ticks``, linear or logarithmic."""

    low: float
    high: float
    ticks: Sequence[float]
    label: Callable[[float], str] = lambda value: f"{value:g}"
    log: bool = False

    def place(self, value: Numbers) -> Numbers:
        """From 0 at ``low`` to 1 at ``high``."""
        low, high = self.low, self.high
        if self.log:
            return np.asarray(np.log(value / low) / math.log(high / low))
        return np.asarray((value - low) / (high - low))


@dataclass(frozen=True)
class Panel:
    """A plot in the rectangle from (left, top), with both of its axes."""

    head: str
    left: float
    top: float
    width: float
    height: float
    x: Axis
    y: Axis

    def frame(self) -> list[str]:
        """Grid, labels and heading."""
        right, bottom = self.left + self.width, self.top + self.height
        parts = [text(self.left, self.top - 10, self.head, "head")]
        for value in self.x.ticks:
            at = self.left + self.width * float(self.x.place(np.array(value)))
            parts.append(line(at, self.top, at, bottom))
            if label := self.x.label(value):
                parts.append(text(at, bottom + 18, label, "mid"))
        for value in self.y.ticks:
            at = bottom - self.height * float(self.y.place(np.array(value)))
            parts.append(line(self.left, at, right, at))
            if label := self.y.label(value):
                parts.append(text(self.left - 8, at + 4, label, "end"))
        return [*parts, f'<rect {self._box} fill="none" stroke="{INK}"/>']

    def curve(self, x: Numbers, y: Numbers, colour: str = LINE) -> str:
        """A line through the points, both arrays of shape (points,), cut off at the frame."""
        across = self.width * self.x.place(x)
        down = self.height * (1 - np.clip(self.y.place(y), -1, 2))
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(across, down, strict=True))
        # An inner svg hides what lies outside it.
        return (
            f"<svg {self._box}><polyline points="
            f'"{points}" fill="none" stroke="{colour}" stroke-width="1.5" stroke-linejoin="round"/>'
            "</svg>"
        )

    @property
    def _box(self) -> str:
        return f'x="{self.left}" y="{self.top}" width="{self.width}" height="{self.height}"'

    def dots(self, x: Numbers, y: Numbers, colour: str = LINE, radius: float = 2.0) -> str:
        """A dot at each point, both arrays of shape (points,), cut off at the frame."""
        across = self.width * self.x.place(x)
        down = self.height * (1 - self.y.place(y))
        # A line of no length with round ends is a dot, and one path holds them all.
        path = "".join(f"M{a:.1f} {b:.1f}h0" for a, b in zip(across, down, strict=True))
        return (
            f'<svg {self._box}><path d="{path}" fill="none" stroke="{colour}" '
            f'stroke-width="{2 * radius:g}" stroke-linecap="round" stroke-opacity="0.6"/></svg>'
        )

    def bars(self, edges: Numbers, heights: Numbers, colour: str = LINE) -> str:
        """A bar from 0 to each of ``heights``, shape (bars,), between ``edges``, (bars + 1,)."""
        across = self.left + self.width * self.x.place(edges)
        tall = self.height * self.y.place(heights)
        bottom = self.top + self.height
        return "".join(
            f'<rect x="{a + 0.5:.1f}" y="{bottom - h:.1f}" width="{max(b - a - 1, 0.5):.1f}" '
            f'height="{h:.1f}" fill="{colour}"/>'
            for a, b, h in zip(across[:-1], across[1:], tall, strict=True)
        )


def line(x1: float, y1: float, x2: float, y2: float) -> str:
    """A line of the grid."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{GRID}"/>'


def text(x: float, y: float, words: str, kind: str = "") -> str:
    """``words`` at a point; ``kind`` is "", "title", "head", "mid" (centred) or "end"."""
    style = f' class="{kind}"' if kind else ""
    words = "".join(c if c.isprintable() else " " for c in words)  # XML cannot hold all characters
    return f'<text x="{x:.1f}" y="{y:.1f}"{style}>{escape(words)}</text>'
