"""The whole pedal, played by script: what is heard, seen and kept."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from pedal_simulator import Script, play

from tests.training.pedal_image import IMAGE, KNOBS, MIXED, NET
from training.play import play as play_net

SECOND = 1000


def position(raw: float, before: float = 0.5) -> float:
    """A pot's, by firmware/pedal/pots.h: dead zones at the ends, and a little play."""
    return (raw - 0.003 * np.sign(raw - before) - 0.01) / 0.98


def loaded(*names: str) -> Script:
    """With models under these names; the display says no more what happened."""
    script = Script()
    for name, image in zip(names, (IMAGE, MIXED), strict=False):
        script.send(image, name)
    return script.wait(4 * SECOND)


def esr(wet: np.ndarray, reference: np.ndarray) -> float:
    wet, reference = wet.astype(np.float64), reference.astype(np.float64)
    return float(np.sum((wet - reference) ** 2) / np.sum(reference**2))


def noise(ms: int) -> np.ndarray:
    return (0.1 * np.random.default_rng(1).standard_normal(48 * ms)).astype("f4")


def still(wet: np.ndarray, dry: np.ndarray, setting: dict[str, float]) -> float:
    """ESR against the net itself at a setting."""
    inputs = KNOBS.to_inputs(KNOBS.to_array(KNOBS.check(setting)))
    return esr(wet, play_net(NET, dry, inputs)[-len(wet) :])


MIDDLE = {knob.name: 0.5 * (knob.minimum + knob.maximum) for knob in KNOBS}
MIDDLE["Bright"] = 0.0
"""Where the knobs stand when all pots are at noon; Bright has no pot."""


def test_without_a_model_the_guitar_passes(tmp_path):
    played = play(tmp_path, Script().wait(2 * SECOND), noise(2 * SECOND))
    np.testing.assert_array_equal(played.wet[48 * 20 :], played.dry[48 * 20 :])
    assert sum(played.lights(1, 0, 2 * SECOND)) == pytest.approx(120, abs=5)  # a short blink


def test_the_model_is_heard_with_its_knobs_where_the_pots_are(tmp_path):
    script = loaded("Plexi").wait(SECOND)
    end = script.now
    played = play(tmp_path, script, noise(end))
    half = 24 * SECOND
    assert still(played.wet[-half:], played.dry, MIDDLE) < 1e-9
    script.do("pot 1 1.0").do("pot 6 0.0", 500).midi([bytes([0xB0, 26, 127])], "serial")
    turned = play(tmp_path / "turned", script.wait(SECOND), noise(script.now))
    last = [knob.name for knob in KNOBS][5]
    setting = MIDDLE | {"Gain": 10.0, last: 0.0, "Bright": 1.0}
    assert still(turned.wet[-half:], turned.dry, setting) < 1e-9


def test_bypass_is_the_guitar_itself_and_does_not_click(tmp_path):
    script = loaded("Plexi")
    start = script.now
    script.press(1).wait(900)
    bypassed = script.now
    played = play(tmp_path, script.press(1).wait(900))
    np.testing.assert_array_equal(
        played.wet[48 * (start + 100) : 48 * bypassed],
        played.dry[48 * (start + 100) : 48 * bypassed],
    )
    assert not any(played.lights(1, start + 20, bypassed))
    assert all(played.lights(1, bypassed + 20, bypassed + 900))
    bend = np.abs(np.diff(played.wet, 2))
    quiet = np.max(bend[48 * (start - 500) : 48 * start])
    assert np.max(bend[48 * start :]) < 1.2 * max(quiet, np.max(np.abs(np.diff(played.dry, 2))))


def test_the_next_model_comes_without_a_click_or_a_gap(tmp_path):
    script = loaded("Plexi", "Twin")
    script.push().turn(-1).push().wait(3 * SECOND)  # a list, one up: the first
    start = script.now
    played = play(tmp_path, script.press(2).wait(SECOND).press(2).wait(SECOND))
    levels = np.abs(played.wet[48 * start :]).reshape(-1, 48).max(axis=1)
    gap = longest = 0
    for level in levels:
        gap = gap + 1 if level < 0.05 * np.median(levels) else 0
        longest = max(longest, gap)
    assert longest <= 5
    bend = np.abs(np.diff(played.wet, 2))
    before = np.max(bend[48 * (start - 500) : 48 * start])
    after = np.max(bend[48 * (start + 500) : 48 * (start + 900)])
    assert np.max(bend[48 * start :]) < 2 * max(before, after) + 1e-3
    blinks = np.diff(np.array(played.lights(2, start, start + 1000), int))
    assert np.sum(blinks == 1) == 2  # the second model


def test_the_tuner_is_silent_and_says_sharp_or_flat(tmp_path):
    script = loaded("Plexi")
    start = script.now
    script.do("foot 2 down", 700).do("foot 2 up", 800).do("frame tuner").press(2).wait(500)
    lit = []
    for name, frequency in ("flat", 109.0), ("right", 110.0), ("sharp", 111.0):
        time = np.arange(48 * script.now) / 48000
        dry = (0.1 * np.sin(2 * np.pi * frequency * time)).astype("f4")
        played = play(tmp_path / name, script, dry)
        assert played.level(start + 700, start + 1500) == 0.0
        assert played.level(script.now - 300, script.now) > 0.01
        lit.append(tuple(played.lights(led, start + 1400, start + 1401)[0] for led in (1, 2)))
    assert lit == [(True, False), (True, True), (False, True)]
    frames = [(tmp_path / name / "tuner.png").read_bytes() for name in ("flat", "right", "sharp")]
    assert len(set(frames)) == 3


def test_presets_come_back_even_after_the_power_went(tmp_path):
    script = loaded("Plexi")
    script.do("pot 1 0.9", 2 * SECOND).push(800).push().wait(4 * SECOND)  # hold: presets; save
    script.do("pot 1 0.2", 3 * SECOND).do("frame before").do("cut", SECOND)
    script.do("pot 2 0.7", 3 * SECOND).do("frame after")
    script.midi([bytes([0xC0, 64])]).wait(3 * SECOND).do("frame recalled").wait(500)
    played = play(tmp_path, script, noise(script.now))
    half = 24 * 400
    setting = MIDDLE | {"Gain": 10 * position(0.9)}
    assert still(played.wet[-half:], played.dry, setting) < 1e-6
    assert played.frame("recalled") != played.frame("after")


def test_the_display_shows_what_is_turned_then_the_panel_again(tmp_path):
    script = loaded("Plexi").do("frame panel").do("pot 1 0.8", 300).do("frame knob").wait(2000)
    script.do("frame again").do("pot 1 0.5", 2500).do("frame back").wait(60)
    played = play(tmp_path, script, np.zeros(48 * script.now, "f4"))
    assert len({played.frame(name) for name in ("panel", "knob", "again")}) == 3
    assert played.frame("back") == played.frame("panel")
    width, height = struct.unpack(">II", played.frame("panel")[16:24])
    assert (width, height) == (512, 256)


def test_midi_sets_a_knob_until_its_pot_is_turned(tmp_path):
    script = loaded("Plexi").midi([bytes([0xB0, 20, 127])]).wait(SECOND)
    end = script.now
    script.do("pot 1 0.51", SECOND)  # a touch is not a turn
    played = play(tmp_path, script, noise(script.now))
    for wet, dry in ((played.wet[: 48 * end], played.dry[: 48 * end]), (played.wet, played.dry)):
        assert still(wet[-24 * SECOND :], dry, MIDDLE | {"Gain": 10.0}) < 1e-9
    turned = play(tmp_path / "turned", script.do("pot 1 0.6", SECOND), noise(script.now))
    assert (
        still(turned.wet[-24 * SECOND :], turned.dry, MIDDLE | {"Gain": 10 * position(0.6)}) < 1e-6
    )


def test_a_damaged_model_is_told_and_the_other_plays_on(tmp_path):
    first = play(tmp_path, loaded("Plexi", "Twin").wait(6 * SECOND).do("frame twin").wait(60))
    kept = first.folder / "flash.bin"
    image = kept.read_bytes()
    assert image.count(b"Presence\0") == 2
    kept.write_bytes(image.replace(b"Presence\0", b"Xresence\0", 1))  # Plexi's: it came first
    script = Script().wait(4 * SECOND).do("frame before").press(2)
    start = script.now
    script.wait(5 * SECOND).do("frame after").wait(60)
    played = play(tmp_path, script, np.zeros(48 * script.now, "f4"))
    assert played.frame("after") == played.frame("before")
    assert any(played.lights(2, start, start + SECOND))
    assert all(played.lights(1, start, script.now))


def test_shifted_pots_turn_what_has_no_pot(tmp_path):
    script = loaded("Plexi").do("toggle 1 up", 200).do("pot 1 0.9", 500)  # Bright is the seventh
    start = script.now
    script.wait(SECOND)
    played = play(tmp_path, script, noise(script.now))
    assert all(played.lights(2, start, start + 900))
    assert still(played.wet[-24 * SECOND :], played.dry, MIDDLE | {"Bright": 1.0}) < 1e-9


def test_the_gate_and_the_pedals_own_level(tmp_path):
    script = loaded("Plexi")
    start = script.now
    script.do("toggle 4 up", 100).do("pot 6 0.0", SECOND).do("pot 6 0.9", SECOND)
    played = play(tmp_path, script)
    before, muted = played.level(start - 500, start), played.level(start + 800, start + 1000)
    assert muted == 0.0
    loud = played.level(start + 1900, start + 2100)
    assert 20 * np.log10(loud / before) == pytest.approx(-48 + 60 * position(0.9, 0), abs=0.02)


def test_a_cabinet_sounds_when_its_toggle_is_up(tmp_path):
    taps = np.zeros(64, "<f4")
    taps[[0, 40]] = 0.5, -0.25
    script = loaded("Plexi").send(taps.tobytes(), "V30", kind=2).wait(SECOND)
    start = script.now
    script.do("toggle 2 up", SECOND)
    played = play(tmp_path, script, noise(script.now))
    assert (
        still(played.wet[48 * (start - 500) : 48 * start], played.dry[: 48 * start], MIDDLE) < 1e-9
    )
    inputs = KNOBS.to_inputs(KNOBS.to_array(KNOBS.check(MIDDLE)))
    wanted = np.convolve(play_net(NET, played.dry, inputs), taps)[: len(played.wet)]
    assert esr(played.wet[-48 * 500 :], wanted[-48 * 500 :]) < 1e-9


@pytest.mark.parametrize("what", ["main", "audio"])
def test_the_watchdog_starts_it_again_without_the_model(tmp_path, what):
    script = loaded("Plexi")
    start = script.now
    script.do(f"hang {what}", 2 * SECOND).do("frame restarted")
    played = play(tmp_path, script.press(2).wait(SECOND))
    assert [at for at, event in played.log if event == "watchdog"] == pytest.approx(
        [start + 1000], abs=150
    )
    np.testing.assert_array_equal(
        played.wet[48 * (start + 1200) : 48 * (start + 1900)],
        played.dry[48 * (start + 1200) : 48 * (start + 1900)],
    )
    assert esr(played.wet[-48 * 500 :], played.dry[-48 * 500 :]) > 0.01  # chosen again


def test_late_audio_fades_and_returns(tmp_path):
    script = loaded("Plexi")
    start = script.now
    script.do("cost 1300", 3).do("cost 200", SECOND)
    played = play(tmp_path, script)
    bend = np.abs(np.diff(played.wet, 2))
    assert np.max(bend[48 * start :]) < 3 * np.max(bend[48 * (start - 500) : 48 * start]) + 1e-3
    assert played.level(start + 10, start + 60) == 0.0
    before = played.level(start - 300, start)
    assert played.level(start + 500, start + 800) == pytest.approx(before, rel=1e-3)
    assert 0.3 < np.mean(played.lights(2, start + 10, start + 1000)) < 0.7  # it says so


def test_a_model_that_is_too_slow_leaves_the_guitar(tmp_path):
    script = loaded("Plexi")
    script.do("cost 1300", 3 * SECOND).do("frame slow").do("cost 200", 50)
    played = play(tmp_path, script)
    last = slice(-48 * 500, -48 * 100)
    assert esr(played.wet[last], played.dry[last]) < 1e-6
    assert np.any(played.lights(2, script.now - 500, script.now))


def test_the_power_may_go_at_any_time_while_a_model_comes(tmp_path):
    kept = play(tmp_path, loaded("Plexi")).folder / "flash.bin"
    before = kept.read_bytes()
    end = 0
    for operation in range(1, 16):
        kept.write_bytes(before)
        script = Script().do(f"cut {operation}").send(MIXED, "Plexi").wait(500).do("frame now")
        played = play(tmp_path, script.wait(1), np.zeros(48 * (script.now + 1), "f4"))
        end += not any("power cut" in event for _, event in played.log)
        # Whatever is there plays: the left light is on, and does not blink for want of a model.
        assert all(played.lights(1, script.now - 100, script.now))
    assert end < 5
