"""The triode curves: Koren's tube on its load line, and the sigmoids that stand for it."""

import numpy as np
import pytest
from scipy.optimize import least_squares

from rigs.virtual.components import COMPONENTS, Koren
from rigs.virtual.triode import Waveshaper, load_line, plate_current

STAGES = {"first": COMPONENTS.first, "second": COMPONENTS.second}


def drive_grid(limit):
    """Drives in V, dense around zero: shape (801,)."""
    return limit * np.sinh(3.5 * np.linspace(-1, 1, 801)) / np.sinh(3.5)


def test_koren_plate_current_is_the_published_one():
    # Worked example with the same parameters in Steck, "Analog and Digital Electronics",
    # chapter 6: 1.07 mA and 1880 µS at 221 V, -1.61 V.
    plate, step = np.array([221.0]), 0.01
    current, more, less = (
        plate_current(Koren(), plate, np.array([-1.61 + offset]))[0] for offset in (0, step, -step)
    )
    assert current == pytest.approx(1.07e-3, rel=0.01)
    assert (more - less) / (2 * step) == pytest.approx(1880e-6, rel=0.01)


def test_the_usual_stage_amplifies_by_sixty_and_inverts():
    low, idle, high = load_line(COMPONENTS.first, np.array([-0.01, 0.0, 0.01]))
    assert (high - low) / 0.02 == pytest.approx(-60, rel=0.05)
    assert abs(idle) < 1e-3


@pytest.mark.parametrize("name", STAGES)
def test_sigmoids_follow_the_load_line(name):
    stage = STAGES[name]
    drive = drive_grid(stage.fit_range)
    target = load_line(stage, drive)
    swing = np.ptp(target)
    error = Waveshaper(stage.sigmoids).curve(drive) - target
    assert np.sqrt(np.mean(error**2)) < 0.01 * swing
    assert np.abs(error).max() < 0.03 * swing


@pytest.mark.parametrize("name", STAGES)
def test_the_fit_in_the_table_is_a_fit(name):
    """Fitting again from the table's constants finds nothing better, and stays where it is."""
    stage = STAGES[name]
    drive = drive_grid(stage.fit_range)
    target = load_line(stage, drive)

    def error(flat):
        rows = tuple(map(tuple, flat.reshape(-1, 3)))
        return Waveshaper(rows).curve(drive) - target

    start = np.ravel(stage.sigmoids)
    again = least_squares(error, start, x_scale=np.tile([30.0, 1.0, 1.0], 3), max_nfev=200)
    assert np.sum(error(start) ** 2) <= 2.02 * again.cost
    np.testing.assert_allclose(again.x, start, rtol=0.05, atol=0.05)


def test_waveshaper_slope_is_the_mean_of_the_curve_between_samples():
    """First-order antiderivative antialiasing: the mean of the curve over a straight line."""
    shaper = Waveshaper(COMPONENTS.second.sigmoids)
    samples = np.array([0.3, 0.3, 4.0, -7.0, -7.0 + 1e-9])
    between = np.linspace(0, 1, 20001)
    before = np.concatenate([[0.0], samples[:-1]])
    lines = before[:, None] + (samples - before)[:, None] * between
    expected = np.trapezoid(shaper.curve(lines), between, axis=1)
    np.testing.assert_allclose(shaper.process(samples), expected, atol=1e-5)


def test_waveshaper_gives_the_same_in_pieces():
    samples = np.random.default_rng(1).normal(0, 3, 10_000)
    whole = Waveshaper(COMPONENTS.first.sigmoids).process(samples)
    shaper = Waveshaper(COMPONENTS.first.sigmoids)
    parts = [shaper.process(piece) for piece in np.split(samples, [17, 4000, 9999])]
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-12)
