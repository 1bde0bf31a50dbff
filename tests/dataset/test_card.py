import os
import re
import shutil

import pytest
import shelf
import yaml

from dataset.card import MADE_BY, write_card
from dataset.store import Dataset
from rigs.errors import UserError

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_DATASETS_OFFLINE"] = "1"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return shelf.write(tmp_path_factory.mktemp("shelf") / "tanh-amp")


@pytest.fixture
def card(folder):
    (folder / "README.md").unlink(missing_ok=True)
    return write_card(folder).read_text("utf-8")


def front_matter(text):
    return yaml.safe_load(text.split("---\n")[1])


def test_it_says_what_there_is(card):
    assert "10 captures, 0.1 minutes" in card
    assert "| Gain | 0 to 10 | 5 |  | linear |" in card
    assert "| Bright | off, on | off |  | switch |" in card
    assert re.search(r"\| train \| 5 \| 0.0 \| -\d+ / -\d+ / -\d+ ", card)
    assert "12.5 dBu at the device's input" in card
    assert "repeats to an ESR of" in card
    assert f"| {shelf.SESSION} | 2026-01-02T03:04:05+00:00 | bench | 10 |" in card
    assert "| train | made | CC0-1.0 |" in card
    assert "1 of them with knobs that move" in card


def test_the_same_again_and_a_licence_that_stays(folder, card):
    assert front_matter(card)["license"] == "unknown"
    assert write_card(folder).read_text("utf-8") == card
    stated = write_card(folder, "CC-BY-4.0").read_text("utf-8")
    assert front_matter(stated)["license"] == "cc-by-4.0"
    assert write_card(folder).read_text("utf-8") == stated
    own = write_card(folder, "My_own [terms].").read_text("utf-8")
    assert front_matter(own) | {"license": "other", "license_name": "My_own [terms]."} == (
        front_matter(own)
    )
    assert front_matter(write_card(folder).read_text("utf-8"))["license_name"] == "My_own [terms]."


def test_a_readme_of_somebody_elses_stays(folder):
    (folder / "README.md").write_text("# Mine")
    with pytest.raises(UserError, match="not written by ampsweep"):
        write_card(folder)
    assert (folder / "README.md").read_text() == "# Mine"
    assert MADE_BY in write_card(folder, force=True).read_text()


def test_names_cannot_break_it(tmp_path):
    from dataclasses import replace

    wicked = "a | b\n# <script>alert(1)</script> `x`"
    made = [replace(c, device=wicked, rig=wicked) for c in shelf.captures()[:3]]
    text = write_card(shelf.write(tmp_path / "x", made)).read_text("utf-8")
    assert front_matter(text)["pretty_name"] == f"{wicked}, with its knobs"
    body = text.split("---\n", 2)[2]
    assert "<script>" not in body.replace("\\<", "")
    rows = [line for line in body.splitlines() if line.startswith(f"| {shelf.SESSION}")]
    assert len(re.findall(r"(?<!\\)\|", rows[0])) == 7


def snippets(text):
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def test_pandas_loads_it_as_it_says(folder, card, monkeypatch):
    monkeypatch.chdir(folder)
    seen = {}
    exec(snippets(card)[0], seen)
    assert len(seen["captures"]) == 10
    assert seen["captures"]["setting"][1]["Gain"] == 1.0


def test_torch_loads_it_as_it_says(folder, card, monkeypatch, tmp_path):
    from dataclasses import replace

    # As long as a window, and with every knob moving.
    made = [
        shelf.capture(i, {"Gain": i, "Bright": i % 2}, frames=shelf.TRAIN.frames) for i in (1, 2)
    ]
    made.append(replace(shelf.captures()[5], plan_index=5))
    home = shelf.write(tmp_path / "tanh-amp", made)
    monkeypatch.chdir(home)
    seen = {}
    exec(snippets(card)[1], seen)
    batch = seen["batch"]
    assert batch.dry.shape[0] == batch.wet.shape[0]
    assert batch.knobs.shape[-1] == 4, "two, and two detents of a switch"


def test_hugging_face_loads_it_as_it_says(folder, card, monkeypatch, tmp_path):
    import datasets

    monkeypatch.chdir(shutil.copytree(folder, tmp_path / folder.name))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "hf")
    monkeypatch.setattr(datasets.config, "HF_CACHE_HOME", tmp_path / "hf")
    seen = {}
    exec(snippets(card)[2], seen)
    assert len(seen["captures"]) == 10
    ours = Dataset.open(folder).audio(0)
    assert abs(seen["samples"].numpy()[0] - ours).max() < 1e-6
    dry = datasets.load_dataset(f"../{folder.name}", "dry", split="train")
    assert sorted(dry["name"]) == ["test", "train"]
