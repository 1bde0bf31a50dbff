"""The built-in virtual amp as a signal path."""

from __future__ import annotations

from rigs.knobs import KnobTable
from rigs.rig import Audio, Progress, Recording
from rigs.trajectory import Trajectory
from rigs.virtual import KNOBS, VirtualAmp


class VirtualAmpPath:
    """Renders offline; latency is zero by construction."""

    knobs: KnobTable | None = KNOBS
    simulated = True

    def __init__(self) -> None:
        self._amp = VirtualAmp()

    def play(self, dry: Audio, parameters: Trajectory | None, progress: Progress) -> Recording:
        if parameters is None:
            raise ValueError("the virtual amp has no panel of its own: use the parameters actuator")
        seconds = len(dry) / self._amp.sample_rate
        wet = self._amp.render(
            dry, parameters.positions, parameters.rate, lambda done: progress(done * seconds)
        )
        return Recording(wet)

    def close(self) -> None:
        pass
