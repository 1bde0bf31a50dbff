"""Drill templates to scale: one sheet of A4 that is cut out and folded around the enclosure.

The top face is in the middle, the sides are folded up around it, every edge where it is on the
enclosure. Where the parts do not fit, the sheet has no holes but says why.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ezdxf
import matplotlib as mpl
from ezdxf.enums import TextEntityAlignment
from ezdxf.filemanagement import new
from ezdxf.units import MM
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Polygon

from hardware.pedal.panel import Enclosure, Hole, Layout, faults, holes

SHEET = (210.0, 297.0)
"""A4 upright, mm."""
MIDDLE = (105.0, 140.0)
"""Where on the sheet the middle of the top face is, from its lower left corner."""
STYLES = {"outline": ("#000", "-"), "hole": ("#c00", "-"), "option": ("#c00", "--"),
          "front": ("#999", ":"), "centre": ("#000", "-"), "words": ("#000", "-")}  # fmt: skip
"""Colour and dashes of each layer."""
POINTS = 72 / 25.4
"""PostScript points in a millimetre."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Round:
    """A circle; ``layer`` is one of STYLES. All in mm on the sheet."""

    layer: str
    at: Point
    diameter: float


@dataclass(frozen=True)
class Path:
    """Straight lines from point to point, closed if that is said."""

    layer: str
    points: tuple[Point, ...]
    closed: bool = False


@dataclass(frozen=True)
class Words:
    """A line of text that begins at a point, or has it in its middle; ``size`` is mm."""

    text: str
    at: Point
    size: float = 2.6
    middle: bool = False


Shape = Round | Path | Words


def sheet(layout: Layout, name: str) -> list[Shape]:
    """What is drawn for the enclosure ``name``, in mm from the sheet's lower left corner."""
    enclosure = layout.enclosures[name]
    wrong = faults(layout, name)
    w, length, d = enclosure.width / 2, enclosure.length / 2, enclosure.depth
    faces = [
        _rectangle("outline", -w, -length, w, length),
        _rectangle("outline", -w, length, w, length + d),
        _rectangle("outline", -w - d, -length, -w, length),
        _rectangle("outline", w, -length, w + d, length),
    ]
    size = f"{enclosure.length:g} x {enclosure.width:g} x {enclosure.depth:g} mm"
    shapes: list[Shape] = [
        *faces,
        Words(f"Drill template, {name} ({size}), seen from outside, 1:1", _at(-95, 145), 4),
    ]
    if wrong:
        shapes.append(Words("DO NOT DRILL", _at(0, 0), 6, middle=True))
        reasons = [f"The parts do not fit into a {name}, so there are no holes here:", *wrong]
        return shapes + [
            Words(reason, _at(-95, -70 - 4.4 * row)) for row, reason in enumerate(reasons)
        ]
    for hole in holes(layout, enclosure):
        shapes += _drawn(hole, enclosure)
    return [*shapes, *_notes()]


def _notes() -> list[Shape]:
    notes = [
        "Print at 100 %, not fitted to the page. This line must be 50 mm long:",
        "Red is a hole; dashed red belongs to the option; dotted grey is the knob, nut or cap.",
        "Drawn from nominal sizes: lay your own board and enclosure on this sheet first.",
        "Centre punch, pilot 3 mm, then a step drill. Wear goggles.",
    ]
    words: list[Shape] = [
        Words(note, _at(-95, -100 - 5 * row - (6 if row else 0))) for row, note in enumerate(notes)
    ]
    ruler = Path("outline", (_at(-95, -105), _at(-45, -105)))
    ends = [Path("outline", (_at(x, -106.5), _at(x, -103.5))) for x in (-95, -45)]
    return [*words, ruler, *ends]


def _at(x: float, y: float) -> Point:
    return MIDDLE[0] + x, MIDDLE[1] + y


def _rectangle(layer: str, left: float, bottom: float, right: float, top: float) -> Path:
    corners = ((left, bottom), (right, bottom), (right, top), (left, top))
    return Path(layer, tuple(_at(*corner) for corner in corners), closed=True)


def _unfolded(hole: Hole, enclosure: Enclosure) -> tuple[float, float, bool]:
    """Where a hole is beside the top face, and whether its width runs up the sheet."""
    deep = enclosure.depth / 2 - hole.y  # from the edge at the top face
    return {
        "top": (hole.x, hole.y, False),
        "rear": (-hole.x, enclosure.length / 2 + deep, False),
        "left": (-enclosure.width / 2 - deep, -hole.x, True),
        "right": (enclosure.width / 2 + deep, hole.x, True),
    }[hole.face]


def _drawn(hole: Hole, enclosure: Enclosure) -> list[Shape]:
    x, y, turned = _unfolded(hole, enclosure)
    shapes: list[Shape] = []
    layers = ("option" if hole.option else "hole", "front")
    for layer, size in zip(layers, (hole.hole, hole.front), strict=True):
        if len(size) == 1:
            shapes.append(Round(layer, _at(x, y), size[0]))
        else:
            across, high = reversed(size) if turned else size
            shapes.append(
                _rectangle(layer, x - across / 2, y - high / 2, x + across / 2, y + high / 2)
            )
    for dx, dy in ((1.5, 0), (0, 1.5)):
        shapes.append(Path("centre", (_at(x - dx, y - dy), _at(x + dx, y + dy))))
    said = "x".join(f"{size:g}" for size in hole.hole)
    below = max(hole.front[-1], hole.hole[-1]) / 2
    shapes.append(Words(f"{hole.name}, {said}", _at(x, y - below - 2.2), 1.8, middle=True))
    return shapes


def to_dxf(shapes: Sequence[Shape]) -> str:
    """DXF R2010 in millimetres, a layer for each of STYLES; the same text every time."""
    settings: Any = vars(ezdxf)["options"]
    before = settings.write_fixed_meta_data_for_testing
    settings.write_fixed_meta_data_for_testing = True  # neither dates nor random identifiers
    try:
        document = new("R2010", units=MM)
        space = document.modelspace()
        for layer in STYLES:
            document.layers.add(layer)
        for shape in shapes:
            if isinstance(shape, Round):
                space.add_circle(shape.at, shape.diameter / 2, {"layer": shape.layer})
            elif isinstance(shape, Path):
                space.add_lwpolyline(
                    shape.points, close=shape.closed, dxfattribs={"layer": shape.layer}
                )
            else:
                text = space.add_text(shape.text, height=shape.size, dxfattribs={"layer": "words"})
                align = TextEntityAlignment.CENTER if shape.middle else TextEntityAlignment.LEFT
                text.set_placement(shape.at, align=align)
        # Else they are in the order of a set, which changes from run to run.
        document.classes.add_required_classes(document.dxfversion)
        known = dict(sorted(document.classes.classes.items()))
        document.classes.classes.clear()
        document.classes.classes.update(known)
        stream = io.StringIO()
        document.write(stream)
    finally:
        settings.write_fixed_meta_data_for_testing = before
    return stream.getvalue()


def to_page(shapes: Sequence[Shape], kind: str) -> bytes:
    """The sheet as "svg" or "pdf", A4 at 1:1; the same bytes every time."""
    with mpl.rc_context({"svg.hashsalt": "ampsweep", "svg.fonttype": "none"}):
        figure = Figure(figsize=(SHEET[0] / 25.4, SHEET[1] / 25.4))
        axes = figure.add_axes((0, 0, 1, 1), xlim=(0, SHEET[0]), ylim=(0, SHEET[1]))
        axes.set_axis_off()
        for shape in shapes:
            if isinstance(shape, Words):
                place = "center" if shape.middle else "left"
                axes.text(*shape.at, shape.text, fontsize=shape.size * POINTS, ha=place)
                continue
            colour, dashes = STYLES[shape.layer]
            look = {"fill": False, "edgecolor": colour, "linestyle": dashes, "linewidth": 0.5}
            if isinstance(shape, Round):
                axes.add_patch(Circle(shape.at, shape.diameter / 2, **look))
            else:
                axes.add_patch(Polygon(shape.points, closed=shape.closed, **look))
        stream = io.BytesIO()
        undated = {"CreationDate": None} if kind == "pdf" else {"Date": None}
        figure.savefig(stream, format=kind, metadata=undated)
    return stream.getvalue()
