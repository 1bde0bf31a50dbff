"""One good take of a test signal: what rehearsal, level setting, calibration and the like share."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from rigs.actuators.parameters import Parameters
from rigs.audio import SAMPLE_RATE, count_clipped
from rigs.errors import UserError
from rigs.knobs import Setting
from rigs.rig import Ask, Audio, Motion, Moved, Options, Progress, Recording, Rig, SignalPath
from rigs.trajectory import Trajectory

ATTEMPTS = 3


@runtime_checkable
class Raw(Protocol):
    """A signal path that can pass audio without looking for alignment clicks in it."""

    def exchange(self, out: Audio) -> Audio:
        """Play ``out``, shape (frames,), as it is; what came back meanwhile, as it came."""


class _Unaligned(SignalPath):
    """A path by its raw exchange: it also plays where nothing comes back.

    It is not prepared: a path may refuse a return that clips, and to find that is what this is for.
    """

    def __init__(self, path: SignalPath, raw: Raw, gain: float) -> None:
        super().__init__(path.options, path.folder)
        self._path, self._raw, self._gain = path, raw, gain
        self.knobs, self.notice = path.knobs, path.notice

    def open(self, ask: Ask) -> None:
        self._path.open(ask)

    def play(self, dry: Audio, motion: Motion, progress: Progress) -> Recording:
        wet = self._raw.exchange(dry * np.float32(self._gain))
        progress(len(dry) / SAMPLE_RATE)
        return Recording(wet)

    def close(self) -> None:
        self._path.close()


def unaligned(rig: Rig, *, amplified: bool = True) -> Rig:
    """``rig`` with a path that needs no click to come back, if its path can do without.

    What it returns comes late by the path's latency; nothing but what is played is heard, so let
    it begin quietly. ``amplified``: by the path's own ``send_db``, as every dry is; else full scale
    is the converter's.
    """
    path = rig.path
    if path.simulated or not isinstance(path, Raw):
        return rig
    send_db = float(getattr(path.options, "send_db", 0.0)) if amplified else 0.0
    return replace(rig, path=_Unaligned(path, path, 10 ** (send_db / 20)))


def hands_off(rig: Rig) -> Rig:
    """``rig`` with its knobs left where they stand; parameters of the path itself are still set."""
    return replace(rig, actuator=Parameters(Options(), Path()))


def try_take(
    rig: Rig,
    dry: Audio,
    trajectory: Trajectory,
    progress: Progress = lambda _: None,
    harmless: Collection[str] = (),
) -> tuple[Recording, Moved, tuple[str, ...]]:
    """The first take that the path does not flag, or else the third; its flags come last.

    Those that are ``harmless`` do not count. A simulation is not asked twice: it would return the
    same.
    """
    for _ in range(1 if rig.path.simulated else ATTEMPTS):
        recording, moved = rig.take(dry, trajectory, progress)
        flags = tuple(flag for flag in recording.flags if flag not in harmless)
        if not flags:
            break
    return recording, moved, flags


def take(
    rig: Rig,
    dry: NDArray[Any],
    setting: Setting,
    progress: Progress = lambda _: None,
    harmless: Collection[str] = (),
) -> Recording:
    """Play ``dry``, shape (frames,), through the open ``rig`` at ``setting``.

    A take that the path flags is repeated, unless all of its flags are ``harmless``. Raises
    UserError if they all were spoilt, or what came back is not finite or of another length.
    """
    still = Trajectory.still(rig.knobs, setting)
    recording, _, flags = try_take(rig, np.asarray(dry, np.float32), still, progress, harmless)
    if flags:
        raise UserError(
            f"The rig {rig.name!r} spoilt every take ({', '.join(flags)}); close other programs "
            "that use its audio device, and try again."
        )
    wet = recording.wet
    if wet.shape != dry.shape or not np.isfinite(wet).all():
        raise UserError(
            f"The rig {rig.name!r} returned audio of the wrong length or with samples that are "
            "not numbers; check its audio driver."
        )
    return recording


def clips(rig: Rig, wet: NDArray[Any]) -> bool:
    """Whether ``wet`` stands at full scale for two samples in a row: the converter's end.

    A simulation has no converter: its audio may exceed ±1.
    """
    return not rig.path.simulated and count_clipped(wet) > 0
