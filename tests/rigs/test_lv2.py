"""The LV2 host with the plugins that Debian has."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from rigs.audio import SAMPLE_RATE, rms_dbfs
from rigs.lv2.catalogue import describe, installed
from rigs.paths.lv2 import Lv2Options, Lv2Path
from rigs.plugins.path import values_of
from rigs.rig import Motion, nobody
from rigs.trajectory import Trajectory

STUDIOPRE = "http://guitarix.sourceforge.net/plugins/gx_studiopre#studiopre"
AMP = "http://guitarix.sourceforge.net/plugins/gx_amp#GUITARIX"
ZAMTUBE = "urn:zamaudio:ZamTube"
ZAMPHONO = "urn:zamaudio:ZamPhono"
DRY = (0.1 * np.random.default_rng(0).standard_normal(SAMPLE_RATE // 2)).astype(np.float32)


@pytest.fixture(scope="module", params=[STUDIOPRE, AMP, ZAMTUBE], ids=["studiopre", "amp", "tube"])
def path(request):
    made = Lv2Path(Lv2Options(uri=request.param), Path())
    made.open(nobody)
    yield made
    made.close()


@pytest.fixture(scope="module")
def preamp():
    made = Lv2Path(Lv2Options(uri=STUDIOPRE), Path())
    made.open(nobody)
    yield made
    made.close()


def play(path, trajectory, dry=DRY):
    return path.play(dry, Motion({}, trajectory), lambda _: None).wet


def still(path, **changes):
    return Trajectory.still(path.knobs, {**path.knobs.default, **changes})


def turning(path, name, frames):
    """One knob from end to end, the others at rest."""
    positions = np.repeat(still(path).positions, frames, axis=0)
    knob = path.knobs[name]
    positions[:, path.knobs.names.index(name)] = np.linspace(knob.minimum, knob.maximum, frames)
    return Trajectory(positions)


def test_a_rig_is_tied_to_the_plugin_s_code(preamp):
    (binary,) = preamp.sources
    assert binary == Path("/usr/lib/lv2/gx_studiopre.lv2/gx_studiopre.so")


def test_the_list_is_lv2ls():
    listed = subprocess.run(["lv2ls"], capture_output=True, text=True, check=True).stdout.split()
    assert {info.uri for info in installed()} == set(listed)
    assert len(listed) > 50


def test_a_panel_needs_no_line_of_code():
    knobs = describe(STUDIOPRE)
    assert knobs.names == ("Bright", "Volume", "Bass", "Middle", "Treble", "Master")
    assert knobs["Bright"].detents == ("off", "on")
    assert (knobs["Volume"].minimum, knobs["Volume"].maximum) == (0, 1)
    amp = describe(AMP)
    assert "BYPASS" not in amp.names  # designated as what turns the plugin on
    assert amp["PreGain"].minimum == -20
    assert amp["Drive"].minimum == 0.01
    assert amp["Cab Model"].detents[::18] == ("4x12", "Off")
    assert amp["Tonestack Model"].default == 1


def test_the_same_knobs_give_the_same_bits(path):
    """Whatever was played before: settings at random, moving knobs, and in a new process."""
    random = path.knobs.from_unit(np.random.default_rng(1).uniform(-1, 1, len(path.knobs)))
    takes = (still(path), Trajectory(random[None]), turning(path, path.knobs.names[1], 400))
    first = [play(path, take) for take in takes]
    path.open(nobody)
    again = [play(path, take) for take in reversed(takes)][::-1]
    assert all(map(np.array_equal, first, again))
    assert np.isfinite(first).all()
    assert min(map(rms_dbfs, first)) > -60


def test_knobs_that_could_move_and_do_not_change_nothing(path):
    """Blocks of 64 frames or of 1024: the convolutions round differently, and no more."""
    at_rest = play(path, still(path))
    resting = play(path, Trajectory(np.repeat(still(path).positions, 2, axis=0)))
    assert np.abs(at_rest - resting).max() <= 1e-6 * np.abs(at_rest).max()


def test_a_knob_of_whole_numbers_has_no_others_while_it_moves():
    path = Lv2Path(Lv2Options(uri=ZAMPHONO), Path())
    name = "Phono Filter Type"
    assert path.reach.steps[name] == 1.0
    sweep = turning(path, name, 500)
    given = values_of(path.panel, sweep, 64, SAMPLE_RATE // 2)[:, path.knobs.names.index(name)]
    assert np.unique(given).tolist() == [0, 1, 2, 3, 4]
    assert (np.diff(given) >= 0).all()

    def between(low, high):
        ends = [still(path, **{name: place}).positions for place in (low, high)]
        return play(path, Trajectory(np.concatenate(ends), 2.0))

    path.open(nobody)
    try:
        assert np.array_equal(between(2.6, 3.4), between(3.0, 3.0))
        assert not np.array_equal(between(2.6, 3.4), between(2.6, 3.6))
    finally:
        path.close()


def test_the_wet_is_aligned_to_the_dry(preamp):
    """A click is heard when it is played, and there is nothing before it."""
    click = np.zeros(9600, np.float32)
    click[4800] = 0.5
    heard = np.abs(play(preamp, still(preamp), click))
    assert heard[:4800].max() < 1e-6
    assert heard[4800:4810].max() > 0.01


def test_turning_the_volume_up_is_heard_at_once(preamp):
    """Twice as long as the knob takes: its level rises all the way, then rests."""
    frames = SAMPLE_RATE
    tone = (0.02 * np.sin(2 * np.pi * 500 * np.arange(2 * frames) / SAMPLE_RATE)).astype(np.float32)
    heard = play(preamp, turning(preamp, "Volume", 1000), tone)
    levels = [rms_dbfs(part) for part in heard.reshape(20, -1)]
    rise = np.diff(levels)
    assert (rise[:9] > 0.1).all()
    assert np.abs(rise[11:]).max() < 0.02
    loud = play(preamp, still(preamp, Volume=1.0), tone)
    assert np.allclose(heard[-frames // 2 :], loud[-frames // 2 :], atol=1e-4)


def test_every_knob_is_heard(preamp):
    usual = play(preamp, still(preamp))
    for knob in preamp.knobs:
        other = knob.minimum if knob.default > knob.minimum else knob.maximum
        assert np.abs(play(preamp, still(preamp, **{knob.name: other})) - usual).max() > 1e-3


def test_a_new_cabinet_is_loaded_before_the_audio():
    """The plugin loads it in the background, if it is let; a click shows the cabinet's response."""
    click = np.zeros(4096, np.float32)
    click[64] = 0.1
    path = Lv2Path(Lv2Options(uri=AMP), Path())
    path.open(nobody)
    try:
        off, large, small = (
            play(path, still(path, **{"Cab Model": cab}), click)[64:]
            for cab in (path.knobs["Cab Model"].detents.index(c) for c in ("Off", "4x12", "1x8"))
        )
    finally:
        path.close()
    assert np.abs(large - small).max() > 0.1 * np.abs(large).max()
    assert np.abs(off - large).max() > 0.1 * np.abs(off).max()
