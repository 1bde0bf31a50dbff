"""A plan that is extended keeps what it had, and what was captured of it."""

import hashlib
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tanh_rig import DEVICE, KNOBS, noise_dry, recipe, tanh_rig

from dataset.plan import read_plan, write_plan
from dataset.planning import More, extend_plan, make_plan, read_recipe
from dataset.plans.base import to_cube
from dataset.plans.far import Crowd, new_points
from dataset.plans.more import dense
from dataset.session import capture, held_indices
from dataset.store import Dataset
from rigs.audio import write_wav
from rigs.errors import UserError
from rigs.rig import Reach
from rigs.travel import OneByOne

STILLS = {"design": "sobol", "settings": 12, "seconds": 0.5}
PACK = tuple({"Gain": float(g), "Tone": float(t), "Bright": 1.0} for g in range(5) for t in (2, 7))


def by_role(entries, role):
    return [entry for entry in entries if entry.role == role]


def rows(entries):
    return [
        (e.index, e.role, e.trajectory.positions.tolist(), e.dry_id, e.dry_offset, e.frames)
        for e in entries
    ]


def points(entries):
    return to_cube(KNOBS, np.vstack([dense(e.trajectory) for e in entries]))


@pytest.fixture(scope="module")
def extended():
    """The plan, the plan extended by settings, and that by sweeps; each with its dries."""
    base = make_plan(KNOBS, DEVICE, recipe(train=STILLS))
    asked = recipe(train=STILLS, extend=[{"settings": 6}])
    once = make_plan(KNOBS, DEVICE, asked)
    asked = recipe(train=STILLS, extend=[{"settings": 6}, {"minutes": 0.05, "seconds": 1.5}])
    return SimpleNamespace(base=base, once=once, twice=make_plan(KNOBS, DEVICE, asked))


def test_what_was_there_stays_number_for_number(extended):
    (base, dries), (once, more_dries), (twice, _) = extended.base, extended.once, extended.twice
    assert rows(once.entries[: len(base.entries)]) == rows(base.entries)
    assert rows(twice.entries[: len(once.entries)]) == rows(once.entries)
    assert twice.extends == (len(base.entries), len(once.entries))
    assert [d.dry_id for d in more_dries][:3] == [d.dry_id for d in dries]
    for role in ("validation", "test"):
        assert rows(by_role(twice.entries, role)) == rows(by_role(base.entries, role))


def test_each_entry_is_captured_under_the_first_plan_that_had_it(extended):
    (base, _), (once, _), (twice, _) = extended.base, extended.once, extended.twice
    ids = [base.plan_id, once.plan_id, twice.plan_id]
    assert len(set(ids)) == 3
    assert [plan_id for _, plan_id in twice.generations] == ids
    last = [len(plan.entries) - 1 for plan in (base, once, twice)]
    assert [twice.id_of(index) for index in last] == ids
    assert twice.asks_for(base.plan_id, last[0])
    assert not twice.asks_for(base.plan_id, last[0] + 1)
    assert not twice.asks_for(twice.plan_id, last[0])
    assert not twice.asks_for(twice.plan_id, last[2] + 1)
    assert not twice.asks_for(twice.plan_id, -1)
    assert not twice.asks_for(None, None)
    assert not base.asks_for(twice.plan_id, 0)


def test_the_new_settings_are_new_and_keep_clear_of_what_is_held_out(extended):
    (base, _), (once, _) = extended.base, extended.once
    new = by_role(once.entries[len(base.entries) :], "train")
    assert len(new) == 6
    assert all(not e.trajectory.moves and e.frames == 24000 for e in new)
    held = points([e for e in base.entries if e.role in ("validation", "test")])
    old, fresh = points(by_role(base.entries, "train")), points(new)
    clear = Crowd(held).distance(old).min()
    assert Crowd(held).distance(fresh).min() >= clear
    assert Crowd(old).distance(fresh).min() > 0.1


def test_new_sweeps_pass_what_is_held_out_farther_than_any_would(extended):
    (once, _), (twice, _) = extended.once, extended.twice
    new = by_role(twice.entries[len(once.entries) :], "train")
    assert [(e.trajectory.moves, e.frames) for e in new] == [(True, 72000)] * 2
    base = make_plan(KNOBS, DEVICE, recipe())[0]
    held = Crowd(points([e for e in base.entries if e.role in ("validation", "test")]))
    asked = recipe(extend=[{"minutes": 0.2, "seconds": 1}])
    grown = make_plan(KNOBS, DEVICE, asked)[0]
    chosen = by_role(grown.entries[len(base.entries) :], "train")
    chance = by_role(
        make_plan(KNOBS, DEVICE, recipe(seed=9, train={"design": "sweep", "minutes": 0.8,
                                                       "seconds": 1, "interval": 0.3}))[0].entries,
        "train",
    )  # fmt: skip
    assert {e.trajectory.rate for e in chosen} == {e.trajectory.rate for e in chance}
    passed, usual = (
        np.mean([held.distance(points([e])).min() for e in entries]) for entries in (chosen, chance)
    )
    assert passed > 1.15 * usual


def test_the_sentinel_is_watched_before_among_and_after(extended):
    (base, _), (once, _) = extended.base, extended.once
    new = once.entries[len(base.entries) :]
    assert [e.role == "sentinel" for e in new] == [True, *[False] * 4, True, False, False, True]
    old = by_role(base.entries, "sentinel")[0]
    assert rows([replace(e, index=0) for e in by_role(new, "sentinel")]) == rows([old] * 3)


def test_new_captures_play_a_dry_of_their_own(extended):
    (base, _), (once, dries) = extended.base, extended.once
    new = by_role(once.entries[len(base.entries) :], "train")
    assert {e.dry_id for e in new} == {dries[-1].dry_id}
    assert [e.dry_offset for e in new] == [24000 * n for n in range(6)]
    assert dries[-1].dry_id not in base.dry_ids
    as_long = make_plan(KNOBS, DEVICE, recipe(train=STILLS, extend=[{"settings": 12}]))[1]
    assert as_long[-1].frames == as_long[0].frames
    assert as_long[-1].dry_id != as_long[0].dry_id


def test_the_users_own_dry_plays_on_where_it_was(tmp_path):
    write_wav(tmp_path / "mine.wav", noise_dry(seconds=60).audio)
    asked = recipe(train=STILLS, dry={"licence": "mine", "file": tmp_path / "mine.wav"})
    plan, dries = make_plan(KNOBS, DEVICE, asked)
    grown, played = extend_plan(plan, dries, asked, More(settings=3))
    assert played == dries
    new = by_role(grown.entries[len(plan.entries) :], "train")
    assert {e.dry_id for e in new} == {by_role(plan.entries, "train")[0].dry_id}
    assert [e.dry_offset for e in new] == [24000 * (12 + n) for n in range(3)]
    with pytest.raises(UserError, match=r"plays the dry .* which is not there"):
        extend_plan(plan, [], asked, More(settings=3))


def test_it_is_repeatable_and_what_was_not_asked_for_changes_nothing(extended):
    again, _ = make_plan(KNOBS, DEVICE, recipe(train=STILLS, extend=[{"settings": 6}]))
    assert again.plan_id == extended.once[0].plan_id
    assert make_plan(KNOBS, DEVICE, recipe(train=STILLS, extend=[]))[0].plan_id == (
        extended.base[0].plan_id
    )
    assert extended.base[0].extends == ()


def test_written_and_read_it_knows_what_it_extends(extended, tmp_path):
    plan = extended.twice[0]
    write_plan(plan, tmp_path / "plan.parquet")
    again = read_plan(tmp_path / "plan.parquet")
    assert (again.extends, again.generations) == (plan.extends, plan.generations)


@pytest.mark.parametrize("extends", [(0,), (5, 5), (9, 5), (999,)])
def test_a_plan_that_says_wrongly_what_it_extends_is_refused(extended, extends):
    with pytest.raises(UserError, match="which plans it extends"):
        replace(extended.base[0], extends=extends)


@pytest.mark.parametrize("said", [b"seven", b"[1.5]", b'{"a": 1}'])
def test_a_plan_file_with_nonsense_of_it_is_refused(extended, tmp_path, said):
    import pyarrow.parquet as pq

    path = tmp_path / "plan.parquet"
    write_plan(extended.once[0], path)
    table = pq.read_table(path)
    meta = {**table.schema.metadata, b"ampsweep.extends": said}
    pq.write_table(table.replace_schema_metadata(meta), path)
    with pytest.raises(UserError, match="does not say which plans it extends"):
        read_plan(path)


@settings(max_examples=40, deadline=None)
@given(
    before=st.integers(0, 12),
    held=st.integers(0, 4),
    count=st.integers(1, 12),
    step=st.sampled_from([0.0, 1.0, 2.5, 5.0]),
    seed=st.integers(0, 1000),
)
def test_no_setting_is_repeated_and_only_what_is_left_is_given(before, held, count, step, seed):
    reach = Reach(steps={"Gain": step, "Tone": step} if step else {})
    rng = np.random.default_rng(seed)
    grid = to_cube(KNOBS, _drawn(reach, before + held, rng))
    taken, out = grid[:before], grid[before:]
    stands = int((10 / step + 1) ** 2 * 2) if step else 10**9
    left = stands - len(np.unique(np.round(grid, 6), axis=0))
    if count > left:
        with pytest.raises(UserError, match=f"{left} are left"):
            new_points(KNOBS, reach, count, taken, out, [seed])
        return
    found = new_points(KNOBS, reach, count, taken, out, [seed])
    together = np.round(np.vstack([grid, found]), 6)
    assert len(found) == count
    assert found.min() >= 0
    assert found.max() <= 1
    repeated = len(grid) - len(np.unique(np.round(grid, 6), axis=0))
    assert len(np.unique(together, axis=0)) == len(together) - repeated
    assert (found == new_points(KNOBS, reach, count, taken, out, [seed])).all()


def _drawn(reach, count, rng):
    from dataset.plans.reach import draw

    return draw(KNOBS, reach, count, rng)


def test_of_a_list_only_what_is_left_is_added():
    train = {"design": "list", "seconds": 0.5, "settings": [PACK[0], PACK[1]]}
    held = {"validation": {"settings": 1, "seconds": 0.5}, "test": {"settings": 1, "seconds": 0.5}}
    reach = Reach(False, only=PACK)
    asked = recipe(train=train, **held)
    plan, dries = make_plan(KNOBS, DEVICE, asked, reach)
    used = {tuple(e.trajectory.positions[0]) for e in plan.entries if e.role != "sentinel"}
    left = len(PACK) - len(used)
    grown, _ = extend_plan(plan, dries, asked, More(settings=left), reach)
    new = by_role(grown.entries[len(plan.entries) :], "train")
    assert len({tuple(e.trajectory.positions[0]) for e in new} - used) == left
    with pytest.raises(UserError, match=f"{left} are left; extend it by fewer"):
        extend_plan(plan, dries, asked, More(settings=left + 1), reach)
    with pytest.raises(UserError, match="cannot move while audio plays"):
        extend_plan(plan, dries, asked, More(minutes=1), reach)


def test_what_is_added_is_in_the_order_of_least_travel():
    reach = Reach(False, {"Gain": 1.0, "Tone": 1.0}, travel=OneByOne(KNOBS))
    asked = recipe(train=STILLS, extend=[{"settings": 30}])
    ordered = make_plan(KNOBS, DEVICE, asked, reach)[0]
    drawn = make_plan(KNOBS, DEVICE, asked, replace(reach, travel=None))[0]

    def turned(plan):
        new = by_role(plan.entries[plan.extends[0] :], "train")
        x = np.array([e.trajectory.positions[0] for e in new])
        return (np.diff(x, axis=0) != 0).sum()

    assert turned(ordered) < 0.8 * turned(drawn)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({}, "say by how many settings, or by how many minutes"),
        ({"settings": 3, "minutes": 1}, "say by how many settings, or by how many minutes"),
        ({"settings": 0}, "greater than or equal to 1"),
        ({"minutes": 1, "hours": 2}, "hours"),
    ],
)
def test_a_bad_extension_is_refused(more, message):
    with pytest.raises(UserError, match=message):
        read_recipe({"extend": [more]}, "params.yaml, plan")


def hashes(folder):
    found = {}
    for path in sorted(folder.rglob("*.parquet")):
        found[str(path.relative_to(folder))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def test_what_was_captured_stays_captured_and_the_bytes_are_those_of_one_session(
    extended, tmp_path
):
    (base, dries), (once, more_dries) = extended.base, extended.once
    steps, whole = tmp_path / "steps" / DEVICE, tmp_path / "whole" / DEVICE
    capture(tanh_rig(), base, dries, steps)
    before = hashes(steps)
    assert held_indices(steps, once) == set(range(len(base.entries)))
    rig = tanh_rig()
    summary = capture(rig, once, more_dries, steps)
    added = len(once.entries) - len(base.entries)
    assert (summary.captured, summary.held) == (added, len(base.entries))
    assert rig.path.plays == added
    after = hashes(steps)
    assert before.items() <= after.items()
    capture(tanh_rig(), once, more_dries, whole)
    assert hashes(whole) == after
    assert len(Dataset.open(steps)) == len(once.entries)
    # The plan that was extended finds its own among them; a simulation forgets the others.
    assert held_indices(steps, base) == set(range(len(base.entries)))


def test_captures_of_another_plan_are_not_taken_for_it(extended, tmp_path):
    (base, dries), (once, _) = extended.base, extended.once
    folder = tmp_path / DEVICE
    capture(tanh_rig(simulated=False), base, dries, folder)
    other, _ = make_plan(KNOBS, DEVICE, recipe(train=STILLS, seed=8, extend=[{"settings": 6}]))
    assert held_indices(folder, once) == set(range(len(base.entries)))
    assert held_indices(folder, other) == set()
