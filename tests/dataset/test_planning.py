import numpy as np
import pytest
from tanh_rig import DEVICE, KNOBS, noise_dry, recipe

from dataset.planning import make_plan, read_recipe
from dataset.plans.base import sobol, to_cube, to_positions
from dataset.plans.corners import corner_positions
from dataset.plans.far import far_points
from dataset.plans.sweep import Sweep
from rigs.audio import write_wav
from rigs.errors import UserError
from rigs.knobs import Knob, KnobTable
from rigs.rig import Reach

SIX = KnobTable(tuple(Knob(name) for name in "ABCDEF"))


def by_role(plan, role):
    return [entry for entry in plan.entries if entry.role == role]


def test_the_same_recipe_gives_the_same_plan_and_another_seed_another(planned):
    plan, dries = planned
    again, dries_again = make_plan(KNOBS, DEVICE, recipe())
    assert again.plan_id == plan.plan_id
    assert [d.dry_id for d in dries] == [d.dry_id for d in dries_again]
    assert make_plan(KNOBS, DEVICE, recipe(seed=4))[0].plan_id != plan.plan_id


def test_roles_dries_and_slices(planned):
    plan, dries = planned
    dry = {d.name.split("-")[1]: d for d in dries}
    for role in ("train", "validation", "test"):
        cursor = 0
        for entry in by_role(plan, role):
            assert entry.dry_id == dry[role].dry_id
            assert entry.dry_offset == cursor
            cursor += entry.frames
        assert cursor == dry[role].frames
    assert plan.cost() == {
        "train": (9, 6 / 60),
        "validation": (2, 1 / 60),
        "test": (3, 1.5 / 60),
        "sentinel": (5, 2.5 / 60),
    }


def test_sentinels_come_first_last_and_at_intervals_and_are_all_the_same(planned):
    plan, _ = planned
    found = by_role(plan, "sentinel")
    assert [entry.index for entry in found] == [0, 5, 10, 15, 18]
    assert len({(e.dry_id, e.dry_offset, e.frames) for e in found}) == 1
    assert all(e.setting(KNOBS) == KNOBS.default for e in found)
    none = make_plan(KNOBS, DEVICE, recipe(sentinels={"every": 0}))[0]
    assert "sentinel" not in none.cost()


def test_a_sweep_covers_its_capture_and_holds_its_switches(planned):
    plan, _ = planned
    sweeps = [entry for entry in plan.entries if entry.trajectory.moves]
    assert len(sweeps) == 3
    for entry in sweeps:
        positions, rate = entry.trajectory.positions, entry.trajectory.rate
        assert (len(positions) - 1) / rate >= entry.frames / 48_000
        assert rate == pytest.approx(1 / 0.3, rel=1e-6)
        assert len(np.unique(positions[:, 2])) == 1
        assert (np.diff(positions[:, :2], axis=0) != 0).all()


def test_sweeps_reach_all_of_the_cube_and_their_knobs_move_independently():
    design = Sweep(minutes=20)
    positions = np.concatenate([t.positions for t in design.trajectories(SIX, [1])])
    assert len(positions) >= 20 * 60 / 1.5
    for column in positions.T:
        share, _ = np.histogram(column, 10, (0, 10))
        assert share.min() > 0.075 * len(positions)
    moves = np.diff(positions, axis=0)
    off_diagonal = np.corrcoef(moves.T)[~np.eye(6, dtype=bool)]
    assert np.abs(off_diagonal).max() < 0.12
    shuffled = np.random.default_rng(0).permutation(positions)
    moves_by_chance = np.abs(np.diff(shuffled, axis=0)).mean()
    assert np.abs(moves).mean(axis=0) == pytest.approx([moves_by_chance] * 6, rel=0.1)


def test_sweeps_to_judge_by_play_the_tests_dry_and_change_nothing_else(planned):
    before, _ = planned
    test = {"settings": 3, "seconds": 0.5, "sweeps": 2}
    plan, dries = make_plan(KNOBS, DEVICE, recipe(test=test))
    moving = [e for e in by_role(plan, "test") if e.trajectory.moves]
    learnt = [e for e in by_role(plan, "train") if e.trajectory.moves]
    assert len(moving) == 2
    assert {e.frames for e in moving} == {e.frames for e in learnt}
    assert moving[0].trajectory.rate == learnt[0].trajectory.rate
    ways = [e.trajectory.positions.tobytes() for e in [*moving, *learnt]]
    assert len(set(ways)) == len(ways)
    (dry,) = {e.dry_id for e in by_role(plan, "test")}
    assert dry not in {e.dry_id for e in plan.entries if e.role == "train"}
    assert {d.dry_id: d.frames for d in dries}[dry] == sum(e.frames for e in by_role(plan, "test"))
    for role in ("train", "validation", "test"):
        still = [e.trajectory for e in by_role(plan, role) if e not in moving]
        had = [e.trajectory for e in by_role(before, role)]
        assert [t.positions.tolist() for t in still] == [t.positions.tolist() for t in had]


def test_a_rig_that_cannot_sweep_is_not_judged_in_motion():
    still = {"design": "sobol", "settings": 3, "seconds": 1}
    asked = recipe(train=still, test={"settings": 1, "seconds": 1, "sweeps": 1})
    with pytest.raises(UserError, match=r"cannot move while audio plays; leave `sweeps` out"):
        make_plan(KNOBS, DEVICE, asked, Reach(sweeps=False))


def test_sobol_points_are_even_and_detents_have_equal_shares():
    table = KnobTable((*SIX.knobs[:2], Knob("S", 0, 2, 0, detents=("a", "b", "c"))))
    positions = to_positions(table, sobol(3, 3 * 512, [0]))
    assert np.bincount(positions[:, 2].astype(int)) == pytest.approx([512] * 3, abs=12)
    cells, *_ = np.histogram2d(positions[:512, 0], positions[:512, 1], 8, [[0, 10], [0, 10]])
    assert cells.min() == cells.max() == 8
    assert to_cube(table, positions).min() >= 0


def test_all_corners_are_taken_if_they_fit():
    corners = corner_positions(KNOBS, 8)
    assert len(np.unique(corners, axis=0)) == 8
    assert set(corners[:, 2]) == {0, 1}
    assert len(corner_positions(KNOBS, 100)) == 8


@pytest.mark.parametrize("count", [8, 16, 20, 32, 63])
def test_a_fraction_of_the_corners_is_balanced(count):
    corners = corner_positions(SIX, count) / 5 - 1
    assert len(np.unique(corners, axis=0)) == len(corners) == 1 << (count.bit_length() - 1)
    assert (corners.T @ corners == len(corners) * np.eye(6)).all()


def test_too_few_corners_are_refused():
    with pytest.raises(UserError, match="ask for at least 8"):
        corner_positions(SIX, 7)
    assert len(corner_positions(KnobTable((Knob("A"),)), 2)) == 2


def test_held_out_settings_keep_clear_of_all_others_and_still_cover_the_cube():
    taken = sobol(6, 64, [5])
    points = far_points(SIX, Reach(), 32, taken, [1])

    def nearest(of, among):
        apart = np.linalg.norm(of[:, None] - among[None], axis=2)
        apart[apart == 0] = np.inf
        return apart.min(axis=1)

    chance = np.random.default_rng(0).random((32, 6))
    both = np.vstack([taken, points])
    assert nearest(points, both).min() > nearest(chance, np.vstack([taken, chance])).min()
    assert nearest(points, both).mean() > 1.25 * nearest(chance, both).mean()
    assert np.abs(points.mean(axis=0) - 0.5).max() < 0.15
    inner = np.abs(points - 0.5).max(axis=1) < 0.45
    assert inner.sum() >= 4, "not only at the faces"


def test_the_users_settings_are_taken_as_they_are():
    design = {"design": "list", "seconds": 1, "settings": [{"gain": 3}, {"Bright": 1}]}
    plan, _ = make_plan(KNOBS, DEVICE, recipe(train=design))
    first, second = (e.setting(KNOBS) for e in by_role(plan, "train"))
    assert first == {"Gain": 3, "Tone": 5, "Bright": 0}
    assert second == {"Gain": 5, "Tone": 5, "Bright": 1}


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"Volume": 3}, "no knob 'Volume'"),
        ({"Gain": 11}, "Gain cannot be set to 11"),
        ({"Bright": 0.5}, "Bright is a switch"),
    ],
)
def test_a_setting_off_the_panel_is_refused(setting, message):
    design = {"design": "list", "seconds": 1, "settings": [setting]}
    with pytest.raises(UserError, match=message):
        make_plan(KNOBS, DEVICE, recipe(train=design))


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"train": {"design": "spiral"}}, "no design 'spiral'; designs are sweep"),
        ({"train": {"design": "sweep"}}, "design sweep, minutes: field required"),
        ({"train": {"design": "sweep", "minutes": -1}}, "greater than 0"),
        ({"train": 7}, "say which `design` it is"),
        ({"train": {"design": "list", "seconds": 1, "settings": [{"Gain": float("nan")}]}},
         "finite number"),
        ({"validation": {"settings": 1}}, "seconds: field required"),
        ({"sead": 1}, "sead"),
        ({"seed": -1}, "seed"),
        ([], "valid dict"),
        ({"dry": {"licence": "mine"}}, "either one file"),
        ({"dry": {"licence": "mine", "file": "a", "train": "b", "validation": "b", "test": "b"}},
         "either one file"),
    ],
)  # fmt: skip
def test_a_bad_recipe_is_refused_in_one_sentence(section, message):
    with pytest.raises(UserError, match=message) as caught:
        read_recipe(section, "params.yaml, plan")
    assert str(caught.value).startswith("params.yaml, plan: ")
    assert "\n" not in str(caught.value)


def test_nothing_to_capture_is_refused():
    nothing = read_recipe(
        {"validation": {"settings": 0, "seconds": 1}, "test": {"settings": 0, "seconds": 1}}, "p"
    )
    with pytest.raises(UserError, match="empty"):
        make_plan(KNOBS, DEVICE, nothing)


def test_the_users_own_files(tmp_path):
    for seed, part in enumerate(("train", "validation", "test", "all")):
        write_wav(tmp_path / f"{part}.wav", noise_dry(seconds=30, seed=seed).audio)
    own = {part: tmp_path / f"{part}.wav" for part in ("train", "validation", "test")}
    plan, dries = make_plan(KNOBS, DEVICE, recipe(dry={"licence": "mine", **own}))
    assert [(d.kind, d.licence) for d in dries] == [("file", "mine")] * 3
    assert {e.dry_id for e in plan.entries} == {d.dry_id for d in dries}
    one = {"licence": "mine", "file": tmp_path / "all.wav"}
    _, dries = make_plan(KNOBS, DEVICE, recipe(dry=one))
    assert len({d.dry_id for d in dries}) == 3


def test_a_dry_that_is_too_short_starts_over_or_is_refused(tmp_path):
    write_wav(tmp_path / "short.wav", noise_dry(seconds=1.5).audio)
    own = dict.fromkeys(("train", "validation", "test"), tmp_path / "short.wav")
    plan, dries = make_plan(KNOBS, DEVICE, recipe(dry={"licence": "mine", **own}))
    assert {e.dry_offset for e in by_role(plan, "train")} > {0}
    assert all(e.dry_offset + e.frames <= dries[0].frames for e in plan.entries)
    with pytest.raises(UserError, match=r"a capture of 9\.0 s is asked of it"):
        make_plan(
            KNOBS,
            DEVICE,
            recipe(dry={"licence": "mine", **own}, test={"settings": 1, "seconds": 9}),
        )
