"""What the amp remembers for long: supply sag and grid blocking."""

from dataclasses import replace

import numpy as np
import pytest
from virtual_signals import RATE

from rigs.virtual.components import COMPONENTS
from rigs.virtual.oversampling import FACTOR
from rigs.virtual.power import Sag
from rigs.virtual.preamp import GridBlocking, glide
from rigs.virtual.triode import load_line


def test_supply_sags_by_ohms_law_in_its_time_constant():
    parts = COMPONENTS.power
    headroom = Sag(parts, RATE).process(np.full(RATE * FACTOR, 1e6))
    droop = parts.current_swing * parts.supply_resistance / parts.supply
    assert headroom[-1] == pytest.approx(1 - droop, rel=1e-6)
    seconds = parts.supply_resistance * parts.supply_capacitor
    at = headroom[int(seconds * RATE) * FACTOR]
    assert (1 - at) / droop == pytest.approx(1 - np.exp(-1), rel=0.01)


def test_supply_rests_in_silence():
    np.testing.assert_array_equal(Sag(COMPONENTS.power, RATE).process(np.zeros(800)), 1.0)


def test_grid_blocks_only_once_it_conducts():
    parts = COMPONENTS.coupling
    square = np.tile(np.repeat([1.0, -1.0], 40), 9600)  # 2 s at the high rate
    quiet = 0.99 * parts.conduction * square
    np.testing.assert_array_equal(GridBlocking(parts, RATE).process(quiet), quiet)
    loud = (parts.conduction + 10) * square
    shift = (loud - GridBlocking(parts, RATE).process(loud))[-8000:]
    half = parts.leak / (parts.source + parts.series) / 2
    assert shift.mean() == pytest.approx(10 * half / (1 + half), rel=0.01)


def test_conduction_starts_at_the_second_cathodes_voltage():
    stage = COMPONENTS.second
    # Without a tube's current through it the plate would stand at the supply.
    swing_to_cutoff = load_line(stage, np.array([-100.0]))[0]
    cathode = swing_to_cutoff / (stage.plate / stage.cathode)
    assert COMPONENTS.coupling.conduction == pytest.approx(cathode, rel=0.01)


def test_less_resistance_less_sag():
    stiff = replace(COMPONENTS.power, supply_resistance=10.0)
    loud = np.full(RATE * FACTOR // 4, 3.0)
    soft_end = Sag(COMPONENTS.power, RATE).process(loud)[-1]
    assert Sag(stiff, RATE).process(loud)[-1] > soft_end


def test_glide_arrives_on_each_value():
    values = np.array([1.0, 5.0])
    result = glide(-1.0, values)
    np.testing.assert_allclose(result[FACTOR - 1 :: FACTOR], values)
    np.testing.assert_allclose(np.diff(result[FACTOR - 1 :]), 0.5)
