"""The power stage: phase inverter, push-pull tubes on a supply that sags, transformer."""

from __future__ import annotations

import numpy as np

from rigs.virtual.components import PowerStage
from rigs.virtual.filters import Array, FixedFilter, one_pole
from rigs.virtual.oversampling import FACTOR, Downsampler, Upsampler
from rigs.virtual.preamp import glide
from rigs.virtual.triode import Waveshaper


class PowerAmp:
    """Volts at the phase inverter's grid -> output, 1.0 = 0 dBFS, both at the base rate."""

    def __init__(self, parts: PowerStage, rate: float) -> None:
        headroom = parts.inverter_headroom
        self._up = Upsampler()
        self._inverter = Waveshaper(((headroom, 0.0, headroom),))
        corner = 1 / (2 * np.pi * parts.inverter_source * parts.inverter_capacitor)
        self._grids = FixedFilter(*one_pole("low", corner, rate * FACTOR))
        self._sag = Sag(parts, rate)
        self._tubes = Waveshaper(((1.0, parts.mismatch, 1.0),))
        self._tube_headroom = parts.tube_headroom
        self._down = Downsampler(early=1.0)  # two waveshapers, half a sample each
        self._low = FixedFilter(*one_pole("high", parts.transformer_low, rate))
        self._high = FixedFilter(*one_pole("low", parts.transformer_high, rate))
        self._full_output = parts.full_output

    def process(self, grid: Array) -> Array:
        """``grid``: (BLOCK,) volts; the same shape, LATENCY samples later."""
        inverted = self._inverter.process(self._up.process(grid))
        drive = self._grids.process(inverted) / self._tube_headroom
        headroom = self._sag.process(drive)
        swing = self._tubes.process(drive / headroom) * headroom
        output = self._high.process(self._low.process(self._down.process(swing)))
        return self._full_output * output


class Sag:
    """The supply falls with the mean output current, and the tubes' headroom with it.

    The current of a pair in class AB is as the magnitude of its output; its mean charges the
    supply's capacitor through the supply's resistance. Feed-forward, at the base rate.
    """

    def __init__(self, parts: PowerStage, rate: float) -> None:
        self._depth = parts.current_swing * parts.supply_resistance / parts.supply
        keep = np.exp(-1 / (parts.supply_resistance * parts.supply_capacitor * rate))
        self._lag = FixedFilter(np.array([1 - keep]), np.array([1.0, -keep]))
        self._last = 1.0

    def process(self, drive: Array) -> Array:
        """``drive`` relative to full headroom, (n * FACTOR,); the headroom, same shape."""
        power = np.square(drive).reshape(-1, FACTOR).mean(axis=1)
        current = np.sqrt(power / (1 + power))
        headroom = 1 - self._depth * self._lag.process(current)
        result = glide(self._last, headroom)
        self._last = float(headroom[-1])
        return result
