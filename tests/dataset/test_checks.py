import numpy as np
import pytest

from dataset.checks import THRESHOLDS, judge, noise_floor, thresholds
from rigs.audio import count_clipped
from rigs.errors import UserError

RNG = np.random.default_rng(0)
DRY = 0.1 * RNG.standard_normal(48_000)


def look(wet, *, simulated=False, **changes):
    return judge(DRY, wet, simulated, thresholds(changes))


def test_a_good_take_has_no_flags_and_the_right_levels():
    wet = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(48_000) / 48_000)
    verdict = look(wet)
    assert verdict.flags == verdict.fatal == ()
    assert verdict.clipped == 0
    assert verdict.peak_dbfs == pytest.approx(-6.02, abs=0.01)
    assert verdict.rms_dbfs == pytest.approx(-9.03, abs=0.01)
    assert verdict.noise_floor_dbfs == pytest.approx(-9.03, abs=0.01)


@pytest.mark.parametrize("top", [1.0, -1.0, 1 - 2**-23, 3.0])
def test_runs_at_full_scale_are_counted(top):
    wet = DRY.copy()
    wet[[10, 20, 21, 22, 40, 41]] = top
    assert count_clipped(wet, 2) == 5
    assert count_clipped(wet, 3) == 3
    assert look(wet).flags == ("clipped",)
    assert look(wet, clip_run=4).flags == ()
    assert look(wet, simulated=True).flags == ()


def test_the_ends_of_a_take_count_too():
    assert count_clipped(np.ones(5), 2) == 5
    assert count_clipped(np.array([1.0, 0.9, 1.0]), 2) == 0


def test_silence_is_wrong_only_if_the_dry_was_loud_and_the_cable_is_real():
    silent = np.full(48_000, 1e-6)
    assert look(silent).flags == ("silent",)
    assert look(silent, simulated=True).flags == ()
    assert look(silent, silence_dbfs=-130).flags == ()
    assert judge(DRY * 1e-4, silent, False, THRESHOLDS).flags == ()


def test_a_direct_current_is_found_and_a_low_note_is_not_one():
    assert look(DRY + 0.02).flags == ("dc offset",)
    assert look(DRY + 0.02, simulated=True).flags == ()
    note = np.where(np.arange(48_000) < 1200, 0.5, 0.0)
    assert note.mean() > THRESHOLDS["dc_offset"]
    assert look(DRY + note).flags == ()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_a_number_cannot_be_stored(bad):
    wet = DRY.copy()
    wet[7] = bad
    assert look(wet).fatal == ("not finite",)


@pytest.mark.parametrize("wet", [DRY[:-1], np.append(DRY, 0), DRY[:, None], DRY[:0]])
def test_a_wrong_length_cannot_be_stored(wet):
    assert look(wet).fatal == ("wrong length",)


def test_the_noise_floor_is_the_level_of_the_pauses():
    wet = np.concatenate([DRY, 1e-4 * RNG.standard_normal(9600)])
    assert noise_floor(wet) == pytest.approx(-80, abs=0.5)
    assert noise_floor(np.zeros(9600)) == -np.inf
    assert noise_floor(np.full(100, 0.1)) == pytest.approx(-20)


def test_a_rig_may_change_thresholds_but_not_invent_them():
    assert thresholds({"dc_offset": 0.5})["dc_offset"] == 0.5
    with pytest.raises(UserError, match="no check 'dc'"):
        thresholds({"dc": 0.5})
    with pytest.raises(UserError, match="give a number"):
        thresholds({"dc_offset": float("nan")})
