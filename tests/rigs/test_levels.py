from __future__ import annotations

import math

import numpy as np
import pytest

from rigs import levels, send
from rigs.actuators.parameters import Parameters
from rigs.audio import SAMPLE_RATE, peak_dbfs
from rigs.config import load_rig
from rigs.errors import UserError
from rigs.paths.virtual import VirtualAmpPath
from rigs.rig import Options, Reach, Rig
from rigs.takes import clips, hands_off, take, unaligned
from tests.rigs.bench_rig import Bench, BenchOptions, RawBench

VOLUME_5, VOLUME_10 = {"Volume": 5.0}, {"Volume": 10.0}


@pytest.fixture
def rig(tmp_path):
    return make(tmp_path)


def make(folder, kind=Bench, send_db=0.0, **state):
    path = kind(BenchOptions(state="state.json", send_db=send_db), folder)
    path.turn(**state)
    path.opened = 1
    return Rig("bench", "amp", path.knobs, Parameters(Options(), folder), path)


def heard(rig, setting=VOLUME_5):
    return levels.hear(rig, setting)


def test_the_ladder_begins_in_silence_and_rises_from_minus_40_to_minus_1():
    x = levels.ladder()
    sounding = np.flatnonzero(x)
    assert sounding[0] >= SAMPLE_RATE
    rungs = x[3 * SAMPLE_RATE // 2 :].reshape(5, -1)
    assert [round(peak_dbfs(rung), 1) for rung in rungs] == [-40, -28, -16, -8, -1]
    assert not rungs[:, -SAMPLE_RATE // 4 :].any()


def test_what_is_heard_is_what_the_converter_saw(rig):
    found = heard(rig)
    # 4 V · 0.2 of 2 V: -8 dB, and hardly any of it is bent.
    assert found.peaks[0] == pytest.approx(-40 - 7.96, abs=0.5)
    assert found.peak == pytest.approx(-1 - 7.96, abs=0.2)
    assert found.noise == pytest.approx(20 * math.log10(1e-4 / 2), abs=0.3)
    assert not any(found.clipped)


def test_hum_is_told_from_noise_and_50_from_60_hertz(tmp_path):
    quiet = heard(make(tmp_path))
    humming = heard(make(tmp_path, hum=0.01))
    assert quiet.hum < quiet.noise - 15
    assert humming.hum_hertz == 50
    assert humming.hum == pytest.approx(20 * math.log10(0.01 / 2 / math.sqrt(2)), abs=0.2)
    assert humming.noise == pytest.approx(humming.hum, abs=0.2)


@pytest.mark.parametrize("latency", [0, 3000, 12_000])
def test_a_path_that_is_not_aligned_is_heard_the_same(tmp_path, latency):
    aligned = heard(make(tmp_path))
    late = heard(unaligned(make(tmp_path, RawBench, latency=latency)))
    assert late.peaks == pytest.approx(aligned.peaks, abs=0.05)
    assert late.noise == pytest.approx(aligned.noise, abs=0.3)


@pytest.mark.parametrize("kind", [Bench, RawBench])
def test_what_is_heard_is_amplified_as_a_dry_is(tmp_path, kind):
    plain = heard(unaligned(make(tmp_path, kind)))
    softer = heard(unaligned(make(tmp_path, kind, send_db=-6.0)))
    assert softer.peak == pytest.approx(plain.peak - 6, abs=0.1)


@pytest.mark.parametrize("gain", [-24.0, 0.0, 3.0, 12.0, 24.0, 40.0])
def test_following_the_advice_ends_at_a_level_that_is_right(tmp_path, gain):
    rig = make(tmp_path, input_gain=gain, device_gain=1.0)
    for _ in range(4):
        advice = levels.advise(heard(rig))
        if not advice.turn_db:
            break
        assert ("down" in advice.text) == (advice.turn_db < 0)
        assert f"{abs(advice.turn_db):.0f} dB" in advice.text
        rig.path.turn(input_gain=rig.path.state["input_gain"] + advice.turn_db)
    assert advice.turn_db == 0
    assert levels.COLDEST_DB <= heard(rig).peak <= levels.HOTTEST_DB
    assert not any(heard(rig).clipped)


def test_a_clipped_return_is_turned_down_by_about_what_it_lacks(tmp_path):
    rig = make(tmp_path, input_gain=12.0, device_gain=0.5)
    found = heard(rig)
    assert any(found.clipped)
    rig.path.turn(input_gain=-12.0)
    assert found.expected_peak == pytest.approx(heard(rig).peak + 24, abs=2)
    assert "is clipped" in levels.advise(found).text


@pytest.mark.parametrize("noise", [0.0, 1e-4, 0.1])
def test_nothing_heard_is_no_matter_of_gain(tmp_path, noise):
    advice = levels.advise(heard(make(tmp_path, plugged="nothing", noise=noise)))
    assert "cables" in advice.text
    assert advice.turn_db


def test_the_loudest_setting_decides(rig):
    both = [heard(rig, VOLUME_10), heard(rig)]
    assert levels.loudest(both) is both[0]
    rig.path.turn(input_gain=20.0)
    both = [heard(rig, VOLUME_10), heard(rig)]
    assert all(any(one.clipped) for one in both)
    assert levels.loudest(both) is both[0]


def test_noon_and_all_at_maximum_are_heard(rig):
    assert levels.settings_to_hear(rig) == [VOLUME_5, VOLUME_10]


def test_of_a_rig_with_few_settings_eight_are_heard(rig, monkeypatch):
    only = tuple({"Volume": float(v)} for v in np.linspace(0, 10, 21))
    monkeypatch.setattr(Bench, "reach", Reach(only=only))
    chosen = levels.settings_to_hear(rig)
    assert 1 < len(chosen) <= levels.MOST_SETTINGS
    assert all(one in only for one in chosen)


def test_a_simulation_cannot_clip():
    path = VirtualAmpPath(Options(), None)
    rig = Rig("virtual", "virtual-amp", path.knobs, Parameters(Options(), None), path)
    assert not clips(rig, np.full(4, 2.0))
    found = heard(rig, path.knobs.default)
    assert not any(found.clipped)
    assert found.peak > -40


def test_two_full_samples_in_a_row_are_clipped_one_is_a_peak(rig):
    assert not clips(rig, np.array([0.5, 1.0, 0.5]))
    assert clips(rig, np.array([0.5, -1.0, -1.0]))


# --- the send -------------------------------------------------------------------------------


def test_a_clean_send_is_clean_to_full_scale(tmp_path):
    found = send.hear_send(make(tmp_path, plugged="cable", input_gain=-9.0))
    assert found.hottest_clean == 0.0
    assert send.advise_send(found) == (
        True,
        "The send is clean up to full scale: play it with send_db = 0.",
    )


@pytest.mark.parametrize("latency", [0, 700, 12_000])
def test_the_same_however_late_it_comes(tmp_path, latency):
    rig = make(tmp_path, RawBench, plugged="cable", input_gain=-9.0, latency=latency)
    found = send.hear_send(unaligned(rig))
    assert found.hottest_clean == 0.0
    assert max(found.distortion[4:]) < 1e-4
    assert found.gain_db == pytest.approx([20 * math.log10(4 / 2) - 9] * 12, abs=0.05)


def test_the_send_is_judged_at_the_converter_not_after_send_db(tmp_path):
    rig = make(tmp_path, RawBench, send_db=-20.0, plugged="cable", input_gain=-9.0, rail=2.2)
    assert send.hear_send(unaligned(rig, amplified=False)).hottest_clean == -6.0


def test_harmonics_alone_make_a_send_dirty():
    rungs = len(send.LADDER)
    found = send.Send((0.0,) * rungs, (1e-4,) * (rungs - 3) + (2e-3,) * 3, (False,) * rungs)
    assert found.hottest_clean == send.LADDER[-4]


def test_an_output_stage_that_bends_is_found_where_it_bends(tmp_path):
    # It cuts at 2.2 of 4 V: -5.2 dBFS.
    rig = make(tmp_path, RawBench, plugged="cable", input_gain=-9.0, rail=2.2, latency=700)
    found = send.hear_send(unaligned(rig))
    assert found.hottest_clean == -6.0
    settled, text = send.advise_send(found)
    assert not settled
    assert "output knob down by about 6 dB" in text


def test_a_return_that_clips_first_must_be_turned_down(tmp_path):
    found = send.hear_send(make(tmp_path, plugged="cable", input_gain=0.0))
    settled, text = send.advise_send(found)
    assert not settled
    assert "input gain down by about 12 dB" in text


def test_without_the_cable_the_send_is_not_judged(tmp_path):
    with pytest.raises(UserError, match="does not come back"):
        send.hear_send(make(tmp_path, plugged="nothing"))


def test_an_amp_is_not_taken_for_a_cable(tmp_path):
    found = send.hear_send(make(tmp_path, device_gain=30.0, input_gain=-12.0))
    settled, text = send.advise_send(found)
    assert not settled
    assert "straight from output to input" in text


# --- takes ----------------------------------------------------------------------------------


def test_a_spoilt_take_is_repeated_and_three_are_an_error(rig):
    rig.path.spoil = ["xrun", "xrun"]
    assert take(rig, np.zeros(480), VOLUME_5).flags == ()
    rig.path.spoil = ["xrun"] * 3
    with pytest.raises(UserError, match=r"spoilt every take \(xrun\)"):
        take(rig, np.zeros(480), VOLUME_5)


def test_a_flag_may_be_harmless(rig):
    rig.path.spoil = ["no latency"]
    assert take(rig, np.zeros(480), VOLUME_5, harmless=["no latency"]).flags == ("no latency",)
    assert rig.path.spoil == []


def test_audio_that_is_no_audio_is_refused(rig, monkeypatch):
    for wet in (np.zeros(3), np.full(480, np.nan)):
        monkeypatch.setattr(Bench, "_pass", lambda *_, wet=wet: wet)
        with pytest.raises(UserError, match="wrong length or with samples"):
            take(rig, np.zeros(480), VOLUME_5)


def test_hands_off_turns_nothing(rig):
    class Untouchable(Parameters):
        def open(self, *_):
            raise AssertionError

        go = prepare = open

    rig = Rig("bench", "amp", rig.knobs, Untouchable(Options(), None), rig.path)
    rig.path.opened = 0
    left = hands_off(rig)
    left.open()
    assert len(take(left, np.zeros(480), VOLUME_5).wet) == 480
    left.close()


def test_a_path_without_a_raw_exchange_is_used_as_it_is(rig):
    assert unaligned(rig) is rig


def test_load_rig_is_what_these_helpers_stand_for(tmp_path, monkeypatch):
    from rigs.registry import PATHS
    from tests.rigs.bench_rig import TOML

    monkeypatch.setitem(PATHS, "bench", "tests.rigs.bench_rig:Bench")
    (tmp_path / "bench.toml").write_text(TOML)
    rig = load_rig(tmp_path / "bench.toml")
    rig.open()
    assert heard(rig).peak < 0
