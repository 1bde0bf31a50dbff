"""What goes wrong with cables, controllers and hosts, and that nothing keeps turning."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from grbl_pty import Bench, late, lost, when
from grbl_rig import TWO, live_rig, steppers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataset.plan import Plan, PlanEntry
from dataset.session import Kept, Paused, capture
from dataset.signals import Dry
from dataset.store import Dataset
from rigs.actuators.grbl.connection import Fault, Link
from rigs.actuators.grbl.protocol import parse_identity, parse_settings, parse_status, parse_texts
from rigs.audio import quantise24
from rigs.errors import DeviceLost, UserError
from rigs.rig import nobody
from rigs.trajectory import Trajectory

FAST = 50.0
HERE = Path(__file__).parent


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path, FAST)
    yield made
    made.close()


@pytest.fixture
def grbl(bench):
    made = steppers(bench, TWO)
    made.open(TWO, nobody)
    made.prepare()
    yield made
    made.close()


def go(grbl, gain, tone):
    wanted = {"Gain": gain, "Tone": tone}
    return grbl.go(TWO, Trajectory.still(TWO, wanted)).end().reached


def works(grbl):
    """Opened anew, it homes and turns; what the session does after a loss."""
    grbl.close()
    grbl.open(TWO, nobody)
    grbl.prepare()
    assert go(grbl, 3, 9) == pytest.approx({"Gain": 3, "Tone": 9}, abs=0.003)


def until(true, seconds=20.0):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.001)


LOSSES = {
    "a line's end": ("to_controller", lambda b: lost(rb"(?<=G53G1).*\n"), "reply|still"),
    "an ok": ("to_host", lambda b: lost(rb"ok\r\n"), "reply|still"),
    "half an ok": ("to_host", lambda b: lost(rb"o(?=k\r\n)"), "reply|still"),
    "an alarm": (
        "to_controller",
        lambda b: when(rb"G53G1", lambda: b.controller.alarm(1), 4),
        r"alarm 1 \(a limit switch was hit\)",
    ),
    "a reset": (
        "to_controller",
        lambda b: when(rb"G53G1", lambda: b.controller.power_cycle(), 4),
        "restarted by itself",
    ),
    "a cable": (
        "to_controller",
        lambda b: when(rb"G53G1", lambda: setattr(b, "pull", True), 4),
        "broke.*plug it in",
    ),
}


@pytest.mark.parametrize("loss", list(LOSSES))
def test_a_loss_in_the_middle_of_a_move_is_noticed_and_mended(bench, grbl, loss, monkeypatch):
    monkeypatch.setattr("rigs.actuators.grbl.stream._STILL", 0.3)
    monkeypatch.setattr("rigs.actuators.grbl.stream.REPLY", 0.6)
    monkeypatch.setattr("rigs.actuators.grbl.connection.REPLY", 0.6)
    where, make, match = LOSSES[loss]
    bench.back_in = 0.0
    setattr(bench, where, make(bench))
    with pytest.raises(DeviceLost, match=match):
        go(grbl, 10, 5)
    setattr(bench, where, bytes)
    grbl.stop()
    until(lambda: bench.port.exists())
    until(lambda: not bench.controller.moving)
    monkeypatch.undo()  # from here on a busy machine may take its time
    works(grbl)


def test_a_wrong_number_is_noticed(bench, grbl):
    # The last line's, so that nothing after it puts it right: X301.950 becomes X30.950.
    bench.to_controller = lost(rb"(?<=X30)1(?=\.)", 100)
    with pytest.raises(
        DeviceLost, match=r"did not arrive where it was sent|turned X to.* was held"
    ):
        go(grbl, 10, 0)
    bench.to_controller = bytes
    works(grbl)


def test_a_motor_that_strays_is_held(bench, grbl):
    bench.hurry(1.0)
    bench.to_controller = lost(rb"(?<=G53G1X1)\d(?=\d\.)")  # X123 becomes X13
    with pytest.raises(DeviceLost, match=r"turned X to .* was not sent, and was held"):
        go(grbl, 10, 0)
    until(lambda: bench.controller.state == "Hold" and not bench.controller.moving)
    bench.to_controller = bytes
    bench.hurry(FAST)
    works(grbl)


def test_a_late_ok_does_no_harm(bench, grbl):
    bench.to_host = late(rb"ok\r\n", 200)
    assert go(grbl, 10, 5) == pytest.approx({"Gain": 10, "Tone": 5}, abs=0.003)
    assert bench.controller.longest <= 1.0


def test_nothing_replies(bench, grbl, monkeypatch):
    monkeypatch.setattr("rigs.actuators.grbl.stream.REPLY", 0.3)
    monkeypatch.setattr("rigs.actuators.grbl.connection.REPLY", 0.3)
    bench.to_host = lambda data: b""
    with pytest.raises(DeviceLost, match="does not reply"):
        go(grbl, 10, 5)
    bench.to_host = bytes
    works(grbl)


def test_noise_on_the_line_is_not_believed(bench, grbl):
    noise = np.random.default_rng(0)

    def spoil(data):
        return data.replace(b"\r\n", b"\r\n" + noise.bytes(5).replace(b"\n", b"") + b"\r\n", 1)

    bench.to_host = spoil
    assert go(grbl, 10, 5) == pytest.approx({"Gain": 10, "Tone": 5}, abs=0.003)


def test_a_refusal_is_cleared_and_named(bench):
    link = Link(str(bench.port), 115_200)
    link.reset()
    with pytest.raises(Fault, match=r"refused 'G1X20Q7F600' with error:36 \(.*no use for\)"):
        link.command("G1X20Q7F600")
    link.command("G4P0.01")
    link.close()


def test_what_goes_wrong_each_time_ends_the_session(bench, grbl):
    for attempt in range(3):
        bench.to_controller = when(rb"G53G1", lambda: bench.controller.alarm(17), 3)
        with pytest.raises(UserError) as caught:
            go(grbl, 10, 5)
        bench.to_controller = bytes
        assert isinstance(caught.value, DeviceLost) == (attempt < 2)
        grbl.close()
        grbl.open(TWO, nobody)
        grbl.prepare()
    assert "3 times in a row" in str(caught.value)


def test_a_door_that_opens_is_not_waited_for(bench, grbl):
    bench.to_controller = when(rb"G53G1", lambda: setattr(bench.controller, "state", "Door"), 3)
    with pytest.raises(DeviceLost, match="went to state Door"):
        go(grbl, 10, 5)


def test_stop_holds_and_asks_for_homing(bench, grbl):
    motion = grbl.go(TWO, Trajectory(np.array([[2, 2], [8, 8]], np.float32), 1.0))
    bench.hurry(1.0)
    motion.begin(time.monotonic() + 0.2)
    until(lambda: bench.controller.state == "Run" and bench.controller.velocity > 50)
    grbl.stop()
    assert bench.controller.state == "Idle"  # held at full position first: no alarm
    assert not bench.controller.queue
    stood = bench.controller.steps.copy()
    with pytest.raises(UserError, match="not homed"):
        go(grbl, 5, 5)
    grbl.close()
    assert (bench.controller.steps == stood).all()
    assert not bench.controller.energised


HOST = """
    import sys, time
    import numpy as np
    sys.path.insert(0, {here!r})
    from pathlib import Path
    from types import SimpleNamespace
    from grbl_rig import TWO, live_rig
    from rigs.trajectory import Trajectory

    rig = live_rig(SimpleNamespace(port=Path({port!r})), settle=0, homing_speed={homing})
    try:
        rig.open()
        print("open", flush=True)
        places = [{{"Gain": 9, "Tone": 9}}, {{"Gain": 0, "Tone": 5}}] * 100
        if {sweeps}:
            moves = [Trajectory(np.array([[1, 1], [9, 9]] * 20, np.float32), 0.5)]
        else:
            moves = [Trajectory.still(TWO, place) for place in places]
        for trajectory in moves:
            rig.take(np.zeros(48000 * 60 * {sweeps}, np.float32), trajectory)
    except KeyboardInterrupt:
        rig.close()
        print("closed", flush=True)
"""


def host(bench, sweeps=0, homing=360):
    script = HOST.format(here=str(HERE), port=str(bench.port), sweeps=sweeps, homing=homing)
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("doing", ["homing", "moving", "sweeping"])
def test_ctrl_c_holds_at_once(bench, doing):
    child = host(bench, doing == "sweeping", 45)
    if doing != "homing":
        assert child.stdout.readline() == "open\n", child.stderr.read()
    bench.hurry(1.0)
    state = "Jog" if doing == "homing" else "Run"
    until(lambda: bench.controller.state == state and bench.controller.velocity > 10)
    before = len(bench.heard)
    child.send_signal(signal.SIGINT)
    out, errors = child.communicate(timeout=30)
    assert "closed" in out, errors
    assert errors == ""
    said = bench.heard[before:]
    assert b"!" in said
    # After the hold no line of motion is run: it rests at once and lets go.
    until(lambda: bench.controller.state == "Idle")
    assert not bench.controller.energised
    assert bench.controller.settings[1] == "25"


def test_a_host_that_dies_leaves_a_rig_that_stops(bench):
    child = host(bench, sweeps=1)
    assert child.stdout.readline() == "open\n", child.stderr.read()
    bench.hurry(1.0)
    until(lambda: bench.controller.state == "Run" and len(bench.controller.queue) > 5)
    with bench.lock:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        killed = bench.controller.now
    rested = []
    until(
        lambda: bench.controller.state == "Idle" or rested.append(bench.controller.now)  # type: ignore[func-returns-value]
    )
    assert rested[-1] - killed <= 1.0
    child.communicate()


def entry(index, positions, rate, frames, dry):
    role = "train"
    trajectory = Trajectory(np.array(positions, np.float32), rate)
    return PlanEntry(index, role, trajectory, dry.dry_id, 0, frames)


def test_a_session_goes_on_after_its_cable_was_pulled(tmp_path, monkeypatch):
    monkeypatch.setattr("rigs.opened.PAUSE", 0.05)
    bench = Bench(tmp_path, 1.0)
    for mechanics in bench.controller.mechanics:
        mechanics.start = mechanics.knob = 30.0
    small = {"travel": 60}
    rig = live_rig(bench, more={"Gain": small, "Tone": small})
    noise = 0.1 * np.random.default_rng(0).standard_normal(24_000)
    dry = Dry("noise", "made", "CC0-1.0", quantise24(noise))
    entries = (
        entry(0, [[9, 1]], 1.0, 24_000, dry),
        entry(1, [[2, 2], [4, 3]], 2.0, 24_000, dry),
        entry(2, [[1, 9]], 1.0, 24_000, dry),
    )
    plan = Plan("box", TWO, entries)
    rig.path.on_play = when_second(bench)
    bench.back_in = 0.2
    events = []
    summary = capture(rig, plan, [dry], tmp_path / "box", events.append, patience=30)
    assert summary.captured == 3
    paused = [event for event in events if isinstance(event, Paused)]
    assert [event.entry.index for event in paused] == [1]
    assert "plug it in" in paused[0].reason
    assert [e.entry.index for e in events if isinstance(e, Kept)] == [0, 1, 2]
    rows = list(Dataset.open(tmp_path / "box").rows())
    assert rows[2]["reached"] == pytest.approx({"Gain": 1, "Tone": 9}, abs=0.02)
    # Homed twice: once more after the cable.
    assert bench.heard.count(b"$HX\n") == 2
    bench.close()


def when_second(bench):
    count = [0]

    def played():
        count[0] += 1
        if count[0] == 2:
            bench.pull = True

    return played


# Random sequences: no rule is broken, whatever comes.

LINES = st.one_of(
    st.text(st.characters(max_codepoint=300), max_size=80),
    st.from_regex(r"\A<[A-Z][a-z]+(:\d)?(\|[A-Za-z]+:[-0-9.,]*){0,4}>\Z"),
    st.from_regex(r"\A\[(OPT|AXS|VER|FIRMWARE|NEWOPT|ERRORCODE):[A-Z0-9,:|.]{0,30}\]\Z"),
    st.from_regex(r"\A\$\d{1,5}=[-0-9.]{0,12}\Z"),
)


@settings(max_examples=50, deadline=None)
@given(st.lists(LINES, max_size=5))
def test_no_line_confuses_the_parsers(lines):
    for line in lines:
        status = parse_status(line)
        assert status is None or len(status.position) > 0
    identity = parse_identity(lines)
    assert 0 < len(identity.axes) <= 6
    assert all(np.isfinite(v) for v in parse_settings(lines).values())
    parse_texts(lines)


@settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    seed=st.integers(0, 10_000),
    rate=st.sampled_from([0.001, 0.01]),
    direction=st.sampled_from(["to_controller", "to_host"]),
)
def test_bytes_lost_at_random_end_in_the_right_place_or_in_a_loss(
    tmp_path, monkeypatch, seed, rate, direction
):
    """A lost byte costs a take, never a wrong setting, and never a push against a stop."""
    monkeypatch.setattr("rigs.actuators.grbl.stream.REPLY", 0.5)
    monkeypatch.setattr("rigs.actuators.grbl.stream._STILL", 0.5)
    monkeypatch.setattr("rigs.actuators.grbl.connection.REPLY", 0.5)
    bench = Bench(tmp_path, FAST)
    grbl = steppers(bench, TWO)
    grbl.open(TWO, nobody)
    grbl.prepare()
    pushed = [len(m.stalls) for m in bench.controller.mechanics]
    rng = np.random.default_rng(seed)

    def leak(data):
        return bytes(b for b in data if rng.random() >= rate)

    setattr(bench, direction, leak)
    try:
        for gain, tone in 10 * rng.random((2, 2)):
            reached = go(grbl, gain, tone)
            assert reached == pytest.approx({"Gain": gain, "Tone": tone}, abs=0.01)
    except DeviceLost:
        pass
    setattr(bench, direction, bytes)
    assert [len(m.stalls) for m in bench.controller.mechanics] == pushed
    if direction == "to_host":  # a garbled feed can be slow, until the motor is found to stray
        assert bench.controller.longest <= 1.0
    until(lambda: not bench.controller.moving)
    works(grbl)
    grbl.close()
    bench.close()
