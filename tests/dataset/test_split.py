import numpy as np
import pytest
from tanh_rig import DEVICE, KNOBS, noise_dry, recipe, tanh_rig

from dataset.parts import write_dry
from dataset.plan import Plan, PlanEntry
from dataset.planning import make_plan
from dataset.review import Verdict, read_review, revise
from dataset.session import capture
from dataset.split import split
from dataset.store import Dataset
from rigs.errors import UserError
from rigs.trajectory import Trajectory


@pytest.fixture(autouse=True)
def _no_flushing(monkeypatch):
    """Nothing here is about power cuts, and flushing hundreds of files takes most of the time."""
    monkeypatch.setattr("os.fsync", lambda handle: None)


def dataset_of(folder, pairs, moving=(), sentinels=()):
    """A capture for each (setting's number, dry's second), a tenth of a second long."""
    dry = noise_dry(seconds=60)
    rng = np.random.default_rng(0)
    settings = [{"Gain": g, "Tone": t, "Bright": 0.0} for g, t in rng.uniform(0, 10, (40, 2))]
    entries = []
    for number, (setting, second) in enumerate(pairs):
        at = Trajectory.still(KNOBS, settings[setting])
        if number in moving:
            at = Trajectory(np.repeat(at.positions, 5, axis=0) * np.linspace(1, 0.5, 5)[:, None])
        role = "sentinel" if number in sentinels else "train"
        entries.append(PlanEntry(number, role, at, dry.dry_id, second * 48_000, 4800))
    plan = Plan(DEVICE, KNOBS, tuple(entries))
    capture(tanh_rig(), plan, [dry], folder)
    write_dry(folder, dry)
    return Dataset.open(folder)


def leaks(data):
    """Settings and seconds of the dry that lie in more than one role."""
    found = set()
    rows = data.select(flagged=True).captures
    rows = rows[rows["role"] != "sentinel"]
    for key in (
        rows["setting"].map(lambda s: tuple(s.values())),
        rows["dry_id"] + rows["dry_offset"].astype(str),
    ):
        roles = rows.groupby(key)["role"].nunique()
        found |= set(roles[roles > 1].index)
    return found


def shares(data):
    frames = data.select(flagged=True).captures.groupby("role")["frames"].sum()
    return (frames / frames.sum()).to_dict()


def test_shares_are_kept_and_nothing_leaks(tmp_path):
    # Each setting twice, each second of the dry by two settings now and then.
    pairs = [(n // 2, n) for n in range(40)] + [(n, 2 * n) for n in (3, 7, 20, 21)]
    pairs += [(30, 3)]
    data = dataset_of(tmp_path / DEVICE, pairs, moving=(0, 1), sentinels=(4,))
    made = split(data, validation=0.2, test=0.2, seed=1)
    assert not made.excluded
    revise(data.folder, made.verdicts())
    after = Dataset.open(data.folder)
    assert leaks(after) == set()
    found = shares(after)
    assert 0.12 <= found["test"] <= 0.28
    assert 0.12 <= found["validation"] <= 0.28
    roles = after.captures["role"]
    assert (roles[[0, 1]] == "train").all(), "sweeps are trained on"
    assert roles[4] == "sentinel"
    assert split(data, validation=0.2, test=0.2, seed=1) == made
    assert split(after, validation=0.2, test=0.2, seed=1) == made, "it is no split of a split"
    assert split(data, validation=0.2, test=0.2, seed=2).roles != made.roles


def test_where_all_share_one_dry_it_is_split_both_ways(tmp_path):
    pairs = [(setting, second) for setting in range(10) for second in range(10)]
    data = dataset_of(tmp_path / DEVICE, pairs)
    with pytest.raises(UserError, match="split them both ways with --cross"):
        split(data, validation=0.1, test=0.1)
    made = split(data, validation=0.2, test=0.2, cross=True)
    revise(data.folder, made.verdicts())
    after = Dataset.open(data.folder)
    assert leaks(after) == set()
    counts = after.select(flagged=True).captures["role"].value_counts().to_dict()
    assert counts == {"train": 36, "test": 4, "validation": 4}
    assert len(made.excluded) == 56
    # Another split takes back what this one left out.
    revise(data.folder, {after.captures["capture_id"][5]: Verdict(excluded=True, reason="hum")})
    again = split(Dataset.open(data.folder), validation=0.1, test=0.1, cross=True)
    revise(data.folder, again.verdicts())
    third = Dataset.open(data.folder)
    assert third.captures["reason"][5] == "hum"
    assert third.captures["excluded"][5]
    assert leaks(third) == set()
    assert third.captures["excluded"].sum() == len(again.excluded) + 1 == 35


def test_one_dry_at_every_setting_cannot_be_split_without_pieces(tmp_path):
    data = dataset_of(tmp_path / DEVICE, [(setting, 0) for setting in range(10)])
    for cross in (False, True):
        with pytest.raises(UserError, match=r"none is left for|Too few settings or passages"):
            split(data, validation=0.1, test=0.1, cross=cross)


@pytest.mark.parametrize("of", [(0, 0), (1, 0.1), (-0.1, 0.5), (0.5, 0.5), (float("nan"), 0.1)])
def test_shares_that_are_none_are_refused(captured, of):
    with pytest.raises(UserError, match="give fractions"):
        split(Dataset.open(captured), validation=of[0], test=of[1])


def test_a_planned_dataset_can_be_split_anew(tmp_path):
    folder = tmp_path / DEVICE
    capture(tanh_rig(), *make_plan(KNOBS, DEVICE, recipe()), folder)
    made = split(Dataset.open(folder), validation=0.1, test=0.0)
    assert set(made.roles.values()) == {"train", "validation"}
    revise(folder, made.verdicts())
    assert leaks(Dataset.open(folder)) == set()


def test_verdicts_add_up(captured):
    names = Dataset.open(captured).captures["capture_id"]
    revise(captured, {names[1]: Verdict(excluded=True, reason="hum")})
    revise(captured, {names[1]: Verdict(role="test"), names[0]: Verdict(flags=())})
    review = read_review(captured)
    assert review["capture_id"].tolist() == names[:2].tolist()
    data = Dataset.open(captured)
    assert (data.captures["role"][1], data.captures["reason"][1]) == ("test", "hum")
    assert data.captures["excluded"][1]
    assert not data.captures["excluded"][0]
