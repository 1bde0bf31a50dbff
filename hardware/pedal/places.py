"""Where a pedal's pots stand, by its sound: all of them and the audio path, fitted together.

One after the other they could not be found: a pot that stands wrong moves the sound of all takes,
and with it what every other one seems to do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hardware.pedal.audio_path import AudioPath, Samples, fit
from rigs.audio import rms_dbfs
from rigs.knobs import Knob, KnobTable, Setting
from rigs.rig import Audio

PLACES = 5
"""Positions of each pot that are captured, both ends included."""
SILENT = -60.0
"""dBFS RMS: below this an ESR means nothing."""
STEP = 0.02
"""Of a knob's range: by how much it is moved to see what that does."""
HEARD, LEAST = 0.05, 1e-6
"""A pot is heard if so much of its range changes the sound by more than the model is off by, and by
more than this ESR. As much as this, too, counts a place that is so far from where it was sent."""
ROUNDS, ENOUGH = 12, 1e-3
"""The most steps, and the share of the error that a step worth another one takes away."""

Model = Callable[[Setting], Audio]


@dataclass(frozen=True)
class Take:
    """What came back at a setting, in band."""

    setting: Setting
    wet: Samples

    def error(self, output: Samples) -> float:
        """ESR of ``output``; nan if the take is silent."""
        if rms_dbfs(self.wet) < SILENT:
            return float("nan")
        # No dot products, as in rigs.audio.esr: hundreds of them wait for BLAS' threads.
        return float(np.square(self.wet - output).sum() / np.square(self.wet).sum())


@dataclass(frozen=True)
class Pot:
    """Where a pot was sent and where, by the sound, it stands; in panel positions.

    Places that are not heard are left out; if all are, its turning is not heard.
    """

    knob: Knob
    asked: tuple[float, ...]
    found: tuple[float, ...]

    @property
    def error(self) -> float | None:
        """The worst, as a share of the knob's range; None if it cannot be told."""
        if not self.found:
            return None
        away = np.abs(np.subtract(self.found, self.asked))
        return float(away.max() / (self.knob.maximum - self.knob.minimum))


def places(knob: Knob) -> NDArray[np.float64]:
    """The positions of a pot that are captured, from end to end; all of a switch's."""
    if knob.detents:
        return np.arange(len(knob.detents), dtype=float)
    return np.linspace(knob.minimum, knob.maximum, PLACES)


def find(
    knobs: KnobTable,
    takes: Sequence[Take],
    model: Model,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> tuple[tuple[Pot, ...], AudioPath]:
    """Each pot's places and the audio path, from takes that have each pot at all of its places.

    By least squares (D. W. Marquardt, An Algorithm for Least-Squares Estimation of Nonlinear
    Parameters, 1963): each take counts by its own power. A switch stands in one of its detents,
    which are tried once pots and path are known. Raises UserError if the model is silent.
    """
    heard = [take for take in takes if rms_dbfs(take.wet) >= SILENT]
    start = fit([(model(take.setting), take.wet) for take in heard])
    problem = _Problem(knobs, heard, model)
    at = problem.start(start)
    error, slope, matrix = problem.linear(at)
    damping = 1e-3
    for number in range(ROUNDS):
        progress("comparing with the model", number, ROUNDS)
        damped = matrix + damping * np.diag(matrix.diagonal() + 1e-12)
        moved = problem.within(at + np.linalg.solve(damped, slope))
        after = problem.error(moved)
        if after >= error:
            damping *= 10
            continue
        gained, at, damping = 1 - after / error, moved, damping / 10
        error, slope, matrix = problem.linear(at)
        if gained < ENOUGH:
            break
    return problem.pots(at, matrix), problem.path(at)


@dataclass(frozen=True)
class _Problem:
    """Numbers: the places of all pots that are no switches, then the path's three."""

    knobs: KnobTable
    takes: Sequence[Take]
    model: Model

    @property
    def _pots(self) -> list[Knob]:
        return [knob for knob in self.knobs if not knob.detents]

    @property
    def _asked(self) -> NDArray[np.float64]:
        return np.concatenate([places(knob) for knob in self._pots] or [np.zeros(0)])

    @property
    def _ranges(self) -> NDArray[np.float64]:
        return np.repeat([knob.maximum - knob.minimum for knob in self._pots], PLACES)

    @property
    def _prior(self) -> NDArray[np.float64]:
        """How much a place counts that is away from where it was sent: what nothing is heard of
        stays there."""
        return LEAST / (HEARD * self._ranges) ** 2

    def start(self, path: AudioPath) -> NDArray[np.float64]:
        return np.array([*self._asked, *path.numbers])

    def path(self, at: NDArray[np.float64]) -> AudioPath:
        return AudioPath.of(at[-3:])

    def within(self, at: NDArray[np.float64]) -> NDArray[np.float64]:
        low = np.repeat([knob.minimum for knob in self._pots], PLACES)
        places_ = np.clip(at[:-3], low, low + self._ranges)
        return np.array([*places_, *AudioPath.of(at[-3:]).numbers])

    def _shares(self, number: int, asked: float) -> NDArray[np.float64]:
        """How far each place of a pot decides where it stands when it is sent to ``asked``."""
        grid, unit = places(self._pots[number]), np.eye(PLACES)
        return np.array([np.interp(asked, grid, row) for row in unit])

    def _stands(self, at: NDArray[np.float64], setting: Setting) -> Setting:
        stands = dict(setting)
        for number, knob in enumerate(self._pots):
            own = at[number * PLACES : (number + 1) * PLACES]
            stands[knob.name] = float(self._shares(number, setting[knob.name]) @ own)
        return stands

    def _away(self, at: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(self._asked - at[:-3])

    def error(self, at: NDArray[np.float64]) -> float:
        """The sum of the ESRs, and what the places are away."""
        path = self.path(at)
        takes = (t.error(path.through(self.model(self._stands(at, t.setting)))) for t in self.takes)
        return sum(takes) + float(self._prior @ self._away(at) ** 2)

    def linear(
        self, at: NDArray[np.float64]
    ) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
        """The error, half its slope downwards, and half its bend, at these numbers."""
        size, path = len(at), self.path(at)
        slope, bend = np.zeros(size), np.zeros((size, size))
        for take in self.takes:
            stands = self._stands(at, take.setting)
            raw = self.model(stands)
            now = path.through(raw)
            columns, spread = [], np.zeros((len(self._pots) + 3, size))
            for number, knob in enumerate(self._pots):
                step = STEP * (knob.maximum - knob.minimum)
                if stands[knob.name] + step > knob.maximum:
                    step = -step
                there = self.model({**stands, knob.name: stands[knob.name] + step})
                columns.append((path.through(there) - now) / step)
                own = slice(number * PLACES, (number + 1) * PLACES)
                spread[number, own] = self._shares(number, take.setting[knob.name])
            for number, other in enumerate(path.beside()):
                columns.append((other.through(raw) - now) / (other.numbers - path.numbers)[number])
                spread[len(self._pots) + number, size - 3 + number] = 1
            power = np.square(take.wet).sum()
            gram = np.array([[(a * b).sum() for b in columns] for a in columns]) / power
            against = np.array([(a * (take.wet - now)).sum() for a in columns]) / power
            slope += spread.T @ against
            bend += spread.T @ gram @ spread
        slope[:-3] += self._prior * self._away(at)
        bend[np.diag_indices(size - 3)] += self._prior
        return self.error(at), slope, bend

    def pots(self, at: NDArray[np.float64], bend: NDArray[np.float64]) -> tuple[Pot, ...]:
        """What was found, of all knobs in their order."""
        path, found = self.path(at), []
        change = bend.diagonal()[:-3] * (HEARD * self._ranges) ** 2
        number = 0
        for knob in self.knobs:
            if knob.detents:
                found.append(self._switch(knob, at, path))
                continue
            own = slice(number * PLACES, (number + 1) * PLACES)
            number += 1
            pairs = zip(places(knob), at[own], change[own], strict=True)
            least = [self._off(knob, asked, at) for asked in places(knob)]
            told = [
                (float(asked), float(stands))
                for (asked, stands, much), off in zip(pairs, least, strict=True)
                if much > 2 * LEAST and much > off
            ]
            found.append(Pot(knob, tuple(a for a, _ in told), tuple(s for _, s in told)))
        return tuple(found)

    def _off(self, knob: Knob, asked: float, at: NDArray[np.float64]) -> float:
        """By how much the model is off where this pot was sent there and all others home."""
        home = {**self.knobs.default, knob.name: float(asked)}
        path = self.path(at)
        errors = [
            take.error(path.through(self.model(self._stands(at, take.setting))))
            for take in self.takes
            if take.setting == home
        ]
        return min(errors, default=np.inf)

    def _switch(self, knob: Knob, at: NDArray[np.float64], path: AudioPath) -> Pot:
        asked, found = [], []
        for detent in places(knob):
            home = {**self.knobs.default, knob.name: float(detent)}
            for take in [take for take in self.takes if take.setting == home][:1]:
                stands = self._stands(at, home)
                errors = [
                    take.error(path.through(self.model({**stands, knob.name: float(other)})))
                    for other in places(knob)
                ]
                if max(errors) > 2 * min(errors) + LEAST:
                    asked.append(float(detent))
                    found.append(float(np.argmin(errors)))
        return Pot(knob, tuple(asked), tuple(found))


def stood(pots: Sequence[Pot], setting: Setting) -> Setting:
    """Where the pots stand, as they were found to, when they are sent to ``setting``."""
    stands = dict(setting)
    for pot in pots:
        if pot.found:
            place = float(np.interp(setting[pot.knob.name], pot.asked, pot.found))
            stands[pot.knob.name] = float(round(place)) if pot.knob.detents else place
    return stands
