import json
import os
import shutil

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import soundfile
from tanh_rig import DEVICE, KNOBS, recipe, tanh_rig

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_DATASETS_OFFLINE"] = "1"
import datasets

from dataset.exports import EXPORTS
from dataset.imports import IMPORTS, Options, kind_of
from dataset.planning import make_plan
from dataset.review import Verdict, revise
from dataset.session import capture
from dataset.store import Dataset
from dataset.store.rows import part_paths
from rigs.audio import to_int24, write_wav
from rigs.errors import UserError


@pytest.fixture(autouse=True)
def _no_flushing(monkeypatch):
    """Nothing here is about power cuts, and flushing hundreds of files takes most of the time."""
    monkeypatch.setattr("os.fsync", lambda handle: None)


@pytest.fixture(scope="module")
def _loud(planned, tmp_path_factory):
    """The usual plan, through an amp that exceeds full scale at most settings."""
    folder = tmp_path_factory.mktemp("loud") / DEVICE
    capture(tanh_rig(level=3.0), *planned, folder)
    return folder


@pytest.fixture
def loud(_loud):
    return Dataset.open(_loud)


def export(data, kind, out):
    heard = []
    done = EXPORTS[kind](data, out, heard.append)
    assert heard == sorted(heard)
    assert heard[-1] == done.captures
    return done


def bring(folder, source, kind=None, **options):
    return IMPORTS[kind or kind_of(source)](folder, source, Options(**options))


def rows(data):
    """Everything of a dataset but where it lies, by capture."""
    found = {}
    for row in data.rows():
        own = {k: row[k] for k in data.captures.columns if k not in ("part", "part_row")}
        own = {k: None if np.isscalar(v) and pd.isna(v) else v for k, v in own.items()}
        own["flags"] = list(own["flags"])
        found[row["capture_id"]] = {
            **own,
            "wet": data.stored(row).tobytes(),
            "played": data.dry(row).tobytes(),
            "moves": data.trajectory(row).positions.tobytes(),
        }
    return found


@pytest.mark.parametrize("kind", ["wav", "huggingface"])
def test_an_export_comes_back_the_same(loud, tmp_path, kind):
    assert loud.captures["wet_scale"].gt(1).any()
    done = export(loud, kind, tmp_path / "out")
    assert (done.captures, done.left_out) == (19, {})
    assert kind_of(tmp_path / "out") == kind
    there = bring(tmp_path / "back" / DEVICE, tmp_path / "out")
    assert (there.added, there.held) == (19, 0)
    back = Dataset.open(tmp_path / "back" / DEVICE)
    assert (back.device, back.knobs) == (loud.device, loud.knobs)
    assert rows(back) == rows(loud)
    again = bring(tmp_path / "back" / DEVICE, tmp_path / "out")
    assert (again.added, again.held) == (0, 19)
    assert rows(Dataset.open(tmp_path / "back" / DEVICE)) == rows(loud)


def test_a_nam_export_comes_back_with_dries_of_its_own(loud, tmp_path):
    done = export(loud, "nam", tmp_path / "out")
    still = loud.captures["trajectory_rate"].isna()
    assert done.captures == still.sum()
    assert done.left_out["knobs move"] == (~still).sum() > 0
    bring(tmp_path / "back" / DEVICE, tmp_path / "out")
    before = {name: row for name, row in rows(loud).items() if row["trajectory_rate"] is None}
    after = rows(Dataset.open(tmp_path / "back" / DEVICE))
    own = ("dry_id", "dry_offset")
    assert after == {
        name: {**row, **{key: after[name][key] for key in own}} for name, row in before.items()
    }


def test_neural_amp_modelers_own_loader_reads_every_pair(loud, tmp_path, monkeypatch):
    import torch
    from nam.data import Split, init_dataset

    long = recipe(train={"design": "sobol", "settings": 3, "seconds": 2})
    plan, dries = make_plan(KNOBS, DEVICE, long)
    capture(tanh_rig(level=3.0), plan, dries, tmp_path / DEVICE)
    data = Dataset.open(tmp_path / DEVICE)
    export(data, "nam", tmp_path / "out")
    pairs = [path.parent for path in sorted((tmp_path / "out").glob("*/data.json"))]
    assert len(pairs) >= 3
    for pair in pairs:
        monkeypatch.chdir(pair)
        infos = [soundfile.info(name) for name in ("dry.wav", "wet.wav")]
        assert {(i.samplerate, i.subtype, i.channels) for i in infos} == {(48_000, "PCM_24", 1)}
        assert infos[0].frames == infos[1].frames
        config = json.loads((pair / "data.json").read_text())
        config["common"]["nx"] = 4093  # as nam-full sets it, from its standard net
        train, held = init_dataset(config, Split.TRAIN), init_dataset(config, Split.VALIDATION)
        about = json.loads((pair / "setting.json").read_text())
        (one,) = [c for c in about["captures"] if c["frames"] >= 2 * 8192]
        ours = data.row(
            int(data.captures.index[data.captures["capture_id"] == one["capture_id"]][0])
        )
        x, y = train[0]
        assert (x.shape, y.shape) == ((4092 + 8192,), (8192,))
        wet = torch.from_numpy(data.audio(ours)) / about["model_gain"]
        assert torch.allclose(y, wet[4092 : 4092 + 8192], atol=1e-6)
        assert (x.numpy() == data.dry(ours)[: 4092 + 8192]).all()
        assert len(held) == 1
        assert one["start"] + ours["frames"] == config["validation"]["stop_samples"]
        assert config["validation"]["start_samples"] == config["train"][-1]["stop_samples"]


def test_hugging_face_loads_the_folder_by_its_card(loud, tmp_path):
    revise(loud.folder, {})
    export(loud, "huggingface", tmp_path / "out")
    options = {"cache_dir": str(tmp_path / "hf")}
    whole = datasets.load_dataset(str(tmp_path / "out"), **options)
    assert {split: len(rows) for split, rows in whole.items()} == (
        loud.captures["role"].value_counts().to_dict()
    )
    first = whole["test"][0]
    row = loud.captures.index[loud.captures["capture_id"] == first["capture_id"]][0]
    samples = first["audio"].get_all_samples().data.numpy()[0]
    assert (samples == loud.stored(int(row))).all()
    dry = datasets.load_dataset(str(tmp_path / "out"), "dry", split="dry", **options)
    assert set(dry["dry_id"]) == set(loud.captures["dry_id"])


def test_the_review_goes_with_an_export(captured, tmp_path):
    data = Dataset.open(captured)
    names = data.captures["capture_id"]
    revise(captured, {names[3]: Verdict(role="test"), names[4]: Verdict(flags=("hum",))})
    revise(captured, {names[5]: Verdict(excluded=True, reason="a phone rang")})
    chosen = Dataset.open(captured).select(flagged=True)
    assert len(chosen) == 18
    for kind in EXPORTS:
        export(chosen, kind, tmp_path / kind)
        bring(tmp_path / f"{kind}-back" / DEVICE, tmp_path / kind)
        back = Dataset.open(tmp_path / f"{kind}-back" / DEVICE).captures.set_index("capture_id")
        if names[3] in back.index:
            assert back["role"][names[3]] == "test"
        assert names[5] not in back.index
        assert list(back["flags"][names[4]]) == ["hum"]


def test_nothing_half_done_is_left_of_an_export(captured, tmp_path, monkeypatch):
    data = Dataset.open(captured)
    (tmp_path / "there").mkdir()
    (tmp_path / "there/mine.txt").write_text("mine")
    for kind in EXPORTS:
        with pytest.raises(UserError, match="is there already"):
            export(data, kind, tmp_path / "there")

        def interrupted(done):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            EXPORTS[kind](data, tmp_path / "out", interrupted)
        part_paths(captured)[-1].rename(tmp_path / "away")
        with pytest.raises(UserError, match="There is no file"):
            EXPORTS[kind](data, tmp_path / "out", lambda done: None)
        (tmp_path / "away").rename(data.captures["part"].iloc[-1])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "there"]


def test_two_datasets_of_one_device_become_one(captured, tmp_path):
    other = tmp_path / "other" / DEVICE
    capture(tanh_rig(), *make_plan(KNOBS, DEVICE, recipe(seed=5)), other)
    names = Dataset.open(other).captures["capture_id"]
    revise(other, {names[2]: Verdict(excluded=True, reason="dropped")})
    before = {**rows(Dataset.open(captured)), **rows(Dataset.open(other))}
    done = bring(captured, other)
    assert (done.added, done.held) == (19, 0)
    assert rows(Dataset.open(captured)) == before
    assert Dataset.open(captured).captures["excluded"].sum() == 1
    Dataset.open(captured).verify()
    parts = part_paths(captured)
    parts[2].unlink()
    assert (bring(captured, other).added, len(part_paths(captured))) == (
        int(parts[2].name in {p.name for p in part_paths(other)}),
        len(parts) - int(parts[2].name not in {p.name for p in part_paths(other)}),
    )


def test_what_does_not_belong_is_refused(captured, tmp_path):
    rig = tanh_rig()
    object.__setattr__(rig, "device", "other")
    capture(rig, *make_plan(KNOBS, "other", recipe()), tmp_path / "other")
    with pytest.raises(UserError, match="is of the device 'other', but"):
        bring(captured, tmp_path / "other")
    with pytest.raises(UserError, match="the dataset itself"):
        bring(captured, captured)
    with pytest.raises(UserError, match="no folder"):
        kind_of(tmp_path / "nothing")
    data = Dataset.open(captured)
    export(data, "wav", tmp_path / "wav")
    about = tmp_path / "wav/ampsweep.json"
    said = json.loads(about.read_text())
    said["knobs"][0]["maximum"] = 11.0
    about.write_text(json.dumps(said))
    with pytest.raises(UserError, match="Gain is 0 to 11 linear from 5 in one and 0 to 10 linear"):
        bring(captured, tmp_path / "wav")
    wet = tmp_path / "wav/wet" / f"{data.captures['capture_id'][0]}.wav"
    write_wav(wet, data.stored(0)[::-1])
    said["knobs"][0]["maximum"] = 10.0
    about.write_text(json.dumps(said))
    with pytest.raises(UserError, match="Another capture named"):
        bring(captured, tmp_path / "wav")
    assert rows(Dataset.open(captured)) == rows(data)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (",train,", ",practice,", "there is no role 'practice'"),
        ("wet/", "../../", "outside of itself"),
        (",5,5,0,", ",99,5,0,", "takes Gain from 99"),
        (",5,5,0,", ",,5,0,", "no position of Gain"),
        (",5,5,0,", ",nan,5,0,", "not a number"),
        ("20000101T", "../0101T", "should match pattern"),
        (",24000,", ",24001,", "has 24000 frames, not 24001"),
    ],
)
def test_a_table_that_was_tampered_with_is_refused(captured, tmp_path, old, new, message):
    export(Dataset.open(captured), "wav", tmp_path / "wav")
    table = tmp_path / "wav/captures.csv"
    text = table.read_text()
    assert old in text
    table.write_text(text.replace(old, new))
    with pytest.raises(UserError, match=message):
        bring(tmp_path / "back" / DEVICE, tmp_path / "wav")


def test_samples_of_wavs_are_the_flacs_own(loud, tmp_path):
    export(loud, "wav", tmp_path / "wav")
    row = loud.row(3)
    steps, _ = soundfile.read(tmp_path / f"wav/wet/{row['capture_id']}.wav", dtype="int32")
    assert (steps >> 8 == to_int24(loud.stored(3))).all()
    scaled = loud.stored(3) * np.float32(row["wet_scale"])
    assert (scaled == loud.audio(3)).all()
    shutil.rmtree(tmp_path / "wav")


def test_hugging_faces_shards_and_groups_are_bounded(loud, tmp_path, monkeypatch):
    monkeypatch.setattr("dataset.exports.huggingface.SHARD", 300_000)
    export(loud, "huggingface", tmp_path / "out")
    names = sorted(path.name for path in (tmp_path / "out/data").iterdir())
    assert sum(name.startswith("train-") for name in names) > 1
    assert sum(pq.read_metadata(tmp_path / "out/data" / n).num_rows for n in names) == 19
    bring(tmp_path / "back" / DEVICE, tmp_path / "out")
    assert rows(Dataset.open(tmp_path / "back" / DEVICE)) == rows(loud)
