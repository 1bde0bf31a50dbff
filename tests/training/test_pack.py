"""A pack of snapshots, which our own pack rig reads and plays."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from rigs.config import load_rig
from rigs.errors import UserError
from rigs.knobs import Knob, KnobTable
from rigs.trajectory import Trajectory
from tests.training.models_at_random import PANEL, random_model
from tests.training.random_nets import plucked
from training.checkpoint import Model, save_model
from training.exports import pack as module
from training.exports.grid import grid
from training.exports.pack import fingerprint, write_pack
from training.exports.pack_names import Naming
from training.exports.snapshot import Labels
from training.play import play

DATE = datetime(2026, 7, 1)
SETTINGS = grid(PANEL, {"Gain": 2, "High Cut": 2, "Bright": 3}, PANEL.default, 100)


@pytest.fixture(scope="module")
def model() -> Model:
    return random_model()


def written(folder: Path, model: Model, made_of: str = "abc", **options) -> bool:
    return write_pack(folder, model, SETTINGS, Labels(), DATE, made_of, **options)


def test_the_pack_rig_finds_every_setting_and_its_sound(model, tmp_path):
    assert written(tmp_path / "pack", model)
    rig = load_rig(tmp_path / "pack" / "pack.toml")
    assert (rig.name, rig.device) == ("my-amp-pack", "my-amp")
    assert rig.knobs.names == ("Gain", "High-Cut", "Bright")
    assert [(k.minimum, k.maximum) for k in rig.knobs] == [(0, 10), (200, 20_000), (0, 2)]
    assert rig.knobs["Bright"].detents == ("off", "+3-dB", "on-full")
    found = {tuple(setting.values()) for setting in rig.reach.only}
    assert found == {tuple(setting.values()) for setting in SETTINGS}
    dry = plucked(2400)
    rig.open()
    for setting in SETTINGS:
        positions = model.knobs.to_array(setting)
        trajectory = Trajectory(positions.astype(np.float32)[None])
        recording, _ = rig.take(dry, trajectory)
        wet = play(model.net, dry, model.knobs.to_inputs(positions))
        assert np.ptp(wet) > 0.02
        assert np.abs(recording.wet - wet).max() < 1e-5
        assert recording.input_level_dbu == 12.5
        assert recording.flags == ()
    rig.close()


def test_a_grid():
    found = grid(PANEL, {"gain": 4, "Bright": 3}, {**PANEL.default, "High Cut": 321.0}, 12)
    assert len(found) == 12
    assert sorted({setting["Gain"] for setting in found}) == [0, 3.33, 6.67, 10]
    assert {setting["High Cut"] for setting in found} == {321.0}
    assert {setting["Bright"] for setting in found} == {0, 1, 2}


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        ({"Gian": 2}, "no knob 'Gian'"),
        ({"Bright": 2}, "ask for Bright=3"),
        ({"Gain": 1}, "2 positions of Gain or more"),
        ({"Gain": 50, "High Cut": 3}, "50 x 3 positions has 150 settings"),
    ],
)
def test_a_grid_that_cannot_be(counts, sentence):
    with pytest.raises(UserError, match=sentence):
        grid(PANEL, counts, PANEL.default, 100)


def test_a_second_time_it_is_there_already(model, tmp_path):
    folder, done = tmp_path / "pack", []
    folder.mkdir()  # an empty folder is as good as none
    assert written(folder, model, progress=done.append)
    assert done == list(range(len(SETTINGS) + 1))
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert len(before) == len(SETTINGS) + 1
    assert not written(folder, model)
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_an_interrupted_pack_does_not_look_finished_and_goes_on(model, tmp_path, monkeypatch):
    folder, unfinished = tmp_path / "pack", tmp_path / "pack.unfinished"

    def stop(done: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        written(folder, model, progress=stop)
    assert not folder.exists()
    assert not (unfinished / "pack.toml").exists()
    assert len(list(unfinished.glob("*.nam"))) == 5
    (unfinished / ".x.nam.a1b2.tmp").touch()  # what a killed writer leaves
    again = []
    monkeypatch.setattr(module, "write_snapshot", _noting(module.write_snapshot, again))
    assert written(folder, model)
    assert len(again) == len(SETTINGS) - 5
    assert not unfinished.exists()
    assert {path.suffix for path in folder.iterdir()} == {".nam", ".toml"}
    whole = tmp_path / "whole"
    written(whole, model)
    for path in whole.iterdir():
        assert (folder / path.name).read_bytes() == path.read_bytes()


def _noting(write, names: list[str]):
    def noted(path, *rest):
        names.append(path.name)
        write(path, *rest)

    return noted


def test_what_an_interrupted_pack_of_another_model_left_is_made_anew(model, tmp_path):
    def stop(done: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        written(tmp_path / "pack", replace(model, net=random_model().net), "older", progress=stop)
    stale = next((tmp_path / "pack.unfinished").glob("*.nam"))
    stale.write_text("stale")
    assert written(tmp_path / "pack", model, "newer")
    assert (tmp_path / "pack" / stale.name).read_text() != "stale"
    assert "newer" in (tmp_path / "pack" / "pack.toml").read_text()


def test_renamed_at_last_if_only_that_was_missing(model, tmp_path):
    written(tmp_path / "pack", model)
    (tmp_path / "pack").rename(tmp_path / "pack.unfinished")
    assert written(tmp_path / "pack", model)
    assert len(list((tmp_path / "pack").glob("*.nam"))) == len(SETTINGS)


@pytest.mark.parametrize("what", ["another pack", "other files", "a file", "unfinished"])
def test_nothing_else_is_overwritten(what, model, tmp_path):
    folder = tmp_path / "pack"
    if what == "another pack":
        written(folder, model, "another")
    elif what == "a file":
        folder.write_text("mine")
    else:
        other = folder if what == "other files" else tmp_path / "pack.unfinished"
        other.mkdir()
        (other / "mine.nam").write_text("mine")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(UserError, match=r"another (pack|name)|no part of a pack"):
        written(folder, model)
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


def test_a_pack_is_made_of_its_model_its_settings_and_its_labels(model, tmp_path):
    save_model(tmp_path, model)
    first = fingerprint(tmp_path, SETTINGS, Labels())
    assert first == fingerprint(tmp_path, SETTINGS, Labels())
    others = [
        fingerprint(tmp_path, SETTINGS[1:], Labels()),
        fingerprint(tmp_path, SETTINGS, Labels(gear_make="Acme")),
    ]
    save_model(tmp_path, random_model())
    (tmp_path / "model.json").write_text("{}")
    others.append(fingerprint(tmp_path, SETTINGS, Labels()))
    assert len({first, *others}) == 4


def table(*names: str, detents: tuple[str, ...] = ()) -> KnobTable:
    size = len(detents) - 1
    switch = [Knob("S", 0, size, 0, detents=detents)] if detents else []
    return KnobTable((*(Knob(name) for name in names), *switch))


def test_names_that_would_be_read_as_one_are_numbered():
    knobs = table("High Cut", "High_Cut", detents=("5", "5.0", "hi", "a/b", "a:b"))
    naming = Naming.of("amp", knobs, grid(knobs, {"S": 5}, knobs.default, 10))
    assert tuple(naming.words.values()) == ("High-Cut", "High-Cut-2", "S")
    assert naming.labels["S"] == ("5", "5.0-2", "hi", "a-b", "a-b-2")


def test_a_name_too_long_says_only_what_differs():
    knobs = table(*(f"A knob with a name that says much {i}" for i in range(8)))
    naming = Naming.of("amp", knobs, grid(knobs, {knobs.names[3]: 2}, knobs.default, 10))
    assert naming.file(knobs.default) == "amp A-knob-with-a-name-that-says-much-3@5.nam"
    counts = dict.fromkeys(knobs.names, 2)
    with pytest.raises(UserError, match="let fewer knobs move"):
        Naming.of("amp", knobs, grid(knobs, counts, knobs.default, 256))


def test_settings_that_no_name_tells_apart():
    knobs = table("Gain")
    for settings, sentence in (
        ([{"Gain": 5.0}], "two settings that differ"),
        ([{"Gain": 5.0}, {"Gain": 6.0}, {"Gain": 5.0}], "are the same"),
        ([{"Gain": 5.0}, {"Gain": 5.0000001}], "are the same"),
    ):
        with pytest.raises(UserError, match=sentence):
            Naming.of("amp", knobs, settings)


def test_metadata_is_nams(model, tmp_path):
    labels = Labels("Me", "amp", "Acme", "Loud 50", "crunch")
    write_pack(tmp_path / "pack", model, SETTINGS[:2], labels, DATE, "abc")
    path = tmp_path / "pack" / "my-amp Gain@0_High-Cut@200_Bright@off.nam"
    said = json.loads(path.read_text())["metadata"]
    assert (said["modeled_by"], said["gear_type"], said["gear_make"]) == ("Me", "amp", "Acme")
    assert (said["gear_model"], said["tone_type"]) == ("Loud 50", "crunch")
    assert said["input_level_dbu"] == 12.5
    assert "output_level_dbu" not in said
    assert -60 < said["loudness"] < 20
    assert said["name"] == "my amp (Gain 0, High Cut 200, Bright off)"
