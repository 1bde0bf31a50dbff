"""A simulated rig played as if it were a real one: at a level, late, with a converter's noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rigs.rig import Options, Recording, SignalPath


class Converted(SignalPath):
    """Plays through ``inner``, and records it with noise that no two takes share.

    ``spoil`` says what to do to each take, one after another, dry and wet given.
    """

    def __init__(self, inner, gain=0.05, noise=1e-5, spoil=()):
        self.options = Options()
        self.inner, self.gain, self.noise = inner, gain, noise
        self.knobs = inner.knobs
        self.spoil = list(spoil)
        self.plays = 0
        self._rng = np.random.default_rng(0)

    @property
    def reach(self):
        return self.inner.reach

    def open(self, ask):
        self.inner.open(ask)

    def prepare(self):
        self.inner.prepare()

    def play(self, dry, motion, progress):
        wet = self.gain * self.inner.play(dry, motion, progress).wet
        wet = wet + self.noise * self._rng.standard_normal(len(wet))
        if self.plays < len(self.spoil) and self.spoil[self.plays]:
            wet = self.spoil[self.plays](dry, wet)
        self.plays += 1
        return Recording(np.clip(wet, -1, 1).astype(np.float32), 312.4)

    def close(self):
        self.inner.close()


def as_if_live(rig, **path):
    return replace(rig, path=Converted(rig.path, **path))
