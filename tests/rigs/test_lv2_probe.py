"""The LV2 host against a plugin that we wrote: whatever a plugin may do, one thing at a time."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from rigs.audio import SAMPLE_RATE
from rigs.errors import UserError
from rigs.lv2.catalogue import describe, find, installed
from rigs.paths.lv2 import Lv2Options, Lv2Path
from rigs.plugins.path import block_for
from rigs.rig import Motion, nobody
from rigs.trajectory import Trajectory

SOURCES = Path(__file__).parent / "lv2_probe"
PROBE = "urn:ampsweep:probe"
ODD = "urn:ampsweep:odd"
MODES = ("pass", "crash", "rings", "block", "not a number", "works", "prints", "leaves", "delays")
DRY = (0.1 * np.random.default_rng(0).standard_normal(9000)).astype(np.float32)


@pytest.fixture(scope="module", autouse=True)
def only_ours(tmp_path_factory):
    """LV2_PATH holds our plugin alone."""
    folder = tmp_path_factory.mktemp("lv2")
    bundle = shutil.copytree(SOURCES, folder / "probe.lv2")
    command = ["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "probe.c", "-o", "probe.so"]
    subprocess.run(command, cwd=bundle, check=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LV2_PATH", str(folder))
        yield


@pytest.fixture(scope="module")
def probe():
    path = Lv2Path(Lv2Options(uri=PROBE), Path())
    path.open(nobody)
    yield path
    path.close()


def play(path, mode, level=0.5, dry=DRY):
    """``level`` may be a list: one a control frame."""
    levels = np.atleast_1d(level)
    positions = np.stack([np.full(len(levels), MODES.index(mode)), levels], axis=1)
    return path.play(dry, Motion({}, Trajectory(positions)), lambda _: None)


def test_all_that_it_asks_for_is_given(probe):
    """It refuses to be made without its options, and answers NaN to a wrong block or event."""
    assert np.array_equal(play(probe, "pass").wet, np.float32(0.5) * DRY)
    assert np.array_equal(play(probe, "pass", [0.5, 0.5]).wet, np.float32(0.5) * DRY)


def test_a_block_is_always_whole(probe):
    assert set(play(probe, "block").wet) == {1024}
    assert set(play(probe, "block", [0.2, 0.7]).wet) == {64}


def test_a_block_is_what_the_plugin_allows():
    odd = Lv2Path(Lv2Options(uri=ODD), Path())
    assert (odd.shortest_block, odd.longest_block) == (100, 300)
    assert (block_for(False, 100, 300), block_for(True, 100, 300)) == (256, 128)
    with pytest.raises(UserError, match="blocks of 65 to 100 frames"):
        block_for(True, 65, 100)


def test_a_knob_stands_at_the_middle_of_each_block(probe):
    """The output is the level that the plugin was given."""
    heard = play(probe, "leaves", np.linspace(0, 1, 101), DRY[:6400]).wet
    times = np.arange(6400) / SAMPLE_RATE
    blocks = (heard - np.clip(times / 0.1, 0, 1)).reshape(-1, 64)
    assert np.abs(blocks).max() <= 32 / SAMPLE_RATE / 0.1
    assert np.abs(blocks[:75].mean(axis=1)).max() < 1e-6  # it neither lags nor hurries
    assert np.array_equal(play(probe, "leaves", [0.0, 1.0], DRY[:6400]).wet[-64:], np.ones(64))


def test_silence_is_played_until_it_rests(probe):
    """It rings for a second when it is made, longer than the least silence."""
    rest = np.abs(play(probe, "rings", dry=np.zeros_like(DRY)).wet)
    assert rest.max() < 2**-22
    hasty = Lv2Path(Lv2Options(uri=PROBE, preroll=0.1), Path())
    hasty.open(nobody)
    try:
        rings = [play(hasty, "rings", dry=np.zeros_like(DRY)).wet for _ in range(2)]
        assert np.abs(rings[0]).max() > 0.05
        assert np.array_equal(*rings)  # the second take is of a plugin as new as the first
    finally:
        hasty.close()


def test_a_delay_that_it_tells_of_is_removed(probe):
    recording = play(probe, "delays")
    assert recording.latency == 100
    assert np.array_equal(recording.wet, DRY)


def test_work_is_done_before_the_next_block(probe):
    """It asks for its level to be doubled, and plays the last answer that it has."""
    heard = play(probe, "works", [0.25, 0.5], DRY[:640]).wet.reshape(-1, 64)
    given = 0.25 + 0.25 * np.minimum((np.arange(10) * 64 + 31.5) / 48, 1)
    assert np.allclose(heard[1:], 2 * given[:-1, None], atol=1e-6)
    assert set(heard[0]) == {0.5}  # asked and done during the silence, at the first position


def test_takes_do_not_know_of_each_other(probe):
    first = [play(probe, mode, level).wet for mode in ("works", "pass") for level in (0.2, 0.9)]
    play(probe, "works", 0.7)
    again = [play(probe, mode, level).wet for mode in ("works", "pass") for level in (0.2, 0.9)]
    assert all(map(np.array_equal, first, again))


def test_it_may_print(probe, capfd):
    play(probe, "prints")
    print("ours")
    assert capfd.readouterr() == ("ours\n", "")


def test_it_may_not_return_nan_unseen(probe):
    assert np.isnan(play(probe, "not a number").wet).all()


def test_a_crash_is_an_error_and_the_next_open_works(probe):
    with pytest.raises(UserError, match=r"The plugin Probe crashed \(SIGSEGV\)"):
        play(probe, "crash")
    probe.open(nobody)
    assert np.array_equal(play(probe, "pass").wet, np.float32(0.5) * DRY)


def test_interrupting_a_take_ends_the_process(probe):
    probe.open(nobody)
    process = probe._process._process

    def interrupt(_):
        raise KeyboardInterrupt

    still = Trajectory(np.array([[0.0, 0.5]]))
    with pytest.raises(KeyboardInterrupt):
        probe.play(np.tile(DRY, 20), Motion({}, still), interrupt)
    assert process.returncode is not None
    probe.open(nobody)


def test_progress_is_told(probe):
    seen = []
    still = Trajectory(np.array([[0.0, 0.5]]))
    probe.play(np.tile(DRY, 16), Motion({}, still), seen.append)
    assert seen == sorted(seen)
    assert len(seen) > 2
    assert seen[-1] == 3.0


def test_a_rig_whose_knobs_are_turned_elsewhere_is_refused(probe):
    with pytest.raises(UserError, match="no panel to turn"):
        probe.play(DRY, Motion({}), lambda _: None)


def test_a_control_becomes_a_knob():
    knobs = {knob.name: knob for knob in describe(ODD)}
    assert list(knobs) == ["Gain", "GAIN 2", "Tone", "Cab", "Bright", "Cut", "Sag"]
    gain, tone, cab, cut, sag = (knobs[name] for name in ("Gain", "Tone", "Cab", "Cut", "Sag"))
    assert (gain.minimum, gain.maximum, gain.default, gain.unit) == (-90, 24.5, 0.1, "dB")
    assert (tone.unit, tone.taper) == ("Hz", "logarithmic")
    assert (cab.detents, cab.default) == (("1x8", "2x10", "4x12"), 1)
    assert (knobs["Bright"].detents, knobs["Bright"].default) == (("off", "on"), 1)
    assert (cut.minimum, cut.maximum, cut.default) == (0, 12000, 12000)
    assert (sag.unit, sag.default) == ("V", 1)


def test_a_switch_gives_its_value_and_not_its_index():
    path = Lv2Path(Lv2Options(uri=ODD), Path())
    assert path.reach.steps == {"GAIN 2": 1.0}
    setting = {**path.knobs.default, "Cab": 2.0, "GAIN 2": 2.0}
    values = path.panel.to_values(Trajectory.still(path.knobs, setting).positions)
    assert dict(zip(path.panel.keys, values[0], strict=True))[5] == 12
    between = path.panel.to_values(path.knobs.to_array({**setting, "GAIN 2": 1.4})[None])
    assert between[0, 1] == 1


def test_controls_are_chosen_and_fixed():
    options = Lv2Options(uri=ODD, knobs=("tap", "Gain"), fixed={"cab": "4X12", "Tone": 50})
    path = Lv2Path(options, Path())
    assert path.knobs.names == ("Tap", "Gain")
    values = path.panel.to_values(Trajectory.still(path.knobs, {"Tap": 0, "Gain": 3}).positions)
    assert dict(zip(path.panel.keys, values[0], strict=True)) == {8: 0, 2: 3, 5: 12, 4: 50}
    held = Lv2Path(Lv2Options(uri=ODD, fixed={"Gain": 3, "Bright": "off"}), Path())
    assert "Gain" not in held.knobs.names
    assert "Tap" not in held.knobs.names


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"uri": "urn:ampsweep:prob"}, r"no LV2 plugin 'urn:ampsweep:prob' here \(did you mean .*"),
        ({"uri": "Probee"}, "did you mean urn:ampsweep:probe"),
        ({"uri": "not a uri"}, "no LV2 plugin 'not a uri' here"),
        ({"uri": "urn:ampsweep:needy"}, "Needy needs http://lv2plug.in/ns/ext/instance-access"),
        ({"knobs": ("Lvel",)}, "no control 'Lvel'; there are Mode, Level. Did you mean Level"),
        ({"knobs": ("Level",), "fixed": {"level": 1}}, "Level is both a knob and fixed"),
        ({"fixed": {"Level": 1, "Mode": "pass"}}, "name in `knobs` at least one of Mode, Level"),
        ({"fixed": {"Mode": "loud"}}, "Mode cannot be fixed at 'loud'; give one of pass, crash"),
        ({"fixed": {"Level": "loud"}}, "Level cannot be fixed at 'loud'; give a number"),
        ({"fixed": {"Level": 3}}, "Level cannot be set to 3"),
        ({"input": "left"}, "no audio input 'left'; it has in, side"),
        ({"output": "in"}, "no audio output 'in'; it has out"),
    ],
)
def test_what_cannot_be_is_said(given, sentence):
    with pytest.raises(UserError, match=sentence):
        Lv2Path(Lv2Options(**{"uri": PROBE, **given}), Path())


def test_a_plugin_without_its_library():
    path = Lv2Path(Lv2Options(uri="urn:ampsweep:broken"), Path())
    path.open(nobody)
    with pytest.raises(UserError, match="Broken could not be started"):
        path.play(DRY, Motion({}, Trajectory(np.array([[0.5]]))), lambda _: None)
    path.close()


def test_a_side_chain_is_silent_unless_it_is_the_input():
    """What comes in at its side is ten times louder."""
    path = Lv2Path(Lv2Options(uri=PROBE, input="Side"), Path())
    path.open(nobody)
    heard = play(path, "pass").wet
    path.close()
    assert np.allclose(heard, 5 * DRY)


def test_the_list_tells_what_can_be_captured():
    by_name = {info.name: info for info in installed()}
    assert list(by_name) == ["Broken", "Needy", "Odd", "Probe"]
    assert [info.captures for info in by_name.values()] == [True, False, True, True]
    assert (by_name["Probe"].audio_in, by_name["Probe"].audio_out) == (2, 1)
    assert len(by_name["Odd"].controls) == 8


def test_a_plugin_can_be_called_by_its_name():
    assert find("probe").uri == PROBE
    assert re.fullmatch(r"Probe", find(PROBE).name)
