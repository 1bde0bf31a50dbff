"""What the driver counts on a grblHAL controller to do: the same for the fake one and a real one.

With AMPSWEEP_GRBL set to a pyserial address (`socket://localhost:2400`, `/dev/ttyACM0`) every test
here is run against that controller, too. Its settings are changed and its axes X, Y and A turn, so
let no knob be on it that has not the 300 degrees that they turn by.
"""

import os
import re
import time
from types import SimpleNamespace

import numpy as np
import pytest
import serial
from grbl_pty import Bench
from grbl_rig import KNOBS, live_rig, silence, steppers

from rigs.errors import UserError
from rigs.rig import nobody
from rigs.trajectory import Trajectory

REAL = os.environ.get("AMPSWEEP_GRBL", "")
FAST = 25.0


@pytest.fixture(params=["fake", "real"] if REAL else ["fake"])
def bench(request, tmp_path):
    """Where the controller is, and how its time may be hurried: not at all if it is real."""
    if request.param == "real":
        yield SimpleNamespace(port=REAL, hurry=lambda speed: None)
        return
    made = Bench(tmp_path, FAST)
    yield made
    made.close()
    assert not made.controller.overflowed


class Talk:
    """Lines out and lines in, with nothing in between."""

    def __init__(self, port):
        self._serial = serial.serial_for_url(port, 115_200, timeout=0.02)
        self._rest = b""
        self.byte(b"\x18")
        self.until("[Gg]rbl")
        if "Alarm" in self.status():
            self.line("$X")

    def byte(self, data):
        self._serial.write(data)

    def until(self, pattern, seconds=15.0):
        """Everything up to the first line that begins with ``pattern``."""
        heard, end = [], time.monotonic() + seconds
        while time.monotonic() < end:
            *lines, self._rest = (self._rest + self._serial.read(4096)).split(b"\n")
            for index, raw in enumerate(lines):
                heard.append(raw.decode("ascii", "replace").strip())
                if re.match(pattern, heard[-1]):
                    self._rest = b"\n".join([*lines[index + 1 :], self._rest])
                    return heard
        raise AssertionError(f"nothing like {pattern} in {heard}")

    def line(self, text, seconds=15.0):
        """The reply to one line: `ok` or `error:N`."""
        self.byte(text.encode() + b"\n")
        return self.until("ok|error:", seconds)[-1]

    def status(self, byte=b"?"):
        self.byte(byte)
        return self.until("<")[-1]

    def rest(self):
        end = time.monotonic() + 30
        while not self.status().startswith("<Idle"):
            assert time.monotonic() < end

    def close(self):
        self._serial.close()


@pytest.fixture
def talk(bench):
    """A controller that is set up for three knobs and homed where it stands."""
    made = steppers(bench, KNOBS)
    made.open(KNOBS, nobody)
    made.close()
    bench.hurry(5.0)
    talk = Talk(str(bench.port))
    talk.rest()
    for axis in "XYA":
        assert talk.line(f"$H{axis}") == "ok"
    yield talk
    talk.byte(b"\x18")
    talk.close()


def test_every_line_has_one_reply(talk):
    for text in ("", "G21G90G94", "G4P0.01", "$I", "$$", "G1X1F6000", "M400X", "$nonsense", ""):
        reply = talk.line(text)
        assert re.fullmatch(r"ok|error:\d+", reply), text
    talk.rest()


def test_an_error_latches_until_an_empty_line(talk):
    assert talk.line("G1X20Q7F600") == "error:36"
    assert talk.line("G4P0.01") == "error:36"
    assert talk.line("") == "ok"
    assert talk.line("G4P0.01") == "ok"


@pytest.mark.parametrize("left", ["", "G53G1X50F6000", "$J=G91X10F100", "G1X9(a thought"])
def test_a_spoilt_line_is_refused_and_moves_nothing(talk, left):
    before = talk.status()
    talk.byte(left.encode())
    assert talk.line(")$").startswith("error:")
    assert talk.line("") == "ok"
    position = r"^<Idle\|MPos:[-0-9.,]+"
    assert re.match(position, talk.status())[0] == re.match(position, before)[0]


def test_a_setting_is_taken_whatever_comes_after_its_number(talk):
    assert talk.line("$24=26)$") == "ok"
    assert talk.line("$24=25") == "ok"


def test_a_full_report_tells_what_is_homed(talk):
    assert re.search(r"\|H:\d,11\b", talk.status(b"\x87"))
    talk.byte(b"\x18")
    talk.until("[Gg]rbl")
    assert re.search(r"\|H:\d,0\b", talk.status(b"\x87"))


def test_ok_is_not_arrival_and_dollar_lines_have_to_wait(talk):
    talk.line("G21G90G94")
    assert talk.line("G1X60F600") == "ok"
    assert talk.status().startswith("<Run")
    assert talk.line("$I") == "error:8"
    talk.line("")
    talk.rest()
    assert talk.status().startswith("<Idle|MPos:59.96")


def test_a_jog_beyond_the_travel_is_refused_without_an_alarm(talk):
    assert talk.line("$J=G53G90X310F3600") == "error:15"
    assert talk.status().startswith("<Idle")


def test_a_move_beyond_the_travel_is_an_alarm(talk):
    talk.byte(b"G21G90G94G53G1X310F3600\n")
    assert talk.until("ALARM:")[-1] == "ALARM:2"
    assert talk.status().startswith("<Alarm")
    talk.byte(b"\x18")
    talk.until("[Gg]rbl")


def test_a_reset_in_motion_loses_the_position(talk):
    talk.line("G21G90G94")
    talk.line("G1X200F600")
    while not talk.status().startswith("<Run"):
        pass
    talk.byte(b"\x18")
    assert "ALARM:3" in talk.until("[Gg]rbl")


def test_a_hold_keeps_the_position_and_a_reset_after_it(talk):
    talk.line("G21G90G94")
    talk.line("G1X200F600")
    while not talk.status().startswith("<Run"):
        pass
    talk.byte(b"!")
    while not (stood := talk.status()).startswith("<Hold:0"):
        pass
    talk.byte(b"\x18")
    talk.until("[Gg]rbl")
    after = talk.status()
    assert after.startswith("<Idle")
    assert re.search("MPos:[^,]*", after)[0] == re.search("MPos:[^,]*", stood)[0]


def test_inverse_time_needs_a_feed_for_every_line(talk):
    assert talk.line("G21G90G93") == "ok"
    assert talk.line("G53G1X6F60") == "ok"
    assert talk.line("G53G1X12") == "error:22"
    assert talk.line("") == "ok"
    talk.rest()
    assert talk.line("G53G1X106F6") == "ok"  # a hundred degrees in ten seconds
    speeds = []
    while not (said := talk.status()).startswith("<Idle"):
        time.sleep(0.02)  # not a host that asks without end
        speeds.append(float(re.search(r"\|FS:([0-9.]+)", said)[1]))
    assert np.median(speeds) == pytest.approx(600, rel=0.01)


def test_what_is_not_a_setting(talk):
    assert talk.line("$999=1") == "error:53"
    talk.line("")
    assert talk.line("$22=0") == "ok"
    assert talk.line("$20=1") == "error:10"
    talk.line("")


# The driver.


@pytest.fixture
def rig(bench):
    made = live_rig(bench, KNOBS)
    made.open(nobody)
    yield made
    made.close()


def go(rig, **setting):
    trajectory = Trajectory.still(KNOBS, KNOBS.check(setting))
    return rig.actuator.go(KNOBS, trajectory).end().reached


def test_settings_are_reached(rig):
    for gain, tone, bright in [(0, 10, 1), (10, 0, 0), (5, 5, 1), (5.01, 4.99, 1), (0, 0, 0)]:
        reached = go(rig, Gain=gain, Tone=tone, Bright=bright)
        assert reached == pytest.approx({"Gain": gain, "Tone": tone, "Bright": bright}, abs=0.003)
        assert rig.actuator.position() == reached


def test_homing_again(rig):
    go(rig, Gain=3)
    rig.actuator.home()
    assert rig.actuator.position() == {"Gain": 0, "Tone": 0, "Bright": 0}
    assert go(rig, Gain=3)["Gain"] == pytest.approx(3, abs=0.003)


def test_a_jog_stops_at_the_ends(rig):
    rig.actuator.jog("Gain", 12)
    with pytest.raises(UserError, match="would turn to"):
        rig.actuator.jog("Gain", 300)
    assert rig.actuator.axes_report()[0].degrees == pytest.approx(12, abs=0.06)


def test_a_sweep_is_done_and_measured(bench, rig):
    bench.hurry(1.0)
    corners = np.random.default_rng(0).uniform(1, 9, (4, 2))
    asked = Trajectory(np.column_stack([corners, np.ones(4)]).astype(np.float32), 1 / 1.5)
    _, moved = rig.take(silence(asked), asked)
    grid = np.arange(len(moved.trajectory.positions)) / moved.trajectory.rate
    assert np.sqrt(np.mean((moved.trajectory.positions - asked.at(grid)) ** 2)) < 0.4
    assert go(rig, Gain=5)["Gain"] == pytest.approx(5, abs=0.003)


def test_stopped_and_opened_again(bench, rig):
    go(rig, Gain=8)
    rig.actuator.stop()
    with pytest.raises(UserError, match="not homed"):
        go(rig, Gain=2)
    rig.close()
    bench.hurry(FAST)
    rig.open(nobody)
    assert go(rig, Gain=2)["Gain"] == pytest.approx(2, abs=0.003)
