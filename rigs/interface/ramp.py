"""The first sound of a session: it rises from quiet, and what comes back is watched."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rigs import clicks
from rigs.audio import FULL_SCALE, SAMPLE_RATE, Audio, rms_dbfs
from rigs.errors import UserError

START_DB = -40.0
RMS = 0.125
"""As loud as playing is, -18 dBFS; peaks reach -1 dBFS."""
QUIET = SAMPLE_RATE // 10
REST = SAMPLE_RATE // 2
"""Silence after the noise, in which it must die away."""

_CLIPPED = 3
_HEARD_DB = 12.0
_DIES_DB = 1.0


class Ramp:
    """Silence, noise that rises for ``seconds`` from -40 dB to ``gain``, silence, and clicks."""

    def __init__(self, seconds: float, gain: float, wait: int) -> None:
        rising = round(seconds * SAMPLE_RATE)
        self.rest_at = QUIET + rising
        self.clicks_at = self.rest_at + REST + wait
        self._wait = wait
        db = np.linspace(START_DB, 0, rising)
        noise = np.random.default_rng(1).standard_normal(rising)
        noise = np.clip(RMS * noise, -0.89, 0.89) * 10 ** (db / 20) * gain
        noise[-480:] *= np.linspace(1, 0, 480)  # a step would be a click of its own
        out = np.zeros(self.clicks_at + clicks.FRAMES + wait)
        out[QUIET : self.rest_at] = noise
        train = min(gain, 1 / clicks.LEVEL) * clicks.click_train()
        out[self.clicks_at : self.clicks_at + clicks.FRAMES] = train
        self.out: Audio = out.astype(np.float32)
        self.clicks: Audio = np.zeros_like(self.out)
        """What a loop-back is sent meanwhile."""
        self.clicks[self.clicks_at : self.clicks_at + clicks.FRAMES] = clicks.click_train()
        self._watched = 0

    def watch(self, heard: NDArray[Any]) -> None:
        """Raise UserError as soon as what came back, shape (frames,), clips."""
        start, self._watched = self._watched, len(heard)
        clipped = start + np.flatnonzero(np.abs(heard[start:]) >= FULL_SCALE)
        if len(clipped) < _CLIPPED:
            return
        left = 1 - (clipped[0] - QUIET) / (self.rest_at - QUIET)
        when = f", {left * -START_DB:.0f} dB below the level that is sent" if left > 0 else ""
        raise UserError(
            f"The return clips{when}, and was muted; turn the interface's input gain or the amp "
            "down (`ampsweep rigs level` says by how much), or lower send_db, and look for "
            "feedback."
        )

    def latency(self, heard: NDArray[Any]) -> float | None:
        """By the clicks at the end of ``heard``, shape (frames,); None if they cannot be heard."""
        try:
            return clicks.find_latency(heard, start=self.clicks_at, longest=self._wait)
        except UserError:
            return None

    def check(self, heard: NDArray[Any]) -> None:
        """Raise UserError if what came back does not die away once the noise is over."""
        before = rms_dbfs(heard[: QUIET - 480])
        rest = self.rest_at + self._wait
        soon = rms_dbfs(heard[rest : rest + REST // 4])
        last = rms_dbfs(heard[self.clicks_at - REST // 4 : self.clicks_at])
        if soon > max(before, -80.0) + _HEARD_DB and last > soon - _DIES_DB:
            raise UserError(
                "What comes back does not die away after the sound ends: that is feedback, or an "
                "echo; turn off the interface's direct monitoring, and any delay and reverb."
            )
