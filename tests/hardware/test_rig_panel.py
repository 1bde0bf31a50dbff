"""What `--knobs` says, and which panels a rig can be made for."""

import pytest

from hardware.rig import panel, parameters, torque
from rigs.errors import UserError

P = parameters.read()


def test_knobs_are_read_from_left_to_right():
    found = panel.parse("Bass: 25mm @42, Gain:d@-3.5,Presence:1/4@90")
    assert [(f.name, f.grip, f.x) for f in found] == [
        ("Gain", "D", -3.5),
        ("Bass", 25.0, 42.0),
        ("Presence", "1/4", 90.0),
    ]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("", "'' is no knob"),
        ("Gain", "'Gain' is no knob"),
        ("Gain:25mm", "is no knob"),
        ("Gain:25@0", "gripped by '25'"),
        ("Gain:2mm@0", "gripped by '2mm'"),
        ("Gain:999mm@0", "gripped by '999mm'"),
        ("Gain:25mm@nan", "is no knob"),
        ("Gain:25mm@99999", "is no knob"),
        ("A:D@0,a:D@40", "same name"),
        ("A:D@0,B:D@2500", "more than 2000 mm apart"),
        (",".join(f"K{n}:D@{40 * n}" for n in range(7)), "there are 7"),
    ],
)
def test_what_is_no_panel_is_refused_in_a_sentence(said, words):
    with pytest.raises(UserError) as error:
        panel.parse(said)
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("A:25mm@0,B:25mm@30", "their couplers need"),
        ("A:D@0,B:D@18", "their couplers need 18.8"),
        ("A:D@0,B:D@19,C:D@38,D:D@55", "their couplers need"),
    ],
)
def test_knobs_too_close_are_refused_with_what_helps(said, words):
    with pytest.raises(UserError) as error:
        panel.stations(P, panel.parse(said))
    assert words in str(error.value)


def test_motors_in_two_tiers_pass_each_other():
    narrow = P.model_copy(update={"coupler": P.coupler.model_copy(update={"diameter": 8.0})})
    with pytest.raises(UserError, match="too close to the two knobs before it"):
        panel.stations(narrow, panel.parse("A:D@0,B:D@14,C:D@28"))
    with pytest.raises(UserError, match="a rod that passes the motor of A"):
        panel.stations(narrow, panel.parse("A:D@0,B:D@14"))


def test_no_pot_of_the_list_is_hurt():
    assert torque.faults(P) == []
    home, held = torque.homing(P), 0.12 * P.drive.homing_current / 670
    assert home.most == pytest.approx(1.1 * held + 0.012)
    assert home.least == pytest.approx(0.9 * held - 0.012)
    assert home.blow == pytest.approx(21.8e-6 * 0.7854**2 / 0.017453, rel=1e-3)
    weakest = min(pot.stop for pot in P.pots)
    assert 2 * home.worst < weakest
    assert torque.running(P).worst < weakest
    assert home.least > 1.25 * max(pot.turn for pot in P.pots)


def test_every_pot_says_who_states_its_torques():
    for pot in P.pots:
        assert pot.source.split(",")[0] in ("Alps", "Bourns", "CTS", "Omeg", "Piher"), pot.name
        assert pot.turn is not None
    assert [pot.stop for pot in P.pots] == sorted(pot.stop for pot in P.pots)


def driven(**change):
    return P.model_copy(update={"drive": P.drive.model_copy(update=change)})


@pytest.mark.parametrize("pot", P.pots, ids=lambda pot: pot.name)
def test_a_window_ends_where_the_rules_do(pot):
    """At its ends the rules just hold for that pot; a milliampere beyond, they do not."""
    low, high = torque.window(P, pot)
    alone = P.model_copy(update={"pots": (pot,)})
    for current, fine in ((low, True), (low - 1, False), (high, True), (high + 1, False)):
        drive = P.drive.model_copy(update={"homing_current": current, "run_current": 10})
        wrong = torque.faults(alone.model_copy(update={"drive": drive}))
        assert (not wrong) == fine, (current, wrong)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"homing_current": 460}, "Bourns PTV09, 9 mm with 10.3 N·cm, more than half of the 19.6"),
        ({"run_current": 900}, "running into its stop"),
        ({"run_current": 700}, "700 mA is more than the 670 mA that the motor bears"),
        ({"homing_current": 350}, "CTS 450, 24 mm may need 4.2 N·cm: at least 404 mA"),
    ],
)
def test_a_current_that_is_wrong_is_named(change, words):
    wrong = torque.faults(driven(**change))
    assert any(words in fault for fault in wrong), wrong


def test_what_the_guide_says_of_heat_and_of_the_quiet_mode():
    guide = " ".join((parameters.FILE.parent / "README.md").read_text("utf-8").split())
    rated = 2 * P.motor.current**2 * P.motor.resistance
    assert f"{torque.heat(P):.1f} W into heat, against {rated:.1f} W at its rated" in guide
    assert f"at most: {80 * torque.heat(P) / rated:.0f} K here" in guide
    blank = 24 * 2 / 1024  # clocks of blank time, and choppings in 1024 of them
    least = 1000 * blank * P.drive.supply / P.motor.resistance
    assert f"below {least:.0f} mA" in guide


def test_the_guide_has_the_arithmetic_of_the_parameters():
    guide = (parameters.FILE.parent / "README.md").read_text("utf-8")
    assert torque.table(P) in guide
