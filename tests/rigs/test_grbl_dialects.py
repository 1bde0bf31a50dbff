"""The same driver on grbl 1.1 and FluidNC, as their documentation and sources have them speak."""

import pytest
from grbl_dialects import FluidNC, PlainGrbl
from grbl_pty import Bench
from grbl_rig import KNOBS, TWO, live_rig, steppers

from rigs.actuators.grbl.protocol import parse_identity, parse_status, parse_texts
from rigs.errors import DeviceLost, UserError
from rigs.knobs import Knob, KnobTable
from rigs.rig import nobody
from rigs.trajectory import Trajectory

FAST = 50.0
SIX = KnobTable(tuple(Knob(name) for name in ("Gain", "Bass", "Mid", "Treble", "Master", "Bias")))
AXES = "XYZABC"
SWITCHES = {name: {"homing": "switch"} for name in TWO.names}


@pytest.fixture
def grbl(tmp_path):
    made = Bench(tmp_path, FAST, kind=PlainGrbl)
    yield made
    made.close()
    assert not made.controller.overflowed


@pytest.fixture
def fluidnc(tmp_path):
    made = Bench(tmp_path, FAST, kind=FluidNC)
    yield made
    made.close()
    assert not made.controller.overflowed
    assert made.controller.macros == 0  # 0x87, which grblHAL reports by, runs one here


def fitted(bench, knobs, **changes):
    """A driver, and FluidNC's file written for it: it takes no numbers over the line."""
    made = steppers(bench, knobs, **changes)
    o = made.options
    for knob in o.knobs.values():
        i = AXES.index(knob.axis)
        bench.controller.settings |= {
            100 + i: f"{o.steps_per_degree(knob):.3f}",
            110 + i: f"{o.speed * 60:.3f}",
            120 + i: f"{o.acceleration:.3f}",
            130 + i: f"{knob.travel + knob.backlash + 1:.3f}",
        }
    return made


def ready(bench, knobs, **changes):
    made = steppers(bench, knobs, **changes)
    made.open(knobs, nobody)
    made.prepare()
    return made


def go(actuator, knobs, **setting):
    trajectory = Trajectory.still(knobs, knobs.check(setting))
    return actuator.go(knobs, trajectory).end().reached


def shaft(bench, actuator, axis):
    """A shaft's true angle above its home, which need not be at machine position 0."""
    i = AXES.index(axis)
    return bench.controller.mechanics[i].knob - bench.controller.home(axis) - actuator._base[i]


def test_grbl_is_homed_against_stops_and_its_buffers_are_kept(grbl):
    made = ready(grbl, TWO)
    assert b"$H" not in grbl.heard
    for gain in (10, 2, 6):
        assert go(made, TWO, Gain=gain)["Gain"] == pytest.approx(gain, abs=0.003)
    assert shaft(grbl, made, "X") == pytest.approx(180, abs=0.06)
    assert max(map(len, grbl.heard.split(b"\n"))) < 80
    made.close()
    assert not grbl.controller.energised
    with pytest.raises(UserError, match="axes XYZ, but Bright is on A"):
        steppers(grbl).open(KNOBS, nobody)


@pytest.mark.parametrize("single", [False, True], ids=["as it is built", "built for single axes"])
def test_grbl_is_homed_by_switches(grbl, single):
    grbl.controller.single_homing = single
    grbl.say(lambda c: c.settings.update({22: "1"}))
    grbl.say(lambda c: c.power_cycle())
    assert grbl.controller.state == "Alarm"  # it wants to be homed before anything else
    made = ready(grbl, TWO, homing_current=None, more=SWITCHES)
    assert (b"$H\n" in grbl.heard, b"$HX\n" in grbl.heard) == (not single, single)
    # Machine space ends at 0: the whole travel has to lie below it, pull-off and all.
    grbl.say(lambda c: c.settings.update({20: "1"}))
    for gain in (10, 2.5):
        assert go(made, TWO, Gain=gain, Tone=gain)["Gain"] == pytest.approx(gain, abs=0.003)
    assert grbl.controller.state == "Idle"
    made.close()


def test_grbl_that_reports_work_positions_is_told_not_to(grbl):
    grbl.say(lambda c: c.settings.update({10: "0"}))
    with pytest.raises(UserError, match=r"\$10=0, but this rig needs \$10=3: status reports"):
        steppers(grbl, TWO, configure=False).open(TWO, nobody)
    made = ready(grbl, TWO)
    assert grbl.controller.settings[10] == "3"
    made.close()


def test_few_steps_a_degree_are_printed_roughly(grbl):
    coarse = {"microsteps": 8, "more": {"Gain": {"gear": 0.6}}}  # 2.666667 is listed as 2.667
    ready(grbl, TWO, **coarse).close()
    grbl.say(lambda c: c.settings.update({100: "2.667"}))
    steppers(grbl, TWO, configure=False, **coarse).open(TWO, nobody)


def test_fluidnc_turns_six_knobs(fluidnc):
    made = fitted(fluidnc, SIX)
    made.open(SIX, nobody)
    made.prepare()
    wanted = {name: 1.5 * i + 1 for i, name in enumerate(SIX.names)}
    assert go(made, SIX, **wanted) == pytest.approx(wanted, abs=0.003)
    assert shaft(fluidnc, made, "C") == pytest.approx(255, abs=0.06)
    made.de_energise()
    assert not fluidnc.controller.energised
    made.energise()
    assert fluidnc.controller.energised
    made.close()
    assert not fluidnc.controller.energised
    assert b"$1=" not in fluidnc.heard


def test_fluidnc_sweeps(fluidnc):
    fitted(fluidnc, TWO)
    rig = live_rig(fluidnc)
    rig.open(nobody)
    fluidnc.hurry(1.0)
    asked = Trajectory([[2, 8], [5, 4], [3, 6]], 1 / 0.8)
    _, moved = rig.take([0.0] * 76_800, asked)
    grid = [0.0, 0.8, 1.6]
    assert moved.trajectory.at(grid) == pytest.approx(asked.at(grid), abs=0.6)
    fluidnc.hurry(FAST)
    rig.close()


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"settings": {110: "1000.000"}}, r"another axes/x/max_rate_mm_per_min than.*write 14400"),
        ({"settings": {131: "1000.000"}}, r"axes/y/max_travel_mm.*write 303"),
        ({"settings": {22: "1"}}, r"another homing of every axis.*no homing cycle at an end stop"),
        ({"settings": {20: "1"}}, r"another soft_limits of every axis"),
        ({"file": {"stepping/idle_ms": "250"}}, r"stepping/idle_ms: 250.*needs 255: motors that"),
        ({"file": {"junction_deviation_mm": "0.010"}}, r"junction_deviation_mm: 0\.010.*0\.2"),
        ({"file": {"report_inches": "true"}}, r"report_inches: true.*needs false"),
    ],
)
def test_what_stands_in_fluidnc_s_own_file_is_named_there(fluidnc, change, match):
    fitted(fluidnc, TWO)
    for where, what in change.items():
        fluidnc.say(lambda c, where=where, what=what: getattr(c, where).update(what))
    with pytest.raises(UserError, match=match + r".*config\.yaml"):
        steppers(fluidnc, TWO).open(TWO, nobody)
    assert b"$110=" not in fluidnc.heard


def test_fluidnc_that_woke_up_un_homed(fluidnc):
    fitted(fluidnc, TWO)
    fluidnc.say(lambda c: c.settings.update({22: "1", 23: "3"}))
    fluidnc.say(lambda c: c.power_cycle())
    made = ready(fluidnc, TWO, homing_current=None, more=SWITCHES)
    assert b"$HX\n" in fluidnc.heard
    assert go(made, TWO, Gain=2.5)["Gain"] == pytest.approx(2.5, abs=0.003)
    made.close()


def test_fluidnc_tells_what_its_numbers_mean(fluidnc):
    fitted(fluidnc, TWO)
    made = ready(fluidnc, TWO)
    fluidnc.say(lambda c: c.alarm(14))
    with pytest.raises(DeviceLost, match=r"alarm 14 \(Unhomed\)"):
        go(made, TWO, Gain=5)
    made.close()


def test_identities():
    hal = parse_identity(["[OPT:VNML+,100,1024,6,0]", "[AXS:6:XYZABC]", "[FIRMWARE:grblHAL]"], 6)
    assert (hal.axes, hal.blocks, hal.room, hal.lists) == (AXES, 100, 1023, ())
    plain = parse_identity(["[VER:1.1h.20190825:]", "[OPT:V,15,128]"])
    assert (plain.axes, plain.blocks, plain.room) == ("XYZ", 15, 127)
    assert not plain.single_homing
    assert parse_identity(["[OPT:VH,15,128]"]).single_homing
    fluid = parse_identity(["[VER:4.0 FluidNC v4.0.1 (esp32-wifi) :]", "[OPT:PHS]"], 5)
    assert (fluid.axes, fluid.is_fluidnc, fluid.lists) == ("XYZAB", True, ("$E", "$A"))
    assert parse_texts(["3: Invalid statement", "[MSG:INFO: 4: no]"]) == {3: "Invalid statement"}
    assert parse_status("<Idle|WPos:1.000,2.000|FS:0,0>").position == (1.0, 2.0)
