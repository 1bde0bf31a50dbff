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
    home = torque.homing(P)
    assert home.most == pytest.approx(0.12 * 0.2 / 0.67 + 0.006)
    assert home.least == pytest.approx(0.12 * 0.2 / 0.67 - 0.006)
    assert home.blow == pytest.approx(1.8e-6 * 0.7854**2 / 0.017453, rel=1e-3)
    assert min(pot.stop for pot in P.pots) > torque.running(P).worst


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"homing_current": 400}, "more than half"),
        ({"run_current": 600}, "running into its stop"),
        ({"homing_current": 100}, "may need 1.5 N·cm"),
    ],
)
def test_a_current_that_is_wrong_is_named(change, words):
    drive = P.drive.model_copy(update=change)
    assert any(words in fault for fault in torque.faults(P.model_copy(update={"drive": drive})))


def test_the_guide_has_the_arithmetic_of_the_parameters():
    guide = (parameters.FILE.parent / "README.md").read_text("utf-8")
    assert torque.table(P) in guide
