"""The steppers turn knobs of a fake controller's bench: homing, settings, play, limits, parking."""

import re
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from grbl_controller import SETTINGS
from grbl_pty import Bench
from grbl_rig import KNOBS, TWO, options, steppers
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import ValidationError

from rigs.actuators.grbl import GrblOptions, KnobOptions
from rigs.errors import UserError
from rigs.knobs import Knob, KnobTable
from rigs.rig import nobody
from rigs.trajectory import Trajectory

FAST = 50.0


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path, FAST)
    yield made
    made.close()
    assert not made.controller.overflowed


def ready(bench, knobs=KNOBS, **changes):
    made = steppers(bench, knobs, **changes)
    made.open(knobs, nobody)
    made.prepare()
    return made


def go(grbl, knobs=KNOBS, **setting):
    full = knobs.check(setting)
    return grbl.go(knobs, Trajectory.still(knobs, full)).end().reached


def shaft(bench, axis):
    """A shaft's true angle above the place that was found to be home."""
    return bench.controller.mechanics["XYZABC".index(axis)].knob - bench.controller.home(axis)


def stalls(bench):
    return [len(mechanics.stalls) for mechanics in bench.controller.mechanics]


def test_open_moves_nothing(bench):
    grbl = steppers(bench)
    before = bench.controller.steps.copy()
    grbl.open(KNOBS, nobody)
    for refused in (lambda: go(grbl), grbl.position, lambda: grbl.jog("Gain", 5)):
        with pytest.raises(UserError, match=r"not homed.*rigs home"):
            refused()
    assert [row.degrees for row in grbl.axes_report()] == [None] * 3
    grbl.close()
    assert (bench.controller.steps == before).all()
    assert not bench.controller.energised
    assert not re.search(rb"G[0-3]\b|\$J|\$H", bench.heard)


def test_knobs_stand_where_they_are_set_whichever_way_they_came(bench):
    grbl = ready(bench)
    pushed = stalls(bench)
    for gain, tone, bright in [(0, 10, 1), (10, 0, 0), (5, 5, 1), (5.01, 4.99, 1), (0, 0, 0)]:
        reached = go(grbl, Gain=gain, Tone=tone, Bright=bright)
        assert reached == pytest.approx({"Gain": gain, "Tone": tone, "Bright": bright}, abs=0.003)
        # At panel 0 the pot may rest on its stop, where the motor's home lies a little below.
        assert shaft(bench, "X") == pytest.approx(gain * 30, abs=0.06 if gain else 3.6)
        assert shaft(bench, "Y") == pytest.approx(tone * 30, abs=0.06 if tone else 3.6)
        assert shaft(bench, "A") == pytest.approx([100, 200][bright], abs=0.06)
        assert grbl.position() == reached
    assert stalls(bench) == pushed
    grbl.close()


def test_a_wrong_backlash_shows(bench):
    grbl = ready(bench, TWO, more={"Gain": {"backlash": 0.5}})
    go(grbl, TWO, Gain=8)
    assert shaft(bench, "X") == pytest.approx(238.5, abs=0.06)
    grbl.close()


def test_homing_finds_the_same_place_again(bench):
    grbl = ready(bench, TWO)
    homes = []
    for gain in (0.0, 3.3, 7.77):
        go(grbl, TWO, Gain=gain, Tone=10 - gain)
        grbl.home()
        homes.append([bench.controller.home(axis) for axis in "XY"])
        assert grbl.position() == {"Gain": 0, "Tone": 0}
    assert np.ptp(homes, axis=0).max() < 0.01
    grbl.close()


def test_the_current_is_low_exactly_while_it_pushes(tmp_path):
    bench = Bench(tmp_path, FAST, trinamic=True)
    grbl = ready(bench, TWO, homing_current=150)
    for mechanics in bench.controller.mechanics[:2]:
        assert mechanics.stalls
        assert set(mechanics.stalls) == {150.0}
    assert bench.controller.current[:2] == [800.0, 800.0]
    grbl.close()
    bench.close()


def test_a_current_that_cannot_be_set_is_refused(bench):
    grbl = steppers(bench, homing_current=150)
    with pytest.raises(UserError, match=r"no motor current for Gain \(\$140\).*fixed"):
        grbl.open(KNOBS, nobody)


def test_homing_by_switch(bench):
    grbl = ready(bench, TWO, homing_current=None, more={n: {"homing": "switch"} for n in TWO.names})
    assert b"$J=" not in bench.heard
    assert b"$HX\n" in bench.heard
    assert go(grbl, TWO, Gain=2.5)["Gain"] == pytest.approx(2.5, abs=0.003)
    grbl.close()


def test_motors_hold_during_a_session_and_are_let_go_parked(bench):
    grbl = ready(bench, TWO, more={"Tone": {"park": 5}})
    go(grbl, TWO, Gain=7, Tone=7)
    assert bench.controller.settings[1] == "255"
    assert bench.controller.energised
    grbl.close()
    grbl.close()
    assert bench.controller.settings[1] == "25"
    assert not bench.controller.energised
    assert bench.controller.state == "Idle"
    # Parked: Gain low, Tone in the middle.
    assert shaft(bench, "X") == pytest.approx(0, abs=3.6)
    assert shaft(bench, "Y") == pytest.approx(150, abs=0.06)


def test_motors_can_be_silenced_and_held_again(bench):
    grbl = ready(bench, TWO)
    reached = go(grbl, TWO, Gain=7, Tone=0)
    stood = shaft(bench, "X")
    grbl.de_energise()
    assert not bench.controller.energised
    grbl.energise()
    assert bench.controller.energised
    assert grbl.position() == reached
    assert shaft(bench, "X") == stood
    grbl.close()


def test_jog_keeps_within_the_stops(bench):
    grbl = ready(bench, TWO)
    grbl.jog("gain", 12)
    assert grbl.axes_report()[0].degrees == pytest.approx(12, abs=0.06)
    assert shaft(bench, "X") == pytest.approx(12, abs=0.06)
    grbl.jog("gain", -5)
    assert shaft(bench, "X") == pytest.approx(7, abs=0.06)
    for degrees in (-8, 300):
        with pytest.raises(UserError, match=r"gain would turn to .*0 to 300"):
            grbl.jog("gain", degrees)
    with pytest.raises(UserError, match="There is no knob"):
        grbl.jog("volume", 1)
    assert shaft(bench, "X") == pytest.approx(7, abs=0.06)
    grbl.close()


def test_an_end_of_travel_leaves_no_alarm_behind(bench):
    # 300 degrees lie between two steps: the motor stands at 300.037 and more, with its backlash.
    grbl = ready(bench)
    for gain in (10, 5, 10, 10, 0):
        go(grbl, Gain=gain, Tone=gain)
        bench.say(lambda c: setattr(c, "target", c.position()))  # as after a cancelled jog
    assert bench.controller.state == "Idle"
    grbl.close()


# The controller's settings.


@pytest.mark.parametrize(
    ("number", "text", "match"),
    [
        (100, "250.00000", r"\$100=250, but this rig needs \$100=8.888889: steps a degree of Gain"),
        (130, "300.000", r"\$130=300, .*\$130=303: the travel of Gain, with margin"),
        (131, "400.000", r"\$131=400, .*travel of Tone"),
        (110, "500.000", r"\$110=500, .*\$110=14400: the speed of Gain"),
        (123, "10.000", r"\$123=10, .*the acceleration of Bright"),
        (21, "1", r"\$21=1, .*\$21=0: no hard limits"),
        (22, "0", r"\$22=0, .*\$22=43"),
        (23, "0", r"\$23=0, .*\$23=11"),
        (45, "3", r"\$45=3, .*\$45=0"),
        (20, "0", r"\$20=0, .*\$20=1: soft limits"),
        (10, "510", r"\$10=510, .*\$10=511"),
        (376, "6", r"\$376=6, .*\$376=7: rotary axes"),
        (3, "2", r"\$3=2, .*\$3=0"),
    ],
)
def test_a_setting_that_differs_is_named(bench, number, text, match):
    grbl = steppers(bench)
    grbl.open(KNOBS, nobody)
    grbl.close()
    grbl = steppers(bench, configure=False)
    grbl.open(KNOBS, nobody)
    grbl.close()
    bench.say(lambda c: c.settings.__setitem__(number, text))
    heard = len(bench.heard)
    with pytest.raises(UserError, match=match):
        steppers(bench, configure=False).open(KNOBS, nobody)
    assert not re.search(rb"\$\d+=", bench.heard[heard:])


def test_a_setting_that_the_controller_does_not_take(tmp_path):
    settings = {n: t for n, t in SETTINGS.items() if n != 11}
    bench = Bench(tmp_path, FAST, settings=settings)
    with pytest.raises(UserError, match=r"does not take \$11=0.2 .*error:53 \(there is no such"):
        steppers(bench).open(KNOBS, nobody)
    bench.close()


# The TOML.


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"more": {"Tone": {"axis": "X"}}}, "two knobs are on one axis"),
        ({"more": {"Tone": {"high_end": 301}}}, "outside the travel of 300"),
        ({"more": {"Tone": {"low_end": 20, "high_end": 20.5}}}, "the same place"),
        ({"more": {"Tone": {"axis": "E"}}}, "axis"),
        ({"homing_current": None}, "needs homing_current"),
        ({"homing_current": 5000}, "from 10 to 3000"),
        ({"speed": 1000}, "takes too long to stop"),
        ({"voltage": 3}, "Extra inputs"),
    ],
)
def test_options_that_make_no_sense(changes, match):
    with pytest.raises(ValidationError, match=match):
        options("/dev/null", TWO, **changes)


def test_the_documented_options_are_the_ones_there_are():
    text = (Path(__file__).parents[2] / "docs/steppers.md").read_text("utf-8")
    toml = (
        text.partition("```toml\n")[2].partition("```")[0].replace("# sync_output", "sync_output")
    )
    given = tomllib.loads(toml)["actuator"]
    assert given.pop("type") == "grbl"
    assert set(given) == set(GrblOptions.model_fields)
    keys = set().union(*given["knobs"].values())
    assert keys == set(KnobOptions.model_fields)
    GrblOptions.model_validate(given)


def test_knobs_and_motors_have_to_match(bench):
    with pytest.raises(UserError, match="No motor turns Bright"):
        steppers(bench, TWO).check(KNOBS)
    with pytest.raises(UserError, match="There is no knob 'Bright'"):
        steppers(bench).check(TWO)
    three = KnobTable((*TWO.knobs, Knob("Bright", 0, 2, 0, detents=("a", "b", "c"))))
    with pytest.raises(UserError, match="3 detents on the panel and 2 in degrees"):
        steppers(bench).check(three)
    with pytest.raises(UserError, match="cannot be set to 11"):
        steppers(bench, TWO, more={"Tone": {"park": 11}}).check(TWO)


def test_there_is_no_controller(tmp_path, bench):
    grbl = steppers(bench)
    grbl.options = replace_port(grbl.options, tmp_path / "nothing")
    with pytest.raises(UserError, match=r"cannot be opened.*find-port"):
        grbl.open(KNOBS, nobody)
    grbl.options = replace_port(grbl.options, tmp_path / "tty*")
    grbl.open(KNOBS, nobody)
    grbl.close()


def replace_port(given, port):
    return given.model_copy(update={"port": str(port)})


def test_a_knob_whose_maximum_is_at_the_stop(bench):
    table = KnobTable((replace(KNOBS.knobs[0], minimum=1, maximum=7, default=4), KNOBS.knobs[1]))
    grbl = ready(bench, table, more={"Gain": {"low_end": 280, "high_end": 10}})
    assert go(grbl, table, Gain=7)["Gain"] == pytest.approx(7, abs=0.003)
    assert shaft(bench, "X") == pytest.approx(10, abs=0.06)
    assert go(grbl, table, Gain=1)["Gain"] == pytest.approx(1, abs=0.003)
    assert shaft(bench, "X") == pytest.approx(280, abs=0.06)
    grbl.close()


# Never more than a second of motion in the controller.


@hypothesis_settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    places=st.lists(st.tuples(*[st.floats(0, 10, width=32)] * 2), min_size=1, max_size=2),
    speed=st.floats(120, 600),
    time=st.sampled_from([6.0, 15.0, 40.0]),
    blocks=st.sampled_from([15, 35, 100]),
)
def test_at_most_a_second_is_queued(tmp_path, places, speed, time, blocks):
    bench = Bench(tmp_path, FAST, blocks=blocks)
    try:
        grbl = ready(bench, TWO, speed=speed, acceleration=speed / 0.15)
        bench.hurry(time)
        for gain, tone in places:
            reached = go(grbl, TWO, Gain=gain, Tone=tone)
            assert reached == pytest.approx({"Gain": gain, "Tone": tone}, abs=0.003)
        grbl.close()
        assert 0 < bench.controller.longest <= 1.0
        assert not bench.controller.overflowed
    finally:
        bench.close()
