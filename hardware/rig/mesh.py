"""Whether a part can be printed: closed, nothing that hangs in the air, no wall that is too thin.

Judged on the very triangles that are written as STL.
"""

from __future__ import annotations

import io
import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import rtree  # noqa: F401  # trimesh looks for what a ray meets with it: missed here, not at the end
import trimesh
from build123d import export_stl
from numpy.typing import NDArray

from hardware.rig.parameters import Print

TOLERANCE, TURN = 0.02, 0.15
"""Of the triangles: mm from the true surface, and radians from one to the next."""
BED = 0.05
"""mm: what is lower than this lies on the bed."""
STEEPER = 1.0
"""Degrees of grace: triangles of a round hole do not end where its roof begins."""
SPECK = 0.3
"""mm² of overhang that no printer notices: one line's width, squared, and a little."""
_FACING = 0.5
"""Two surfaces make a wall if their normals are opposite to within 60 degrees."""
_SAMPLES = 1000


@dataclass(frozen=True)
class Mesh:
    """A part's triangles, as it lies on the bed: shape (triangles, 3 corners, 3), mm."""

    stl: bytes

    @classmethod
    def of(cls, part: Any) -> Mesh:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "part.stl"
            export_stl(part, path, tolerance=TOLERANCE, angular_tolerance=TURN)
            return cls(path.read_bytes())

    @cached_property
    def _mesh(self) -> Any:
        return trimesh.load_mesh(io.BytesIO(self.stl), file_type="stl")

    @property
    def triangles(self) -> NDArray[np.float64]:
        return np.asarray(self._mesh.triangles, float)

    @property
    def is_watertight(self) -> bool:
        """Whether every edge joins two triangles that agree on what is outside, around a volume."""
        return bool(self._mesh.is_volume)

    def overhang(self, steepest: float) -> float:
        """mm² of surface that faces down, more than ``steepest`` degrees from upright."""
        down = -np.asarray(self._mesh.face_normals)[:, 2]
        heights = self.triangles[:, :, 2]
        low = heights.max(1) < heights.min() + BED
        hangs = (down > math.sin(math.radians(steepest + STEEPER))) & ~low
        return float(np.asarray(self._mesh.area_faces)[hangs].sum())

    def thinnest(self) -> float:
        """mm of the thinnest wall, seen from points spread over the surface.

        Straight in from each point until the far side: a wall is where that faces away. At a
        sharp edge two surfaces meet without being a wall.
        """
        points, faces = trimesh.sample.sample_surface_even(self._mesh, _SAMPLES, seed=0)
        normals = np.asarray(self._mesh.face_normals)
        inwards = -normals[faces]
        found, rays, hit = self._mesh.ray.intersects_location(
            points + 1e-4 * inwards, inwards, multiple_hits=False
        )
        opposite = (normals[hit] * inwards[rays]).sum(1) > _FACING
        walls = np.linalg.norm(found - points[rays], axis=1)[opposite]
        return float(walls.min()) if walls.size else math.inf

    def faults(self, limits: Print) -> list[str]:
        """What would not print, one clause each; none: it prints without supports."""
        return list(self._faults(limits))

    def _faults(self, limits: Print) -> Iterator[str]:
        if not self.is_watertight:
            yield "its surface is not closed"
            return
        if (area := self.overhang(limits.overhang)) > SPECK:
            yield f"{area:.1f} mm² of it hang in the air"
        if (thin := self.thinnest()) < limits.wall:
            yield f"a wall of it is {thin:.2f} mm thin, less than {limits.wall:g}"
