"""What a controller is left as when a rig is opened: as it is if it rests, else reset."""

import re

import pytest
from grbl_pty import Bench, lost
from grbl_rig import TWO, steppers

from rigs.rig import nobody
from rigs.trajectory import Trajectory

FAST = 50.0
RESET = b"\x18"


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path, FAST)
    yield made
    made.close()
    assert not made.controller.overflowed


@pytest.fixture
def known(bench):
    """A bench whose controller was set up before, and has had its power off since."""
    made = steppers(bench, TWO)
    made.open(TWO, nobody)
    made.close()
    bench.say(lambda c: c.power_cycle())
    bench.say(lambda c: c.out.clear())
    bench.heard = b""
    return bench


def tell(bench, text):
    """Somebody else's words, whose replies nobody reads."""
    bench.say(lambda c: c.receive(text.encode("latin-1"), c.now))
    bench.say(lambda c: c.out.clear())


def opened(bench):
    """Opened without a move; the driver."""
    steps = bench.controller.steps.copy()
    made = steppers(bench, TWO, configure=False)
    made.open(TWO, nobody)
    assert (bench.controller.steps == steps).all()
    assert not bench.controller.energised
    assert not re.search(rb"G[0-3]\b|\$J|\$H", bench.heard)
    return made


def works(made):
    made.prepare()
    reached = made.go(TWO, Trajectory.still(TWO, {"Gain": 3, "Tone": 9})).end().reached
    assert reached == pytest.approx({"Gain": 3, "Tone": 9}, abs=0.003)
    made.close()


def test_a_controller_at_rest_is_not_reset_until_it_has_been_homed(known):
    made = opened(known)
    made.prepare()
    assert RESET not in known.heard
    made.home()  # a second time: pushing would be refused as beyond the travel
    assert known.heard.count(RESET) == 1
    works(made)


STALE = {
    "an alarm": lambda c: c.alarm(2),
    "a lock": lambda c: (setattr(c, "locked", 1), c.power_cycle(), setattr(c, "state", "Alarm")),
    "a hold": lambda c: setattr(c, "state", "Hold"),
    "a door": lambda c: setattr(c, "state", "Door"),
    "a check": lambda c: setattr(c, "state", "Check"),
}


@pytest.mark.parametrize("stale", list(STALE))
def test_what_is_wrong_is_reset(known, stale):
    known.say(STALE[stale])
    known.say(lambda c: c.out.clear())
    made = opened(known)
    assert RESET in known.heard
    works(made)


def test_motion_in_progress_is_reset(known):
    known.hurry(1.0)
    tell(known, "G21G90G94G1X40F600\n")
    assert known.controller.state == "Run"
    made = steppers(known, TWO, configure=False)
    made.open(TWO, nobody)
    assert RESET in known.heard
    assert not known.controller.queue
    known.hurry(FAST)
    works(made)


@pytest.mark.parametrize(
    "line", ["G53G1X50F6000", "$J=G91X10F100", "G1X10F100(a thought", "$H", ""]
)
def test_a_line_that_somebody_left_unfinished_is_never_run(known, line):
    tell(known, line)
    made = opened(known)
    works(made)


def test_a_setting_that_somebody_left_half_written_leads_to_a_reset(known):
    tell(known, "$24=2")  # real firmware takes it, whatever comes after the number
    made = opened(known)
    assert RESET in known.heard
    works(made)


def test_an_override_that_somebody_left_is_ended(known):
    known.say(lambda c: setattr(c, "overrides", 10))
    made = opened(known)
    assert RESET not in known.heard
    assert known.controller.overrides == 100
    works(made)


def test_a_reply_that_is_still_coming_is_not_taken_for_ours(known):
    # A dwell is no motion: the state is Idle, and its ok comes when it is over.
    known.hurry(1.0)
    tell(known, "G4P60\n")
    made = steppers(known, TWO, configure=False)
    made.open(TWO, nobody)
    assert RESET in known.heard
    known.hurry(FAST)
    works(made)


@pytest.mark.parametrize("reply", [rb"ok\r\n", rb"error:\d+\r\n"])
def test_a_lost_reply_leads_to_a_reset(known, reply):
    known.to_host = lost(reply)
    made = opened(known)
    assert RESET in known.heard
    works(made)


def test_a_reply_too_many_leads_to_a_reset(known):
    known.to_host = lambda data: data.replace(b"error:2\r\n", b"ok\r\nerror:2\r\n")
    made = opened(known)
    known.to_host = bytes
    assert RESET in known.heard
    works(made)


def test_a_board_that_starts_when_its_port_is_opened(known):
    """Deaf at first, as an Arduino in its boot loader, and then with a greeting of its own."""

    def deaf(data):
        if RESET in data:
            known.to_controller = bytes
            known.controller.power_cycle()
        return b""

    known.to_controller = deaf
    works(opened(known))
