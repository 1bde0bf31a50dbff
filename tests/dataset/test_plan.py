from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from tanh_rig import DEVICE, KNOBS

from dataset.plan import Plan, PlanEntry, read_plan, write_plan
from rigs.errors import UserError
from rigs.trajectory import Trajectory

STILL = Trajectory.still(KNOBS, KNOBS.default)


def entry(index=0, role="train", positions=None, rate=2.0, **other):
    trajectory = STILL if positions is None else Trajectory(np.array(positions), rate)
    fields = {"dry_id": "d" * 64, "dry_offset": 0, "frames": 480, **other}
    return PlanEntry(index, role, trajectory, **fields)


def plan(*entries):
    return Plan(DEVICE, KNOBS, entries, seed=7)


def test_written_and_read_a_plan_is_the_same(planned, tmp_path):
    plan, _ = planned
    for name in ("a", "b"):
        write_plan(plan, tmp_path / name / "plan.parquet")
    again = read_plan(tmp_path / "a/plan.parquet")
    assert again.plan_id == plan.plan_id
    assert (again.device, again.knobs, again.seed) == (plan.device, plan.knobs, plan.seed)
    for old, new in zip(plan.entries, again.entries, strict=True):
        assert (old.trajectory.positions == new.trajectory.positions).all()
        assert old.trajectory.rate == new.trajectory.rate
        keep = {"trajectory": STILL}
        assert vars(replace(old, **keep)) == vars(replace(new, **keep))
    assert (tmp_path / "a/plan.parquet").read_bytes() == (tmp_path / "b/plan.parquet").read_bytes()


def test_the_plan_id_changes_with_everything_in_it():
    base = plan(entry())
    others = [
        plan(entry(role="test")),
        plan(entry(frames=481)),
        plan(entry(dry_offset=1)),
        plan(entry(dry_id="e" * 64)),
        plan(entry(positions=[[5, 5, 1]], rate=1000.0)),
        plan(entry(positions=[[5, 5, 0]], rate=2.0)),
        plan(entry(positions=[[5, 5, 0], [5, 5, 0]])),
        plan(entry(), entry(1)),
        replace(base, seed=8),
        replace(base, device="other"),
    ]
    assert len({base.plan_id, *(other.plan_id for other in others)}) == len(others) + 1
    assert plan(entry()).plan_id == base.plan_id


def test_the_cost_is_told():
    made = plan(entry(frames=48_000 * 60), entry(1, "test", frames=48_000 * 30))
    assert made.cost() == {"train": (1, 1.0), "test": (1, 0.5)}
    assert made.describe() == "2 captures, 1.5 min of audio: 1 train (1.0 min), 1 test (0.5 min)"


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([], "is empty"),
        ([entry(1)], "numbered 1"),
        ([entry(role="practice")], "role 'practice'"),
        ([entry(frames=0)], "plays 0 frames"),
        ([entry(frames=1 << 40)], "an hour"),
        ([entry(dry_offset=-1)], "from frame -1"),
        ([entry(positions=[[5, 5]])], "sets 2 knobs of 3"),
        ([entry(positions=[[5, 11, 0]])], "takes Tone from 11"),
        ([entry(positions=[[5, 5, 0.5]])], "Bright is a switch"),
        ([entry(positions=[[5, 5, 0], [5, 5, 1]])], "moves the switch Bright"),
        ([entry(role="sentinel", positions=[[5, 5, 0], [6, 5, 0]])], "must be static"),
    ],
)
def test_a_plan_that_cannot_be_captured_is_refused(entries, message):
    with pytest.raises(UserError, match=message):
        plan(*entries)


def test_a_position_that_is_no_number_is_refused():
    with pytest.raises(UserError, match="not a number"):
        entry(positions=[[5, float("nan"), 0]])


def spoil(path, change):
    table = pq.read_table(path)
    pq.write_table(change(table), path)


def test_a_spoilt_plan_file_is_refused(tmp_path):
    path = tmp_path / "plan.parquet"
    with pytest.raises(UserError, match="no file"):
        read_plan(path)
    path.write_text("index,role\n")
    with pytest.raises(UserError, match=r"plan\.parquet is damaged or not Parquet"):
        read_plan(path)
    for change, message in [
        (lambda t: t.slice(0, 0), "is empty"),
        (lambda t: t.slice(0, 1), "was changed after it was made"),
        (lambda t: t.drop_columns("dry_id"), "no column 'dry_id'"),
        (lambda t: t.replace_schema_metadata(), "not written by ampsweep"),
        (lambda t: t.set_column(1, "role", [[None, "train"]]), "empty field|holds 'role'"),
        (lambda t: t.set_column(1, "role", [[1, 2]]), "holds 'role' as int64"),
    ]:
        write_plan(plan(entry(), entry(1)), path)
        spoil(path, change)
        with pytest.raises(UserError, match=message):
            read_plan(path)


def test_a_plan_cannot_be_written_under_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="should be a folder"):
        write_plan(plan(entry()), tmp_path / "file/plan.parquet")
