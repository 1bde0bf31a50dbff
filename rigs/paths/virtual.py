"""The built-in virtual amp as a signal path."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rigs.errors import UserError
from rigs.knobs import KnobTable
from rigs.rig import Audio, Motion, Options, Progress, Recording, SignalPath
from rigs.virtual import KNOBS, VirtualAmp


class VirtualAmpPath(SignalPath):
    """Plays through the built-in virtual amp; latency is zero by construction."""

    knobs: KnobTable | None = KNOBS
    simulated = True

    def __init__(self, options: Options, folder: Path) -> None:
        super().__init__(options, folder)
        self._amp = VirtualAmp()

    def play(self, dry: Audio, motion: Motion, progress: Progress) -> Recording:
        if motion.parameters is None:
            raise UserError(
                "The virtual amp has no panel to turn; give its rig [actuator] type = 'parameters'."
            )
        seconds = len(dry) / self._amp.sample_rate
        knobs = motion.parameters
        wet = self._amp.render(
            dry, knobs.positions, knobs.rate, lambda done: progress(done * seconds)
        )
        return Recording(wet.astype(np.float32))
