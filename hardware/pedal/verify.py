"""A finished pedal against its model: what its pots, its noise and its audio path make of it.

The pedal stands where the amp stood: a rig turns its knobs and passes the audio. Its model plays
the same dry at the same settings, and the two are compared. What the audio path does to all of
them alike is found first and put into the model, so that it is not held against the pots. Both
are compared from 10 Hz to 18 kHz, which all converters pass alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.stats import qmc

from hardware.pedal.audio_path import AudioPath, in_band
from hardware.pedal.places import SILENT, Model, Pot, Take, find, places, stood
from rigs import takes
from rigs.audio import SAMPLE_RATE, esr, rms_dbfs
from rigs.errors import UserError
from rigs.knobs import KnobTable, Setting
from rigs.rig import Audio, Rig

Player = Callable[[Audio, Setting], Audio]
"""The model: dry audio and a full setting to wet audio, from silence, at the model's own levels."""

_QUIET = 0.5
"""Seconds of silence whose noise is measured."""


@dataclass(frozen=True)
class Levels:
    """NAM's levels of the rig and of the model in dBu; None where one is not calibrated."""

    rig_input: float | None = None
    rig_output: float | None = None
    model_input: float | None = None
    model_output: float | None = None

    @property
    def known(self) -> bool:
        return None not in (self.rig_input, self.rig_output, self.model_input, self.model_output)

    def gains(self) -> tuple[float, float]:
        """Of what the model is given and of what it returns, so that both are in the rig's dBFS."""
        if self.rig_input is None or self.model_input is None:
            return 1.0, 1.0
        into = 10 ** ((self.rig_input - self.model_input) / 20)
        if self.rig_output is None or self.model_output is None:
            return into, 1.0
        return into, 10 ** ((self.model_output - self.rig_output) / 20)


@dataclass(frozen=True)
class Compared:
    """One setting: ESR as it was played, and with the pots where they were found to stand."""

    setting: Setting
    as_played: float
    corrected: float


@dataclass(frozen=True)
class Found:
    """All that was measured. ESRs are against the model with the audio path put into it."""

    pots: tuple[Pot, ...]
    settings: tuple[Compared, ...]
    floor: float
    """ESR of a setting against itself, played a second time after all others."""
    path: AudioPath
    calibrated: bool
    """Whether the path's level means something."""
    playing_dbfs: float
    noise_dbfs: float
    latencies: tuple[float, ...]
    clipped: int


def settings_for(knobs: KnobTable, count: int, seed: int) -> list[Setting]:
    """``count`` settings spread over the panel (a Latin hypercube), switches in a detent."""
    spread = qmc.LatinHypercube(len(knobs), rng=np.random.default_rng(seed)).random(count)
    return [knobs.to_setting(knobs.from_unit(2 * row - 1)) for row in spread]


def measure(
    rig: Rig,
    player: Player,
    dry: Audio,
    others: Sequence[Setting],
    levels: Levels,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> Found:
    """Play ``dry``, shape (frames,), through the open ``rig`` and through the model, and compare.

    ``progress`` is told what is done, and how many steps of how many. Raises UserError if nothing
    comes back.
    """
    home = rig.knobs.default
    swept = [{**home, k.name: float(x)} for k in rig.knobs for x in places(k)]
    wanted = [home, *swept, *others, home]
    quiet = takes.take(rig, np.zeros(round(_QUIET * SAMPLE_RATE), np.float32), home)
    played = []
    for number, setting in enumerate(wanted):
        progress("playing", number, len(wanted))
        played.append(takes.take(rig, dry, setting))
    playing = rms_dbfs(played[0].wet)
    if playing < SILENT:
        raise UserError(
            "With its pots at their defaults the pedal is silent; check its cables, that it is on "
            "and not bypassed, and that no volume pot has its default at 0."
        )
    heard = [
        Take(setting, in_band(recording.wet))
        for setting, recording in zip(wanted, played, strict=True)
    ]
    model = _model(rig.knobs, player, dry, levels)
    # The others are no part of the fit: they judge it.
    pots, path = find(rig.knobs, [*heard[: 1 + len(swept)], heard[-1]], model, progress)
    return Found(
        pots=pots,
        settings=tuple(
            Compared(
                take.setting,
                take.error(path.through(model(take.setting))),
                take.error(path.through(model(stood(pots, take.setting)))),
            )
            for take in (heard[0], *heard[1 + len(swept) : -1])
        ),
        floor=esr(played[0].wet, played[-1].wet),
        path=path,
        calibrated=levels.known,
        playing_dbfs=playing,
        noise_dbfs=rms_dbfs(quiet.wet - quiet.wet.mean()),
        latencies=tuple(recording.latency for recording in played),
        clipped=sum(takes.clips(rig, recording.wet) for recording in played),
    )


def _model(knobs: KnobTable, player: Player, dry: Audio, levels: Levels) -> Model:
    """What the model makes of the dry, in the rig's dBFS, and in band; played only once each."""
    into, out = levels.gains()
    given = (into * dry).astype(np.float32)

    @cache
    def played(at: tuple[float, ...]) -> Audio:
        wet = player(given, dict(zip(knobs.names, at, strict=True)))
        return in_band(out * wet).astype(np.float32)

    return lambda setting: played(tuple(round(setting[name], 5) for name in knobs.names))
