"""Every design keeps to the panel and to the rig, and to what its own name promises."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tanh_rig import DEVICE, KNOBS, recipe

from dataset.planning import make_plan, read_recipe
from dataset.plans import DESIGNS
from dataset.plans.base import to_cube
from dataset.plans.lhs import LatinHypercube
from dataset.plans.reach import make_trajectories
from dataset.plans.table import LARGEST
from dataset.plans.weighted import NOON, Weighted, usual_weights
from rigs.errors import UserError
from rigs.knobs import Knob, KnobTable
from rigs.rig import Reach

AMP = KnobTable(
    (
        Knob("Gain", 0, 11, 5.5, taper="audio"),
        Knob("Bass", -5, 5, 0),
        Knob("Channel", 0, 2, 0, detents=("clean", "crunch", "lead")),
    )
)
NOTHING = np.empty((0, 3), np.float32)


def made(name, knobs=AMP, reach=None, seed=1, **fields):
    design = DESIGNS[name].model_validate({"design": name, "seconds": 1, **fields})
    return make_trajectories(design, knobs, reach or Reach(), [seed, 1, 0], NOTHING)


def positions(name, **fields):
    return np.concatenate([trajectory.positions for trajectory in made(name, **fields)])


FIELDS = {
    "sweep": st.fixed_dictionaries({"minutes": st.floats(0.05, 0.5)}),
    "sobol": st.fixed_dictionaries({"settings": st.integers(1, 40)}),
    "lhs": st.fixed_dictionaries({"settings": st.integers(1, 40), "tries": st.integers(1, 5)}),
    "weighted": st.fixed_dictionaries({"settings": st.integers(1, 40)}),
    "grid": st.fixed_dictionaries({"levels": st.integers(1, 5)}),
    "oat": st.fixed_dictionaries({"levels": st.integers(1, 7)}),
    "corners": st.fixed_dictionaries({"settings": st.integers(4, 9)}),
    "list": st.just({"settings": [{"Gain": 11, "Channel": 2}, {}]}),
}


def test_every_design_is_tried():
    assert {*FIELDS, "every"} == set(DESIGNS)


@pytest.mark.parametrize("name", FIELDS)
@settings(max_examples=12, deadline=None)
@given(data=st.data(), step=st.sampled_from([0.0, 0.5, 2.5]), seed=st.integers(0, 1 << 40))
def test_every_design_keeps_to_the_panel_and_the_rig_and_is_repeatable(name, data, step, seed):
    fields = data.draw(FIELDS[name])
    reach = Reach(steps={"Gain": step, "Bass": step} if step else {})
    found = made(name, reach=reach, seed=seed, **fields)
    again = made(name, reach=reach, seed=seed, **fields)
    assert len(found) == len(again) >= 1
    for trajectory, other in zip(found, again, strict=True):
        trajectory.check(AMP)
        assert (trajectory.positions == other.positions).all()
        assert trajectory.moves == (name == "sweep")
        channel = trajectory.positions[:, 2]
        assert (channel == np.round(channel[0])).all()
        if step and not trajectory.moves:
            steps = (trajectory.positions[0, :2] - [0, -5]) / step
            assert steps == pytest.approx(np.round(steps), abs=1e-5)


def test_in_a_latin_hypercube_every_share_of_every_knob_has_one_setting():
    found = positions("lhs", settings=24)
    cube = to_cube(AMP, found)
    for column in cube.T[:2]:
        assert sorted(np.floor(column * 24).clip(0, 23)) == list(range(24))
    assert np.bincount(found[:, 2].astype(int)).tolist() == [8, 8, 8]


def test_a_latin_hypercube_is_the_widest_of_its_tries():
    def nearest(design):
        cube = to_cube(AMP, np.concatenate([t.positions for t in design.trajectories(AMP, [3])]))
        apart = np.linalg.norm(cube[:, None] - cube[None], axis=2)
        return apart[~np.eye(len(cube), dtype=bool)].min()

    few, many = (LatinHypercube(seconds=1, settings=20, tries=n) for n in (1, 200))
    assert nearest(many) > 1.3 * nearest(few)


def test_a_grid_has_every_crossing_once_and_moves_one_knob_by_one_level():
    found = positions("grid", levels={"gain": 3, "Bass": 4, "Channel": 2})
    assert len(np.unique(found, axis=0)) == len(found) == 3 * 4 * 3
    assert set(found[:, 0]) == {0, 5.5, 11}
    assert set(found[:, 2]) == {0, 1, 2}
    levels = np.abs(np.diff(found, axis=0)) / [5.5, 10 / 3, 1]
    assert levels.sum(axis=1) == pytest.approx(np.ones(len(found) - 1), abs=1e-5)
    rest = positions("grid", levels={"Gain": 2})
    assert rest.tolist() == [[0, 0, 0], [11, 0, 0]]


def test_a_grid_that_is_too_large_is_refused():
    with pytest.raises(UserError, match="A grid of 300 x 300 x 3 levels has 270000 settings"):
        positions("grid", levels=300)


def test_one_knob_at_a_time():
    found = positions("oat", levels={"Gain": 3, "Bass": 1}, centre={"Gain": 5.5, "Channel": 1})
    assert found[0].tolist() == [5.5, 0, 1]
    away = np.abs(found[1:] - found[0]) > 1e-6
    assert (away.sum(axis=1) == 1).all()
    assert found[1:][away].tolist() == [0, 11, 0, 2]


def test_players_pin_tone_controls_seldom():
    wide = KnobTable((Knob("Gain"), Knob("Treble"), Knob("Low Cut"), Knob("Comp", taper="audio")))
    assert [usual_weights(k) == NOON for k in wide] == [False, True, True, False]
    assert usual_weights(Knob("Tone", 0, 1, 0, detents=("a", "b"))) != NOON
    design = Weighted(seconds=1, settings=700)
    found = np.concatenate([t.positions for t in design.trajectories(wide, [1])])
    gain, treble = (np.histogram(found[:, column], 6, (0, 10))[0] for column in (0, 1))
    assert gain == pytest.approx([700 / 6] * 6, abs=4)
    assert treble == pytest.approx([50, 100, 200, 200, 100, 50], abs=5)


def test_weights_are_the_users_if_they_are_given():
    asked = {"gain": [0, 1, 0, 3], "Channel": [1, 0, 1]}
    found = positions("weighted", settings=400, weights=asked)
    counts = np.histogram(found[:, 0], 4, (0, 11))[0]
    assert counts == pytest.approx([0, 100, 0, 300], abs=3)
    assert np.bincount(found[:, 2].astype(int)) == pytest.approx([200, 0, 200], abs=3)


@pytest.mark.parametrize(
    ("name", "fields", "message"),
    [
        ("grid", {"levels": {"Volume": 3}}, "no knob 'Volume'"),
        ("oat", {"centre": {"Gain": 12}}, "Gain cannot be set to 12"),
        ("weighted", {"settings": 4, "weights": {"Channel": [1, 2]}}, "3 detents and 2 weights"),
    ],
)
def test_what_is_not_on_the_panel_is_refused(name, fields, message):
    with pytest.raises(UserError, match=message):
        made(name, **fields)


@pytest.mark.parametrize(
    ("design", "message"),
    [
        ({"design": "weighted", "settings": 4, "weights": {"Gain": [0, 0]}}, "are all 0"),
        ({"design": "weighted", "settings": 4, "weights": {"Gain": [-1, 2]}}, "greater than"),
        ({"design": "list"}, "give either settings, or the file"),
        ({"design": "list", "file": "a.csv", "settings": [{}]}, "give either settings"),
        ({"design": "grid", "levels": 0}, "greater than or equal to 1"),
        ({"design": "lhs", "settings": 0}, "greater than or equal to 1"),
    ],
)
def test_a_bad_design_is_refused(design, message):
    with pytest.raises(UserError, match=message):
        read_recipe({"train": {"seconds": 1, **design}}, "params.yaml, plan")


def csv(folder, text):
    path = folder / "settings.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_settings_from_a_csv_file(tmp_path, mark):
    rows = [["channel", " Gain"], ["lead", "3.5"], [], ["0", "11"], ['"clean"', " 1e0 "]]
    text = "\ufeff\r\n" + "\r\n".join(mark.join(row) for row in rows) + "\r\n"
    found = positions("list", file=csv(tmp_path, text))
    assert found.tolist() == [[3.5, 0, 2], [11, 0, 0], [1, 0, 0]]


def test_a_csv_file_is_planned_like_a_list(tmp_path):
    text = "Gain,Bright\n3,on\n4.5,off\n"
    train = {"design": "list", "seconds": 0.5, "file": str(csv(tmp_path, text))}
    plan, _ = make_plan(KNOBS, DEVICE, recipe(train=train))
    found = [e.setting(KNOBS) for e in plan.entries if e.role == "train"]
    assert found == [{"Gain": 3, "Tone": 5, "Bright": 1}, {"Gain": 4.5, "Tone": 5, "Bright": 0}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"settings\.csv holds no setting"),
        ("Gain,Bass\n", "holds no setting"),
        ("Gain,Volume\n1,2\n", r"line 1, column 2: There is no knob 'Volume'"),
        ("Gain,gain\n1,2\n", "line 1, column 2: Gain has a column already"),
        ("Gain,Bass\n1,2\n\n3\n", "line 4: there are 1 cells, but 2 columns"),
        ("Gain,Bass\n1,2\n3,noon\n", "line 3, column 2: Bass cannot be set to 'noon'"),
        ("Gain\n12\n", "line 2, column 1: Gain cannot be set to 12: it goes from 0 to 11"),
        ("Gain\nnan\n", "line 2, column 1: Gain cannot be set to 'nan'"),
        ("Channel\nloud\n", "column 1: .* or one of clean, crunch, lead"),
        ("Channel\n0.5\n", "column 1: Channel is a switch"),
        ('Gain\n"1\n', "line 2: this cannot be read as CSV"),
        (b"Gain\n1\n\xff\n", "line 3: this is not UTF-8"),
        (b"Gain\n" + b" \n" * (LARGEST // 2 + 1), "larger than 16 MiB"),
    ],
)
def test_a_bad_csv_file_is_refused_with_line_and_column(tmp_path, text, message):
    with pytest.raises(UserError, match=message) as caught:
        positions("list", file=csv(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_a_csv_file_that_is_too_long_or_not_there(tmp_path, monkeypatch):
    monkeypatch.setattr("dataset.plans.listed.MOST", 2)
    with pytest.raises(UserError, match="line 4: at most 2 settings are taken"):
        positions("list", file=csv(tmp_path, "Gain\n1\n2\n3\n"))
    with pytest.raises(UserError, match="There is no file"):
        positions("list", file=tmp_path / "none.csv")
    with pytest.raises(UserError, match="is a directory"):
        positions("list", file=tmp_path)
