"""Plugins captured as a user does it, from a rig's TOML to a dataset."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import yaml

from ampsweep.app import run
from dataset.store import Dataset

RECIPE = {
    "plan": {
        "seed": 5,
        "train": [
            {"design": "sweep", "minutes": 0.02, "seconds": 1.2, "interval": 0.3},
            {"design": "sobol", "settings": 1, "seconds": 0.5},
        ],
        "validation": {"settings": 1, "seconds": 0.5},
        "test": {"settings": 1, "seconds": 0.5},
        "sentinels": {"every": 2, "seconds": 0.5},
    }
}
PLUGINS = {
    "studiopre": 'type = "lv2"\nuri = "http://guitarix.sourceforge.net/plugins/gx_studiopre#studiopre"',
    "amp": 'type = "lv2"\nuri = "http://guitarix.sourceforge.net/plugins/gx_amp#GUITARIX"',
    "tube": 'type = "lv2"\nuri = "urn:zamaudio:ZamTube"',
    "tube-vst3": 'type = "vst3"\nfile = "/usr/lib/vst3/ZamTube.vst3"',
}


def write_rig(folder: Path, path: str) -> None:
    text = f'name = "bench"\ndevice = "plugin"\n[actuator]\ntype = "parameters"\n[path]\n{path}\n'
    (folder / "rig.toml").write_text(text)
    (folder / "params.yaml").write_text(yaml.safe_dump(RECIPE))


def capture(folder: Path, path: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Plan and capture in a new ``folder``; the hash of each file of data/ but logs' own."""
    folder.mkdir()
    write_rig(folder, path)
    monkeypatch.chdir(folder)
    assert run(["plan", "rig.toml"]) == 0
    assert run(["capture", "rig.toml"]) == 0
    left = (folder / "data").rglob("*")
    files = sorted(path for path in left if path.is_file() and path.parent.name != "sessions")
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


@pytest.mark.parametrize("plugin", PLUGINS)
def test_two_captures_are_the_same_bytes(
    plugin: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    first = capture(tmp_path / "first", PLUGINS[plugin], monkeypatch)
    said = capfd.readouterr()
    assert "block size" not in said.out + said.err  # what the plugin prints is not for us
    assert first == capture(tmp_path / "second", PLUGINS[plugin], monkeypatch)
    dataset = Dataset.open(tmp_path / "first/data/plugin")
    rows = dataset.captures
    assert rows["role"].value_counts().to_dict() == {
        "train": 2,
        "validation": 1,
        "test": 1,
        "sentinel": 3,
    }
    assert (rows["rms_dbfs"].to_numpy() > -120).all()
    assert set(np.concatenate(rows["flags"].to_list())) <= {"dc offset"}


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        (
            'type = "lv2"\nuri = "urn:zamaudio:ZamTub"',
            "rig.toml, line 5: There is no LV2 plugin 'urn:zamaudio:ZamTub' here "
            "(did you mean urn:zamaudio:ZamTube",
        ),
        (
            'type = "lv2"\nuri = "urn:zamaudio:ZamTube"\nknobs = ["Trebble"]',
            "There is no control 'Trebble'",
        ),
        ('type = "lv2"\nuri = "urn:zamaudio:ZamTube"\npreroll = 100', "preroll"),
        ('type = "vst3"\nfile = "Zamtubb"', "There is no VST3 plugin Zamtubb"),
    ],
)
def test_a_wrong_rig_is_one_sentence(
    path: str,
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_rig(tmp_path, path)
    monkeypatch.chdir(tmp_path)
    assert run(["plan", "rig.toml"]) == 2
    said = capsys.readouterr().err
    assert sentence in " ".join(said.split())
    assert "Traceback" not in said
