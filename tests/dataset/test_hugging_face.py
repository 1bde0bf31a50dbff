"""The parts as Hugging Face `datasets` sees them, offline."""

import io
import os

import pytest
import soundfile
from tanh_rig import KNOBS

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_DATASETS_OFFLINE"] = "1"
import datasets

from dataset.store import Dataset


@pytest.fixture
def loaded(captured, tmp_path):
    files = str(captured / "captures/*.parquet")
    return datasets.load_dataset(
        "parquet", data_files=files, split="train", cache_dir=str(tmp_path / "hf")
    )


def test_the_features_are_read_from_the_parts(loaded):
    assert isinstance(loaded.features["audio"], datasets.Audio)
    assert set(loaded.features["setting"]) == set(KNOBS.names)
    assert loaded.features["trajectory"] == datasets.List(datasets.Value("float32"))
    assert loaded.features["started_at"] == datasets.Value("timestamp[us, tz=UTC]")
    assert len(loaded) == 19


def test_the_audio_is_ours_before_the_scale(loaded, captured):
    ours = Dataset.open(captured)
    raw = loaded.cast_column("audio", datasets.Audio(decode=False))
    by_id = {row["capture_id"]: row for row in raw}
    for row in ours.rows():
        theirs = by_id[row["capture_id"]]
        audio, rate = soundfile.read(io.BytesIO(theirs["audio"]["bytes"]), dtype="float32")
        assert rate == theirs["sample_rate"] == 48_000
        assert (audio * theirs["wet_scale"] == ours.audio(row)).all() or row["wet_scale"] != 1
        assert abs(audio * theirs["wet_scale"] - ours.audio(row)).max() < 1e-6
        assert theirs["setting"] == pytest.approx(row["setting"])


def test_datasets_decodes_the_audio_itself(loaded, captured):
    ours = Dataset.open(captured)
    for row, theirs in zip(ours.rows(), loaded, strict=True):
        samples = theirs["audio"].get_all_samples()
        assert samples.sample_rate == 48_000
        decoded = samples.data.numpy()[0]
        assert abs(decoded * row["wet_scale"] - ours.audio(row)).max() < 1e-6
