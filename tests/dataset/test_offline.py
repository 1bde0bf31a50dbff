"""Each planted fault is found, named by its kind and its place, and nothing else is."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shelf
from shelf import FRAMES, TEST, TRAIN, capture, captures
from tanh_rig import KNOBS, tanh_amp

from dataset.compact import compact
from dataset.offline import recheck
from dataset.offline.report import exclude
from dataset.parts import dry_path, write_dry, write_part
from dataset.plan import Plan, PlanEntry
from dataset.store import Dataset
from rigs.errors import UserError
from rigs.trajectory import Trajectory


def name(number):
    return f"{shelf.SESSION}-{number:06d}"


def part(folder, number):
    return folder / "captures" / f"{name(number)}.parquet"


def found(folder, **options):
    return [(f.what, f.where) for f in recheck(folder, **options).faults]


def noted(folder, **options):
    return [(f.what, f.where) for f in recheck(folder, **options).findings if not f.fault]


UNHEARD = {"listen": False}
"""What the rows tell needs no decoding."""


@pytest.fixture(scope="session")
def _shelf(tmp_path_factory):
    return shelf.write(tmp_path_factory.mktemp("shelf") / "tanh-amp")


@pytest.fixture
def folder(_shelf, tmp_path):
    """Ten good captures, which a test may spoil."""
    import shutil

    return shutil.copytree(_shelf, tmp_path / "tanh-amp")


def put(folder, made):
    """``made`` instead of the capture of its name."""
    path = folder / "captures" / f"{made.capture_id}.parquet"
    path.unlink(missing_ok=True)
    return write_part(folder, made, KNOBS)


def shifted(made, by, **changes):
    """The capture with its wet so many samples later."""
    number = int(made.capture_id[-6:])
    source = TRAIN if made.dry_id == TRAIN.dry_id else TEST
    played = source.audio[made.dry_offset : made.dry_offset + made.frames]
    knobs = Trajectory(KNOBS.to_array(made.setting).astype(np.float32)[None])
    wet = 0.5 * tanh_amp(np.roll(played, by), knobs)
    wet += 1e-4 * np.random.default_rng(number).standard_normal(len(wet))
    return capture(number, made.setting, made.role, source, made.dry_offset, wet=wet, **changes)


def test_good_captures_are_good(folder):
    seen = []
    report = recheck(folder, progress=lambda *told: seen.append(told))
    assert report.findings == ()
    assert seen == [("reading", 10, 10), *(("listening", i, 10) for i in range(1, 11))]
    assert report.counts == {
        "captures": 10,
        "minutes": round(5 / 60, 3),
        "flagged": 0,
        "roles": {"train": 5, "sentinel": 2, "test": 2, "validation": 1},
    }


def test_merged_captures_are_good_too(folder):
    compact(folder, everything=True)
    assert len(list((folder / "captures").glob("*.parquet"))) == 1
    assert recheck(folder).findings == ()


def test_nothing_there(tmp_path):
    with pytest.raises(UserError, match="no captures in"):
        recheck(tmp_path)


def test_one_damaged_part_does_not_hide_another(folder):
    whole = part(folder, 3).read_bytes()
    part(folder, 3).write_bytes(whole[: len(whole) // 2])
    harmed = bytearray(part(folder, 4).read_bytes())
    harmed[len(harmed) // 2] ^= 16  # in the audio
    part(folder, 4).write_bytes(harmed)
    (folder / "captures" / "notes.txt").write_text("mine")
    (folder / "captures" / "song.parquet").write_text("not mine")
    assert found(folder) == [
        ("damaged", part(folder, 3).name),
        ("damaged", "song.parquet"),
        ("damaged", name(4)),
    ]
    assert noted(folder) == [("stray file", "notes.txt")]


def test_all_damaged(folder):
    for path in (folder / "captures").iterdir():
        path.write_bytes(path.read_bytes()[:-1])
    report = recheck(folder)
    assert report.kinds == {"damaged": 10}
    assert len(report.captures) == 0


def test_a_strangers_part(folder):
    table = pa.table({"capture_id": [[{"a": [1]}]] * 3})
    pq.write_table(table, folder / "captures/stranger.parquet")
    other = replace(capture(40, offset=5 * FRAMES), device="another")
    write_part(folder, other, KNOBS)
    assert found(folder) == [
        ("damaged", "stranger.parquet"),
        ("another device", part(folder, 40).name),
    ]


def test_a_part_that_another_program_wrote_again(folder):
    path = part(folder, 2)
    pq.write_table(pq.read_table(path), path)
    assert found(folder, **UNHEARD) == [("rewritten", path.name)]


def test_a_setting_or_a_level_that_was_edited(folder):
    two, three, four = captures()[2:5]
    put(folder, replace(two, rms_dbfs=two.rms_dbfs + 1))
    put(folder, replace(three, setting={**three.setting, "Gain": 10.5}, reached={}))
    put(folder, replace(four, setting={**four.setting, "Bright": 0.5}, reached={}))
    assert found(folder) == [
        ("off the panel", name(3)),
        ("off the panel", name(4)),
        ("edited", name(2)),
    ]


def test_a_part_without_its_row_of_the_plan(folder):
    entries = [
        PlanEntry(
            i,
            "train",
            Trajectory(KNOBS.to_array(made.setting).astype(np.float32)[None]),
            made.dry_id,
            made.dry_offset,
            made.frames,
        )
        for i, made in enumerate(captures())
    ]
    plan = Plan("tanh-amp", KNOBS, tuple(entries))
    for made in captures():
        if made.plan_index == 2:
            made = replace(made, setting={**made.setting, "Tone": 2.2}, reached={})
        if made.plan_index == 4:
            made = replace(made, plan_index=99)
        if made.plan_index == 6:
            made = replace(made, dry_offset=made.dry_offset + 1)
        put(folder, replace(made, plan_id=plan.plan_id))
    assert set(found(folder, plan=plan, **UNHEARD)) == {("edited", name(i)) for i in (2, 4, 6)}
    assert found(folder, **UNHEARD) == []


def test_dries(folder):
    dry_path(folder, TEST.dry_id).unlink()
    spare = shelf.dry("spare", 9, 1.0)
    path = write_dry(folder, spare)
    report = recheck(folder, **UNHEARD)
    assert [(f.what, f.where) for f in report.faults] == [("dry", TEST.dry_id[:16])]
    assert "5 captures play it" in report.faults[0].detail
    assert noted(folder, **UNHEARD) == [("unused dry", path.name)]
    path.rename(dry_path(folder, TEST.dry_id))
    assert found(folder) == [("dry", TEST.dry_id[:16])]


def test_a_slice_that_its_dry_does_not_have(folder):
    put(folder, replace(captures()[4], dry_offset=TRAIN.frames - FRAMES + 1))
    assert found(folder) == [("length", name(4))]


def test_one_name_twice(folder):
    copy = part(folder, 2).read_bytes()
    twin = folder / "captures" / "twin.parquet"
    twin.write_bytes(copy)
    assert found(folder, **UNHEARD) == []
    assert noted(folder, **UNHEARD) == [("twice", name(2))]
    twin.unlink()
    another = write_part(folder, capture(2, {"Gain": 4, "Tone": 8}, offset=FRAMES,
                                         plan_index=50, capture_id="x"), KNOBS)  # fmt: skip
    table = pq.read_table(another)
    renamed = table.set_column(0, table.schema.field(0), pa.array([name(2)]))
    another.unlink()
    from dataset.schema import to_bytes

    twin.write_bytes(to_bytes(renamed))
    assert found(folder, **UNHEARD) == [("twice", name(2))]


def test_one_entry_of_the_plan_twice(folder):
    put(folder, capture(30, {"Gain": 1, "Tone": 9}, plan_index=1))
    assert found(folder, **UNHEARD) == [("planned once", name(30))]
    put(folder, capture(30, {"Gain": 1, "Tone": 9}, plan_index=1, rig="another"))
    assert found(folder, **UNHEARD) == []


def test_one_recording_under_two_settings(folder):
    first = captures()[1]
    copied = capture(31, {"Gain": 6.0, "Tone": 3.0})
    put(folder, replace(copied, flac=first.flac, wet_scale=first.wet_scale,
                        peak_dbfs=first.peak_dbfs, rms_dbfs=first.rms_dbfs))  # fmt: skip
    assert ("same audio", name(31)) in found(folder)


def test_a_simulations_knob_may_do_nothing(tmp_path):
    year = shelf.BEGAN.replace(year=2000)
    wet = 0.5 * tanh_amp(TRAIN.audio[:FRAMES], Trajectory(np.float32([[5, 5, 0]])))
    made = [capture(i, {"Gain": 5.0, "Tone": 5.0 + i}, wet=wet, started_at=year) for i in range(2)]
    folder = shelf.write(tmp_path / "tanh-amp", made)
    assert found(folder) == []
    assert ("no difference", name(1)) in noted(folder)


def test_alignment(folder):
    made = captures()
    put(folder, shifted(made[0], 60, latency=100.25))  # clicks decide
    put(folder, shifted(made[2], 480))  # what fits best decides
    put(folder, shifted(made[3], -700))
    put(folder, shifted(made[4], 30))  # an amp's own filters may
    said = found(folder)
    assert {("misaligned", name(i)) for i in (0, 2, 3)} <= set(said)
    assert not any(where == name(4) for _, where in said)


def test_latency(folder):
    put(folder, replace(captures()[4], latency=150.0))
    assert found(folder, **UNHEARD) == [("latency jump", name(4))]
    for made in captures()[5:]:  # the rig was opened again
        put(folder, replace(made, latency=150.0))
    assert found(folder, **UNHEARD) == []


def test_todays_thresholds(folder):
    made = captures()[4]
    wet = np.clip(4 * tanh_amp(TRAIN.audio[3 * FRAMES : 4 * FRAMES],
                               Trajectory(KNOBS.to_array(made.setting)[None])), -1, 1)  # fmt: skip
    loud = capture(4, made.setting, offset=3 * FRAMES, wet=wet.astype(np.float32))
    put(folder, loud)
    assert ("clipped", name(4)) in found(folder)
    put(folder, replace(loud, flags=("clipped",)))
    report = recheck(folder)
    assert report.faults == []
    assert list(report.flagged["capture_id"]) == [name(4)]
    from dataset.checks import thresholds

    strict = recheck(folder, limits=thresholds({"dc_offset": 1e-9}))
    assert {f.what for f in strict.faults} == {"dc offset"}


def test_a_knob_astray_an_amp_bypassed_and_a_sentinel_upside_down(folder):
    made = captures()
    put(folder, replace(made[2], reached={**made[2].setting, "Gain": 3.5}))
    for number in (3, 4):  # one gain at two settings: a wire
        hiss = 1e-5 * np.random.default_rng(number).standard_normal(FRAMES)
        wire = 0.5 * TRAIN.audio[(number - 1) * FRAMES : number * FRAMES] + hiss
        offset = (number - 1) * FRAMES
        put(folder, capture(number, made[number].setting, offset=offset, wet=wire))
    at = Trajectory(np.float32([[5, 5, 0]]))
    noise = 1e-4 * np.random.default_rng(9).standard_normal(FRAMES)
    upside = -0.5 * tanh_amp(TEST.audio[:FRAMES], at) + noise
    put(folder, capture(9, role="sentinel", source=TEST, wet=upside))
    assert found(folder) == [
        ("knob off", name(2)),
        ("bypassed", name(4)),
        ("polarity", name(9)),
    ]
    put(folder, capture(9, role="sentinel", source=TEST, wet=-0.5 * upside))
    assert found(folder)[2] == ("drift", name(9))
    put(folder, capture(9, role="sentinel", source=TEST, wet=-0.5 * upside,
                        flags=("drift accepted",)))  # fmt: skip
    assert len(found(folder)) == 2


def test_captures_with_faults_can_be_excluded(folder):
    put(folder, replace(captures()[2], rms_dbfs=-3.0))
    put(folder, shifted(captures()[3], 480))
    assert exclude(recheck(folder)) == 2
    again = recheck(folder)
    assert again.faults == []
    assert exclude(again) == 0
    data = Dataset.open(folder)
    assert len(data.select()) == 8
    reasons = dict(zip(data.captures["capture_id"], data.captures["reason"], strict=True))
    assert "rms_dbfs says" in reasons[name(2)]
    assert "480 samples too late" in reasons[name(3)]


def test_a_damaged_review_is_named(folder):
    (folder / "review.parquet").write_text("no")
    assert found(folder, **UNHEARD) == [("damaged", "review.parquet")]
