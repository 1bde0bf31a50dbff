"""Drawing with matplotlib, and putting the drawing into an HTML page.

Colours are names: a drawing carries a stand-in for each, and in the page it is a CSS variable, so
that one drawing fits light and dark.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from xml.etree import ElementTree

import matplotlib
import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter
from numpy.typing import NDArray

from rigs.knobs import Knob

_NAMES = (
    *("ink", "muted", "grid", "amp", "model", "error"),
    *("train", "validation", "test", "sentinel"),
    *("step1", "step2", "step3", "step4", "step5"),
    *("line1", "line2", "line3", "line4", "line5", "line6", "line7", "line8"),
)
_STAND_INS = {name: f"#0000{index:02x}" for index, name in enumerate(_NAMES, start=1)}
INK, MUTED, GRID, AMP, MODEL, ERROR = (_STAND_INS[name] for name in _NAMES[:6])
ROLE = {name: _STAND_INS[name] for name in _NAMES[6:10]}
STEPS = tuple(_STAND_INS[name] for name in _NAMES[10:15])
"""Five colours from cool to hot."""
LINES = tuple(_STAND_INS[name] for name in _NAMES[15:])
"""Eight colours that say nothing but which is which."""

SMALL = (2.0, 1.85)
"""Inches: one of many, side by side even on a phone."""
MIDDLE = (3.3, 2.2)
"""Inches: three side by side on a desk, one on a phone."""
WIDE = (4.5, 2.9)
"""Inches: two side by side on a desk, one on a phone."""
_MARGINS = {
    SMALL: {"left": 0.24, "right": 0.96, "bottom": 0.24, "top": 0.96},
    MIDDLE: {"left": 0.17, "right": 0.97, "bottom": 0.22, "top": 0.96},
    WIDE: {"left": 0.155, "right": 0.97, "bottom": 0.17, "top": 0.9},
}

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "ampsweep",
    "text.parse_math": False,
    "savefig.transparent": True,
    "font.size": 9.5,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "legend.fontsize": 9,
}


@contextmanager
def drawing() -> Iterator[None]:
    """The style in which everything is drawn, whatever matplotlib is set to elsewhere."""
    with matplotlib.rc_context(), warnings.catch_warnings():
        # The browser has other fonts than the one with which matplotlib measures.
        warnings.filterwarnings("ignore", message="Glyph")
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


def axes(size: tuple[float, float]) -> tuple[Figure, Axes]:
    """An empty figure with one pair of axes."""
    figure = Figure(figsize=size)
    drawn = figure.add_subplot()
    # Fixed, so that neighbours align.
    figure.subplots_adjust(**_MARGINS[size])
    return figure, drawn


def draw_lines(
    on: Axes,
    lines: Sequence[NDArray[Any]],
    colour: str,
    width: float,
    alpha: float = 1.0,
) -> None:
    """Many lines, each of shape (points, 2), as one path: a line of one point is a dot."""
    if not lines:
        return
    paired = [np.repeat(line, 2, axis=0) if len(line) == 1 else line for line in lines]
    codes = np.full(sum(map(len, paired)), Path.LINETO)
    codes[np.cumsum([0, *map(len, paired[:-1])])] = Path.MOVETO
    path = Path(np.concatenate(paired), codes)
    path.should_simplify = False
    style = {"edgecolor": colour, "linewidth": width, "alpha": alpha}
    on.add_patch(PathPatch(path, fill=False, capstyle="round", joinstyle="round", **style))


def scale_to_knob(on: Axes, knob: Knob, which: str) -> None:
    """Make the x or y axis ``knob``'s, end to end."""
    axis = on.xaxis if which == "x" else on.yaxis
    margin = 0.05 * (knob.maximum - knob.minimum)
    (on.set_xlim if which == "x" else on.set_ylim)(knob.minimum - margin, knob.maximum + margin)
    if knob.detents:
        axis.set_ticks(range(len(knob.detents)), [shorten(d, 7) for d in knob.detents])
    else:
        middle = (knob.minimum + knob.maximum) / 2
        places = [knob.minimum, middle, knob.maximum]
        axis.set_ticks(places, [f"{place:g}" for place in places])
    unit = f" ({knob.unit})" if knob.unit else ""
    axis.set_label_text(shorten(knob.name + unit, 18))


def draw_floor(on: Axes, floor: float | None, label: str = "") -> None:
    """Dashes at the ESR of the device against itself, if it is known and not nothing."""
    if floor:
        on.axhline(floor, color=MUTED, linewidth=1, linestyle=(0, (4, 3)), label=label)


def scale_to_esr(on: Axes, ratios: Iterable[float], floor: float | None = None) -> None:
    """Make the y axis logarithmic, over whole decades that hold ``ratios``, all above 0, and the
    ``floor``."""
    ratios = [*ratios, *([floor] if floor else [])]
    low = int(np.floor(np.log10(min(ratios)) + 1e-9))
    high = max(int(np.ceil(np.log10(max(ratios)) - 1e-9)), low + 1)
    on.set_yscale("log")
    on.set_ylim(10.0**low, 10.0**high)
    every = -(-(high - low) // 5)
    on.yaxis.set_major_locator(FixedLocator([10.0**n for n in range(low, high + 1, every)]))
    on.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    on.yaxis.set_minor_formatter(NullFormatter())


def shorten(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def inline(figure: Figure, name: str, label: str) -> Markup:
    """``figure`` as an <svg> element: ``name`` sets its ids apart, ``label`` is its alt text."""
    sink = io.BytesIO()
    figure.savefig(
        sink, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type"))
    )
    root = ElementTree.fromstring(_without_controls(sink.getvalue().decode()))
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.attrib = {
            key.rpartition("}")[2]: _rewrite(key, value, name)
            for key, value in element.attrib.items()
        }
        element.tail = None
        if element.tag != "text" and not (element.text or "").strip():
            element.text = None
    for unwanted in root.findall("metadata"):
        root.remove(unwanted)
    root.attrib = {
        "viewBox": root.attrib["viewBox"],
        "role": "img",
        "aria-label": _without_controls(label),
    }
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _without_controls(text: str) -> str:
    """``text`` without the characters that XML cannot hold, in whatever name they came."""
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", "", text)


def _rewrite(key: str, value: str, name: str) -> str:
    if key == "id":
        return f"{name}-{value}"
    value = re.sub(r"^#|(?<=url\()#", f"#{name}-", value)
    value = re.sub(r"-?\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}", value)
    value = re.sub(r"\bfont: [^;]*?([\d.]+px)[^;]*", r"font-size: \1", value)
    for colour, stand_in in _STAND_INS.items():
        value = value.replace(stand_in, f"var(--{colour})")
    return value
