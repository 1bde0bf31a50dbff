"""The pedal's enclosure: its holes, what is behind and before them, and whether all of it fits.

Read from `terrarium/panel.toml`, in millimetres. Everything is held as boxes along the axes: x and
y on the top face from its middle, z down from the inside of the face.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rigs.config import explain
from rigs.errors import UserError

FILE = Path(__file__).parent / "terrarium/panel.toml"
LARGEST = 1 << 20

Face = Literal["top", "left", "right", "rear"]
Length = Annotated[float, Field(gt=0, le=500)]
Place = Annotated[float, Field(ge=-500, le=500)]
Size = Length | tuple[Length, Length]
"""A diameter, or width and height."""
Box = NDArray[np.float64]
"""Its least and its greatest corner, shape (2, 3)."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class Clearance(_Model):
    edge: Length
    wall: Length
    body: Length
    outside: Length


class Enclosure(_Model):
    width: Length
    length: Length
    depth: Length
    wall: Length
    post: Length

    def face(self, face: Face) -> tuple[float, float]:
        """Width and height of a face as it is drawn."""
        across = {"top": self.width, "rear": self.width}.get(face, self.length)
        return across, self.length if face == "top" else self.depth

    @property
    def inside(self) -> Box:
        x, y = self.width / 2 - self.wall, self.length / 2 - self.wall
        return np.array([[-x, -y, 0.0], [x, y, self.depth - 2 * self.wall]])


class Kind(_Model):
    hole: Size
    body: tuple[Length, Length, Length]
    front: Size


class Part(_Model):
    kind: str
    at: tuple[Place, Place]
    face: Face = "top"
    option: bool = False


class Layout(_Model):
    """All that the file says."""

    clearance: Clearance
    enclosures: dict[str, Enclosure]
    bodies: dict[str, tuple[tuple[Place, Place, Place], tuple[Place, Place, Place]]]
    kinds: dict[str, Kind]
    parts: dict[str, Part]


@dataclass(frozen=True)
class Hole:
    """A hole as it is drawn on its face: from the face's middle, x to the right and y up."""

    name: str
    face: Face
    x: float
    y: float
    hole: tuple[float, ...]
    front: tuple[float, ...]
    option: bool


def read(path: Path = FILE) -> Layout:
    """Raises UserError if the file cannot be read or says what no panel can be."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
        layout = Layout.model_validate(tomllib.loads(data.decode("utf-8")))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UserError(f"{path} cannot be read ({reason}); name a panel's TOML file.") from None
    except ValidationError as error:
        raise UserError(f"{path}: {explain(error)}; mend it.") from None
    except ValueError as error:
        raise UserError(f"{path} cannot be read as TOML ({error}); mend it.") from None
    for name, part in layout.parts.items():
        if part.kind not in layout.kinds:
            raise UserError(
                f"{path}: {name} is of the kind {part.kind!r}, and there are "
                f"{', '.join(layout.kinds)}; write one of them."
            )
    return layout


def pair(size: Size) -> tuple[float, float]:
    return size if isinstance(size, tuple) else (size, size)


def holes(layout: Layout, enclosure: Enclosure) -> list[Hole]:
    """All holes, each as seen from outside its face; a side's top edge is that of the top face."""
    found = []
    for name, part in layout.parts.items():
        kind, (a, b) = layout.kinds[part.kind], part.at
        if part.face != "top":
            # z counts from the inside of the top face; the middle of a side is half its depth down.
            b = enclosure.depth / 2 - enclosure.wall - b
        if part.face in ("right", "rear"):
            # Seen from outside, y runs to the right on the right side, and x to the left at the
            # rear; on the left side y runs to the left.
            a = a if part.face == "right" else -a
        elif part.face == "left":
            a = -a
        sizes = [s if isinstance(s, tuple) else (s,) for s in (kind.hole, kind.front)]
        found.append(Hole(name, part.face, a, b, sizes[0], sizes[1], part.option))
    return found


def body(layout: Layout, enclosure: Enclosure, part: Part) -> Box:
    """What a part takes up inside the enclosure."""
    (across, high, deep), (a, b) = layout.kinds[part.kind].body, part.at
    low, top = enclosure.inside
    if part.face == "top":
        return np.array([[a - across / 2, b - high / 2, 0], [a + across / 2, b + high / 2, deep]])
    if part.face == "rear":
        return np.array(
            [[a - across / 2, top[1] - deep, b - high / 2], [a + across / 2, top[1], b + high / 2]]
        )
    x = (low[0], low[0] + deep) if part.face == "left" else (top[0] - deep, top[0])
    return np.array([[x[0], a - across / 2, b - high / 2], [x[1], a + across / 2, b + high / 2]])


def gap(one: Box, other: Box) -> float:
    """Millimetres between two boxes along the axis on which they are farthest apart; negative:
    how far one would have to move."""
    return float(np.max(np.maximum(one[0] - other[1], other[0] - one[1])))


def faults(layout: Layout, name: str) -> list[str]:
    """Why the parts do not go into the enclosure ``name``, one clause each; none: they do."""
    return list(_faults(layout, layout.enclosures[name]))


def _faults(layout: Layout, enclosure: Enclosure) -> Iterator[str]:
    need = layout.clearance
    found = holes(layout, enclosure)
    for hole in found:
        width, height = enclosure.face(hole.face)
        half = [size / 2 for size in (*hole.hole, hole.hole[-1])[:2]]
        left = min(width / 2 - abs(hole.x) - half[0], height / 2 - abs(hole.y) - half[1])
        if left < need.edge:
            yield f"the hole of {hole.name} is {left:.1f} mm from the {hole.face} face's edge"
    for one, other in combinations(found, 2):
        if one.face == other.face:
            between = gap(_flat(one), _flat(other))
            if len(one.front) == len(other.front) == 1:  # round ones may nestle
                away = np.hypot(one.x - other.x, one.y - other.y)
                between = float(away - (one.front[0] + other.front[0]) / 2)
            if between < need.outside:
                yield f"{one.name} and {other.name} {_said(between)} outside"
    boxes = {key: body(layout, enclosure, part) for key, part in layout.parts.items()}
    mounted = {key: part.face for key, part in layout.parts.items()}
    boxes |= {key: np.array(corners) for key, corners in layout.bodies.items()}
    for key, box in boxes.items():
        left = _to_the_wall(box, enclosure.inside, mounted.get(key))
        if left < need.wall:
            where = f"{left:.1f} mm from" if left >= 0 else f"{-left:.1f} mm into"
            yield f"{key} is {where} a wall"
    boxes |= _posts(enclosure)
    for (one_name, first), (other_name, second) in combinations(boxes.items(), 2):
        both = layout.bodies.keys() & {one_name, other_name}
        between = gap(first, second)
        if len(both) < 2 and "post" not in one_name and between < need.body:
            yield f"{one_name} and {other_name} {_said(between)} inside"


def _said(between: float) -> str:
    return f"are {between:.1f} mm apart" if between >= 0 else f"overlap by {-between:.1f} mm"


def _flat(hole: Hole) -> Box:
    """What is before the face, as a box without depth."""
    half = np.array([*hole.front, hole.front[-1]][:2]) / 2
    low, high = np.array([hole.x, hole.y]) - half, np.array([hole.x, hole.y]) + half
    return np.array([[*low, -np.inf], [*high, np.inf]])


def _to_the_wall(box: Box, inside: Box, face: Face | None) -> float:
    """From a box to the nearest wall but the one it is mounted on."""
    left = np.stack([box[0] - inside[0], inside[1] - box[1]])
    own = {"top": (0, 2), "rear": (1, 1), "left": (0, 0), "right": (1, 0)}
    if face is not None:
        left[own[face]] = np.inf
    return float(left.min())


def _posts(enclosure: Enclosure) -> dict[str, Box]:
    """The corner posts, from the lid up: none of them reaches less far than the whole depth."""
    low, high = enclosure.inside
    posts = {}
    for number, (x, y) in enumerate([(-1, -1), (1, -1), (-1, 1), (1, 1)], 1):
        corner = np.array([x * high[0], y * high[1]])
        other = corner - enclosure.post * np.array([x, y])
        least, most = np.minimum(corner, other), np.maximum(corner, other)
        posts[f"screw post {number}"] = np.array([[*least, low[2]], [*most, high[2]]])
    return posts
