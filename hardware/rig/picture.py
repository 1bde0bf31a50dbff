"""Pictures of solids: shaded, with their edges drawn, as PNG.

A depth buffer over triangles, in NumPy: what renders solids otherwise needs a graphics driver,
which a machine that tests has not.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.image import imsave
from numpy.typing import NDArray

from hardware.rig.assembly import Item

FINE = 2
"""Samples in a pixel, each way."""
_TOLERANCE, _TURN = 0.08, 0.25
_LIGHT = np.array([-0.35, 0.5, 0.8]) / np.linalg.norm([-0.35, 0.5, 0.8])
_MARGIN = 0.04
_CREASE = math.cos(math.radians(32))
"""Two surfaces that meet at a sharper angle have an edge between them."""

Array = NDArray[np.float64]


def axes(azimuth: float, elevation: float) -> Array:
    """Right, up and towards the eye, shape (3, 3), seen from so many degrees around z and up."""
    a, e = math.radians(azimuth), math.radians(elevation)
    eye = np.array([math.cos(e) * math.cos(a), math.cos(e) * math.sin(a), math.sin(e)])
    right = np.array([-math.sin(a), math.cos(a), 0.0])
    return np.stack([right, np.cross(eye, right), eye])


FRONT = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]])
"""A view along -z."""


def triangles(solid: object) -> Array:
    """Of a solid of build123d's: shape (triangles, 3 corners, 3)."""
    points, corners = solid.tessellate(_TOLERANCE, _TURN)  # type: ignore[attr-defined]
    vertices = np.array([[p.X, p.Y, p.Z] for p in points])
    return np.asarray(vertices[np.array(corners)])


def render(items: Sequence[Item], view: Array, width: int = 900, height: int = 600) -> bytes:
    """A PNG of the parts, all in the frame, without perspective."""
    wide, high = width * FINE, height * FINE
    shapes = [triangles(item.solid) @ view.T for item in items]
    corners = np.concatenate([shape.reshape(-1, 3) for shape in shapes])
    low, top = corners[:, :2].min(0), corners[:, :2].max(0)
    scale = (1 - 2 * _MARGIN) * min(wide / (top - low)[0], high / (top - low)[1])
    shift = np.array([wide, high]) / 2 - scale * (low + top) / 2
    depth = np.full((high, wide), -np.inf)
    normal = np.zeros((high, wide, 3))
    owner = np.full((high, wide), -1)
    for number, shape in enumerate(shapes):
        across = np.cross(shape[:, 1] - shape[:, 0], shape[:, 2] - shape[:, 0])
        shape = shape[across[:, 2] > 0]  # what faces away is never seen
        shape[..., :2] = shape[..., :2] * scale + shift
        shape[..., 1] = high - shape[..., 1]
        shape[..., 2] *= scale
        for triangle in shape:
            _fill(triangle, number, depth, normal, owner)
    colours = np.array([to_rgb(item.colour) for item in items] + [(1.0, 1.0, 1.0)])
    shade = np.clip(0.45 + 0.55 * np.abs(normal @ _LIGHT), 0, 1)
    shade[owner < 0] = 1.0
    image = colours[owner] * shade[..., None]
    image[_edges(depth, normal, owner)] *= 0.25
    small = image.reshape(height, FINE, width, FINE, 3).mean((1, 3))
    stream = io.BytesIO()
    imsave(stream, small, format="png", metadata={"Software": ""})
    return stream.getvalue()


def _fill(
    triangle: Array, number: int, depth: Array, normal: Array, owner: NDArray[np.int_]
) -> None:
    """Draw one triangle, in samples, where it is nearer than what is there."""
    high, wide = depth.shape
    left, upper = np.maximum(np.floor(triangle[:, :2].min(0)).astype(int), 0)
    right, lower = np.ceil(triangle[:, :2].max(0)).astype(int) + 1
    right, lower = min(right, wide), min(lower, high)
    (x0, y0), (x1, y1), (x2, y2) = triangle[:, :2]
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    if abs(area) < 1e-9 or left >= right or upper >= lower:
        return
    x = np.arange(left, right) + 0.5
    y = np.arange(upper, lower)[:, None] + 0.5
    b = ((x - x0) * (y2 - y0) - (x2 - x0) * (y - y0)) / area
    c = ((x1 - x0) * (y - y0) - (x - x0) * (y1 - y0)) / area
    z = (
        triangle[0, 2]
        + b * (triangle[1, 2] - triangle[0, 2])
        + c * (triangle[2, 2] - triangle[0, 2])
    )
    there = (slice(upper, lower), slice(left, right))
    seen = (b >= 0) & (c >= 0) & (b + c <= 1) & (z > depth[there])
    across = np.cross(triangle[1] - triangle[0], triangle[2] - triangle[0])
    # The picture's y runs down; towards the eye is plus.
    across = across * np.sign(across[2] or 1.0) * np.array([1, -1, 1])
    depth[there][seen] = z[seen]
    normal[there][seen] = across / np.linalg.norm(across)
    owner[there][seen] = number


def _edges(depth: Array, normal: Array, owner: NDArray[np.int_]) -> NDArray[np.bool_]:
    """Where a part ends, or a surface turns, between one sample and the next."""
    edge = np.zeros(owner.shape, bool)
    for axis in (0, 1):
        near = [slice(None), slice(None)]
        far = [slice(None), slice(None)]
        near[axis], far[axis] = slice(None, -1), slice(1, None)
        one, other = tuple(near), tuple(far)
        turned = (normal[one] * normal[other]).sum(-1) < _CREASE
        edge[one] |= (owner[one] != owner[other]) | (turned & (owner[one] >= 0))
    return edge
