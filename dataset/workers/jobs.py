"""What a worker is given, and what it does with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rigs.config import load_rig
from rigs.errors import UserError
from rigs.rig import Moved, Recording, Rig
from rigs.trajectory import Trajectory

Made = tuple[Recording, Moved]


@dataclass(frozen=True, eq=False)
class Job:
    """One take: its ``index`` in the plan, where the knobs go, and the dry, shape (frames,)."""

    index: int
    trajectory: Trajectory
    dry: NDArray[np.float32]


@dataclass(frozen=True)
class WorkerRig:
    """The file, by its absolute path, that every worker makes its rig from.

    ``fingerprint`` is what the rig then has to have.
    """

    path: Path
    fingerprint: str

    def check(self) -> Rig:
        """The rig, not yet open.

        Raises UserError if workers cannot play it, or if it is not the one that was planned for.
        """
        rig = load_rig(self.path)
        if not rig.path.simulated:
            raise UserError(
                f"{self.path} plays in real time through a device of which there is one; capture "
                "without workers."
            )
        if rig.fingerprint() != self.fingerprint:
            raise UserError(
                f"{self.path} is not the rig that the plan was made for: its options or a file "
                "that it names differ; on another machine a worker needs the same project at the "
                "same path."
            )
        return rig
