"""Knobs that turn while audio plays, in real time: where they were, and how well that is known."""

from pathlib import Path

import numpy as np
import pytest
from grbl_rig import KNOBS, TWO, Watched, options
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset.plans.reach import slowed
from rigs.actuators.grbl import Grbl, paths
from rigs.actuators.grbl.clock import Poll, fit_polls, fit_pulses, match_pulses
from rigs.actuators.grbl.shafts import Shafts
from rigs.errors import UserError
from rigs.trajectory import Trajectory

SHAFTS = Shafts.of(TWO, options("/dev/null", TWO))


def wander(seed, points=3, interval=0.8, knobs=TWO, within=(2, 8)):
    rng = np.random.default_rng(seed)
    positions = rng.uniform(*within, (points, len(knobs))).astype(np.float32)
    for column, knob in enumerate(knobs):
        if knob.detents:
            positions[:, column] = 1
    return Trajectory(positions, 1 / interval)


@pytest.mark.parametrize("speed", [1.0, 0.96], ids=["true clock", "slow clock"])
def test_a_sweep_is_measured(tmp_path, speed):
    watched = Watched(tmp_path)
    watched.bench.hurry(speed)
    asked = wander(1)
    moved = watched.take(asked)
    wrong = moved.trajectory.positions - watched.true(moved.trajectory)
    # Degrees are a thirtieth of these: 1 degree rms.
    assert np.sqrt((wrong**2).mean()) < 0.03
    assert moved.reached == pytest.approx(TWO.to_setting(moved.trajectory.positions[0]))
    assert moved.trajectory.positions[-1] == pytest.approx(asked.positions[-1], abs=0.1)
    moved.trajectory.check(TWO)
    # What was asked for is close, too, for the stream makes up for a slow controller.
    grid = np.arange(len(moved.trajectory.positions)) / moved.trajectory.rate
    assert np.abs(asked.at(grid) - moved.trajectory.positions).max() < 0.6
    # And the next setting comes out right.
    still = watched.take(Trajectory.still(TWO, {"Gain": 5, "Tone": 5}))
    assert still.trajectory is None
    assert still.reached == pytest.approx({"Gain": 5, "Tone": 5}, abs=0.003)
    watched.close()


def test_a_switch_stands_and_rests_are_timed_by_the_host(tmp_path):
    watched = Watched(tmp_path, KNOBS)
    positions = [[2, 2, 1], [4, 3, 1], [4, 3, 1], [2, 5, 1]]
    asked = Trajectory(np.array(positions, np.float32), 2.5)
    moved = watched.take(asked)
    wrong = moved.trajectory.positions[:, :2] - watched.true(moved.trajectory)
    assert np.sqrt((wrong**2).mean()) < 0.03
    assert (moved.trajectory.positions[:, 2] == 1).all()
    watched.close()


def test_pulses_that_were_heard_tell_the_time(tmp_path):
    watched = Watched(tmp_path, sync_output=0)
    path, heard = watched.rig.path, list[float]()
    play = path.play

    def listen(dry, motion, progress):
        recording = play(dry, motion, progress)
        motion.sweep.finish()
        edges = [time for time, _ in watched.bench.controller.edges]
        heard.extend(np.array(edges) - watched.bench.at(path.began))  # at true speed
        motion.pulses(np.array(heard))
        return recording

    path.play = listen
    moved = watched.take(wander(2))
    assert len(heard) >= 3
    wrong = moved.trajectory.positions - watched.true(moved.trajectory)
    assert np.sqrt((wrong**2).mean()) < 0.03
    watched.close()


def test_a_sweep_that_the_motors_cannot_do_is_refused_before_anything_moves():
    o = options("/dev/null", TWO)
    fast = Trajectory(np.array([[0, 0], [10, 10]], np.float32), 1.0)
    with pytest.raises(UserError, match=r"turns Gain at 300 degrees a second.*longer interval"):
        paths.sweep(fast, SHAFTS, o.speed, o.acceleration, o.segment)
    rattle = np.tile([[4, 4], [4.7, 4]], (40, 1)).astype(np.float32)
    with pytest.raises(UserError, match=r"turns Gain too sharply.*longer interval"):
        paths.sweep(Trajectory(rattle, 8.0), SHAFTS, 240, 60, o.segment)


@settings(max_examples=40, deadline=None)
@given(
    frames=st.lists(st.tuples(*[st.floats(0, 10, width=32)] * 2), min_size=2, max_size=9),
    interval=st.floats(0.05, 3),
    speed=st.floats(30, 300),
)
def test_what_a_plan_has_been_slowed_to_is_never_refused(frames, interval, speed):
    """Its reach promises that, whatever the corners."""
    made = options("/dev/null", TWO, speed=speed, acceleration=speed / 0.15)
    grbl = Grbl(made, Path())
    grbl.check(TWO)
    asked = Trajectory(np.array(frames, np.float32), float(np.float32(1 / interval)))
    trajectory = slowed(TWO, grbl.reach, asked, 600.0)
    paths.sweep(trajectory, Shafts.of(TWO, made), made.speed, made.acceleration, made.segment)


def test_how_fast_a_knob_can_sweep_is_told_in_panel_units():
    grbl = Grbl(options("/dev/null", more={"Tone": {"low_end": 280, "high_end": 40}}), Path())
    grbl.check(KNOBS)
    assert grbl.reach.speeds == pytest.approx({"Gain": 8.0, "Tone": 10.0}, rel=2e-3)


@settings(max_examples=40, deadline=None)
@given(
    frames=st.lists(st.tuples(*[st.floats(0, 10, width=32)] * 2), min_size=2, max_size=6),
    interval=st.floats(1.3, 8),
)
def test_every_piece_moves_a_motor_by_a_step_within_its_limits(frames, interval):
    trajectory = Trajectory(np.array(frames, np.float32), 1 / interval)
    made = paths.sweep(trajectory, SHAFTS, 240, 2000, 0.03)
    at = SHAFTS.to_motor(trajectory.positions[:1].astype(float))[0]
    for path in made:
        assert np.allclose(path.angles[0], at, atol=0.06)
        steps = np.diff(path.angles, axis=0) / SHAFTS.step
        assert np.allclose(steps, np.round(steps), atol=1e-6)
        assert (np.abs(steps).max(1) > 0.5).all()
        assert (np.diff(path.times) > 0).all()
        assert (np.diff(path.times) <= 0.35).all()
        assert path.angles.min() >= 0
        assert (path.angles <= SHAFTS.highest).all()
        at = path.angles[-1]
    assert np.allclose(at, SHAFTS.to_motor(trajectory.positions[-1:].astype(float))[0], atol=0.06)


def synthetic(lag, noise=0.06):
    """Polls every 25 ms of a path that runs late by ``lag(t)``."""
    [path] = paths.sweep(wander(3, 6, 1.5), SHAFTS, 240, 2000, 0.03)
    rng = np.random.default_rng(0)
    seconds = np.arange(0, 7.4, 0.025) + rng.uniform(0, 0.005, 296)
    angles = path.at(seconds - lag(seconds)) + rng.normal(0, noise, (len(seconds), 2))
    return path, [Poll(t, a, 0.002) for t, a in zip(seconds, angles, strict=True)]


def test_a_late_and_drifting_clock_is_found():
    def lag(seconds):
        return 0.12 + 0.01 * seconds

    path, polls = synthetic(lag)
    polls[40:43] = [Poll(p.seconds, p.angles + 40, p.spread) for p in polls[40:43]]  # garbled
    clock = fit_polls(path, polls)
    inside = np.arange(0.5, 7, 0.05)
    found = inside - clock.path_time(inside)
    assert np.abs(found - lag(inside)).max() < 0.004
    assert np.sqrt(np.mean((found - lag(inside)) ** 2)) < 0.0015


def test_without_polls_nothing_is_claimed():
    path, _ = synthetic(np.zeros_like)
    assert (fit_polls(path, []).lag == 0).all()


def test_pulses_that_were_missed_or_made_up_are_left_out():
    path, polls = synthetic(lambda seconds: 0.03 + 0.0 * seconds)
    polled = fit_polls(path, polls)
    told = np.arange(0.5, 7, 0.5)
    heard = told + 0.032
    noisy = np.sort([*heard[1:5], *heard[6:11], 1.8, 5.25, 90.0])  # one missed, some never heard
    pairs = match_pulses(polled, told, noisy, 0.125)
    assert pairs[0] == pytest.approx([*told[1:5], *told[6:11]])
    assert pairs[1] - pairs[0] == pytest.approx(0.032)
    for nothing in (
        match_pulses(polled, told, told[:0], 1),
        match_pulses(polled, told[:0], told, 1),
    ):
        assert [len(side) for side in nothing] == [0, 0]


def test_pulses_mend_a_late_answer():
    path, polls = synthetic(lambda seconds: 0.03 + 0.01 * seconds)
    polls = [Poll(p.seconds + 0.008, p.angles, p.spread) for p in polls]  # answers are held up
    told = np.arange(0.5, 7, 0.5)
    heard = told + 0.03 + 0.01 * (told + 0.03)
    clock = fit_pulses(fit_polls(path, polls), told, heard)
    assert clock.path_time(heard) == pytest.approx(told, abs=0.003)
    assert clock.seconds < 0.002
