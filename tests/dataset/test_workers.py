"""Workers: the same takes as from one, whoever dies."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest

from dataset.planning import PlanRecipe, make_plan
from dataset.session import Kept, capture
from dataset.workers import Job, by_workers, made_by, pool
from dataset.workers.cluster import ClusterPool
from dataset.workers.jobs import WorkerRig
from dataset.workers.local import LocalPool
from rigs.config import load_rig
from rigs.errors import UserError
from rigs.trajectory import Trajectory

VIRTUAL = Path(__file__).parents[2] / "rigs" / "virtual.toml"
SOURCE = WorkerRig(VIRTUAL, "")
SECONDS = 0.5


def jobs(count=6):
    rng = np.random.default_rng(1)
    knobs = load_rig(VIRTUAL).knobs
    for index in range(count):
        frames = round(SECONDS * 48_000)
        positions = rng.uniform(0, 10, (1 + index % 2, len(knobs))).astype(np.float32)
        dry = (0.1 * rng.standard_normal(frames)).astype(np.float32)
        yield Job(index, Trajectory(positions, 2.0), dry)


def processes(name):
    """The ids of all processes below this one whose command line holds ``name``: one at least."""
    found, end = [], time.monotonic() + 60
    while not found:
        assert time.monotonic() < end, f"no {name}"
        for child in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if name in " ".join(child.cmdline()):
                    found.append(child.pid)
    return found


MAKERS = {
    "local": (lambda: LocalPool(SOURCE, 2), "dataset.workers.child"),
    "ray": (lambda: ClusterPool(SOURCE, "local", 2), "ray::make"),
}


@pytest.fixture(params=MAKERS)
def workers(request):
    """Two workers, and what their processes are called."""
    maker, name = MAKERS[request.param]
    with maker() as made:
        assert made.size == 2
        yield made, name


@pytest.fixture(scope="module")
def from_one():
    rig = load_rig(VIRTUAL)
    rig.open()
    return [rig.take(job.dry, job.trajectory)[0].wet for job in jobs()]


def test_takes_are_those_of_one_worker_though_workers_are_killed(workers, from_one):
    made_pool, name = workers
    heard = {}
    for job, (recording, moved) in made_by(made_pool, jobs()):
        if not heard:
            for victim in processes(name):
                os.kill(victim, signal.SIGKILL)
        assert job.index not in heard
        heard[job.index] = recording.wet
        assert list(moved.reached.values()) == pytest.approx(job.trajectory.positions[0].tolist())
    assert sorted(heard) == list(range(6))
    for index, wet in enumerate(from_one):
        np.testing.assert_array_equal(heard[index], wet)


def test_what_the_rig_says_is_passed_on(workers):
    made_pool, _ = workers
    [job] = jobs(1)
    far = Trajectory(job.trajectory.positions + 100, 2.0)
    with pytest.raises(UserError, match="Gain") as told:
        list(made_by(made_pool, [Job(0, far, job.dry)]))
    assert "\n" not in str(told.value)


def test_a_capture_that_workers_die_of_is_named(monkeypatch):
    monkeypatch.setattr(pool, "DEATHS", 1)
    with LocalPool(SOURCE, 1) as made_pool:
        made = made_by(made_pool, jobs())
        next(made)
        for victim in processes("dataset.workers.child"):
            os.kill(victim, signal.SIGKILL)
        with pytest.raises(UserError, match=r"died over capture \d"):
            list(made)


@pytest.mark.parametrize("maker", [lambda s: LocalPool(s, 2), lambda s: ClusterPool(s, "local")])
def test_workers_play_the_rig_that_was_planned_for_or_none(maker, tmp_path):
    with pytest.raises(UserError, match="not the rig that the plan was made for"):
        maker(WorkerRig(VIRTUAL, "another"))
    hand = tmp_path / "hand.toml"
    hand.write_text(
        'name = "hand"\ndevice = "amp"\n[actuator]\ntype = "person"\n'
        '[path]\ntype = "audio-interface"\n[knobs.Gain]\n'
    )
    with pytest.raises(UserError, match="without workers"):
        maker(WorkerRig(hand, ""))


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nowhere:port", "auto"])
def test_no_cluster(address):
    with pytest.raises(UserError, match=f"no Ray cluster at '{address}'"):
        ClusterPool(SOURCE, address)


def parts_of(folder):
    return {p.name: p.read_bytes() for p in (folder / "captures").glob("*.parquet")}


def test_a_session_with_workers_leaves_the_dataset_of_one_without(tmp_path):
    rig = load_rig(VIRTUAL)
    recipe = PlanRecipe.model_validate(
        {
            "train": {"design": "sweep", "minutes": 0.05, "seconds": 0.5},
            "validation": {"settings": 1, "seconds": 0.2},
            "test": {"settings": 1, "seconds": 0.2},
        }
    )
    plan, dries = make_plan(rig.knobs, rig.device, recipe)
    capture(rig, plan, dries, tmp_path / "one")
    stopped = []
    with LocalPool(SOURCE, 2) as made_pool:

        def go(events=lambda event: None):
            return capture(
                load_rig(VIRTUAL),
                plan,
                dries,
                tmp_path / "many",
                events,
                stop=lambda: bool(stopped),
                source=by_workers(made_pool),
            )

        first = go(lambda event: stopped.append(event) if isinstance(event, Kept) else None)
        assert first.stopped
        assert 0 < first.captured < len(plan.entries)
        stopped.clear()
        second = go()
    assert second.held == first.captured
    assert second.held + second.captured == len(plan.entries)
    assert parts_of(tmp_path / "many") == parts_of(tmp_path / "one")
