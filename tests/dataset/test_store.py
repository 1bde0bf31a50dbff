import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tanh_rig import DEVICE, KNOBS, recipe, tanh_rig

from dataset.planning import make_plan
from dataset.review import review_path, write_review
from dataset.schema import to_bytes
from dataset.session import capture, software
from dataset.store import Dataset
from rigs.errors import UserError


def rewrite(path, change):
    """Put ``change`` of the table at ``path`` there, as a stranger's tool might."""
    pq.write_table(change(pq.read_table(path)), path)


def with_column(name, values):
    def change(table):
        number = table.schema.get_field_index(name)
        kind = table.schema.field(number).type
        return table.set_column(number, table.schema.field(number), pa.array(values, kind))

    return change


def with_metadata(**changes):
    def change(table):
        new = {f"ampsweep.{key}".encode(): value for key, value in changes.items()}
        return table.replace_schema_metadata({**table.schema.metadata, **new})

    return change


def test_roles_flags_and_exclusions_select(captured):
    data = Dataset.open(captured)
    assert (data.device, data.knobs, len(data)) == (DEVICE, KNOBS, 19)
    assert len(data.select(["train"])) == 9
    assert len(data.select(["test", "validation"])) == 5
    ids = data.captures["capture_id"]
    nothing = {"role": None, "flags": None, "excluded": None, "reason": None}
    verdicts = [
        {**nothing, "capture_id": ids[1], "excluded": True, "reason": "a phone rang"},
        {**nothing, "capture_id": ids[2], "flags": ["clipped"]},
        {**nothing, "capture_id": ids[3], "role": "test"},
        {**nothing, "capture_id": "gone", "role": "test"},
    ]
    write_review(captured, pd.DataFrame(verdicts))
    after = Dataset.open(captured)
    assert len(after) == 19
    assert after.captures["reason"][1] == "a phone rang"
    assert len(after.select(["train"])) == 6
    assert len(after.select(["train"], flagged=True)) == 7
    assert len(after.select(["train"], excluded=True, flagged=True)) == 8
    assert len(after.select(["test"])) == 4
    with pytest.raises(UserError, match="no role 'practice'"):
        after.select(["practice"])


def test_settings_and_trajectories_come_back(captured, planned):
    plan, _ = planned
    data = Dataset.open(captured)
    assert (data.settings() == [e.trajectory.positions[0] for e in plan.entries]).all()
    for i, entry in enumerate(plan.entries):
        trajectory = data.trajectory(i)
        assert (trajectory.positions == entry.trajectory.positions).all()
        assert trajectory.rate == entry.trajectory.rate or not trajectory.moves


def test_a_merged_part_reads_as_its_parts_do(captured, parts):
    before = Dataset.open(captured)
    audio = [before.audio(row) for row in before.rows()]
    merged = pa.concat_tables([pq.read_table(part) for part in parts])
    for part in parts:
        part.unlink()
    (captured / "captures/merged.parquet").write_bytes(to_bytes(merged))
    after = Dataset.open(captured)
    assert [(a == b).all() for a, b in zip(audio, map(after.audio, range(19)), strict=True)]
    assert after.trajectory(1).moves
    parts[0].write_bytes(to_bytes(merged.slice(0, 1)))
    pd.testing.assert_frame_equal(Dataset.open(captured).captures, after.captures)
    parts[0].write_bytes(to_bytes(with_column("attempt", [2])(merged.slice(0, 1))))
    with pytest.raises(UserError, match=r"Two captures have the name .*-000000, one in"):
        Dataset.open(captured)


def test_nothing_there_and_the_wrong_device(captured, tmp_path):
    with pytest.raises(UserError, match="no captures in"):
        Dataset.open(tmp_path / "nothing")
    with pytest.raises(UserError, match="not of 'other'"):
        Dataset.open(captured, device="other")
    other = make_plan(KNOBS, "other", recipe())
    rig = tanh_rig()
    object.__setattr__(rig, "device", "other")
    capture(rig, *other, tmp_path / "other")
    stray = next((tmp_path / "other/captures").glob("*5.parquet"))
    stray.rename(captured / "captures" / stray.name)
    with pytest.raises(
        UserError, match=r"is of the device .* keep each device in a folder of its own"
    ):
        Dataset.open(captured)


KNOB = b'{"name":"%s","minimum":0,"maximum":10,"default":5,"unit":"","taper":"","detents":[]}'


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop_columns("audio"), "no column 'audio'"),
        (lambda t: t.drop_columns("setting"), "no column 'setting'"),
        (lambda t: t.replace_schema_metadata(), "not written by ampsweep"),
        (with_metadata(version=b"2"), "schema version 2, but this ampsweep reads version 1"),
        (with_metadata(knobs=b"[]"), "no valid knob table"),
        (with_metadata(knobs=b"[" * 100_000), "no valid knob table"),
        (with_metadata(knobs=b"[" + KNOB.replace(b"10", b"1e999") % b"Gain" + b"]"), "knob table"),
        (with_metadata(knobs=b"[" + KNOB % b"Volume" + b"]"), "holds 'setting' as struct"),
        (with_metadata(junk=b"x" * (2 << 20)), "more than 1 MiB of metadata"),
        (with_metadata(device=b"\xff"), "no valid knob table"),
        (with_column("sample_rate", [44_100]), "44100 Hz"),
        (with_column("frames", [1 << 50]), "frames"),
        (with_column("frames", [-1]), "frames"),
        (with_column("dry_offset", [-1]), "dry_offset is negative"),
        (with_column("wet_scale", [float("nan")]), "wet_scale"),
        (with_column("role", ["practice"]), "role 'practice'"),
        (with_column("capture_id", [None]), "capture_id is empty"),
        (lambda t: t.set_column(0, "capture_id", [[1]]), "holds 'capture_id' as int64"),
    ],
)
def test_a_strangers_part_is_refused_when_opened(captured, parts, change, message):
    rewrite(parts[1], change)
    with pytest.raises(UserError, match=message) as caught:
        Dataset.open(captured)
    assert parts[1].name in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (with_column("frames", [47_999]), "not mono FLAC with 48000 Hz, 47999 frames"),
        (with_column("frames", [48_000 * 3000]), "144000000 frames"),
        (with_column("audio", [{"bytes": b"RIFF", "path": ""}]), "not whole FLAC"),
        (with_column("audio", [None]), "no audio"),
        (with_column("dry_id", ["0" * 64]), "is not in"),
        (with_column("dry_id", ["../../../etc/passwd"]), "is not in"),
        (with_column("dry_offset", [1 << 40]), "which has"),
        (with_column("trajectory", [[1.0, 2.0]]), "does not fit its knobs"),
        (with_column("trajectory", [[99.0] * 6]), "takes Gain from 99"),
        (with_column("trajectory", [[float("nan")] * 6]), "not a number"),
        (with_column("trajectory_rate", [-1.0]), "has no rate"),
        (with_column("setting", [{"Gain": 1.0}]), None),
    ],
)
def test_a_strangers_part_is_refused_when_read(captured, parts, change, message):
    rewrite(parts[1], change)
    data = Dataset.open(captured)
    assert data.captures["role"][1] == "train"
    if message is not None:
        with pytest.raises(UserError, match=message):
            data.verify()


def test_random_damage_is_found_or_does_no_harm(captured, parts):
    """Bit flips and cuts anywhere in a part: the same audio, or a UserError that names it."""
    data = Dataset.open(captured)
    wet = data.audio(1)
    for part in parts[2:]:
        part.unlink()
    whole, rng = parts[1].read_bytes(), np.random.default_rng(0)
    footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    places = [*rng.integers(len(whole), size=40), *rng.integers(footer, len(whole), size=160)]
    found = 0
    for i, place in enumerate(places):
        harmed = bytearray(whole)
        harmed[place] ^= 1 << rng.integers(8)
        parts[1].write_bytes(harmed if i % 8 else whole[:place])
        message = None
        try:
            again = Dataset.open(captured)
            again.trajectory(1)
            assert np.array_equal(again.audio(1), wet), f"byte {place} changes what is read"
        except UserError as error:
            message = str(error)
            found += 1
        assert message is None or parts[1].name in message or parts[0].name in message
    assert found > 100


def test_every_flipped_bit_of_the_audio_is_found(captured, parts):
    whole = parts[1].read_bytes()
    flac = pq.read_table(parts[1])["audio"][0].as_py()["bytes"]
    start, rng = whole.index(flac), np.random.default_rng(1)
    for place in start + rng.integers(len(flac), size=20):
        harmed = bytearray(whole)
        harmed[place] ^= 1 << rng.integers(8)
        parts[1].write_bytes(harmed)
        data = Dataset.open(captured)
        with pytest.raises(UserError, match="is damaged"):
            data.audio(1)


def test_a_flipped_bit_of_a_small_column_is_found(captured, parts, planned):
    plan, dries = planned
    whole = parts[1].read_bytes()
    for value in (plan.plan_id.encode(), software().encode(), b"bench"):
        at = whole.index(value)
        parts[1].write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(UserError, match=f"{parts[1].name} is damaged"):
            Dataset.open(captured)
        if value == plan.plan_id.encode():
            with pytest.raises(UserError, match=f"{parts[1].name} is damaged"):
                capture(tanh_rig(), plan, dries, captured)


def test_folders_and_huge_files_are_refused(captured, parts):
    with (captured / "captures/huge.parquet").open("wb") as file:
        file.truncate(2 << 30)  # sparse: it takes no room
    with pytest.raises(UserError, match="larger than 1 GiB"):
        Dataset.open(captured)
    (captured / "captures/huge.parquet").unlink()
    (captured / "captures/folder.parquet").mkdir()
    with pytest.raises(UserError, match="is a folder"):
        Dataset.open(captured)


def test_a_bad_review_is_refused(captured):
    review_path(captured).write_text("no")
    with pytest.raises(UserError, match=r"review\.parquet is damaged"):
        Dataset.open(captured)
    pq.write_table(pa.table({"capture_id": ["a"]}), review_path(captured))
    with pytest.raises(UserError, match="no column 'role'"):
        Dataset.open(captured)
    with pytest.raises(UserError, match="cannot be stored"):
        write_review(captured, pd.DataFrame({"capture_id": ["a"]}))


def test_plain_pandas_reads_the_folder(captured):
    frame = pd.read_parquet(captured / "captures")
    assert len(frame) == 19
    assert frame["setting"][0] == KNOBS.default
