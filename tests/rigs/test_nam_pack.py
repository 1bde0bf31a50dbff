"""A folder of `.nam` captures as a device with knobs."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ampsweep.app import run
from dataset.store import Dataset
from rigs import nam
from rigs.actuators.parameters import Parameters
from rigs.config import load_rig
from rigs.errors import UserError
from rigs.nam.pack import read_pack
from rigs.rig import Options, Rig
from rigs.trajectory import Trajectory
from tests.rigs import nam_files
from tests.rigs.nam_files import DATA

NAMES = [
    "Me [Amp] Gain@2_Bass@0_ERA@mid_FEL@up ESR_0.01.nam",
    "Me [Amp] Gain@4_Bass@10_ERA@lft_FEL@up ESR_0.03.nam",
    "Me [Amp] Gain@4_Bass@6.5_ERA@rgt_FEL@up ESR_0.02.nam",
    "Me [Amp] gain@8_Bass@10_ERA@LFT_FEL@up ESR_0.04.nam",
]
RIG = """\
name = "pack"
device = "amp"
[actuator]
type = "parameters"
[path]
type = "nam-pack"
folder = {folder}
{more}
"""
RECIPE = """\
plan:
  train: {design: every, seconds: SECONDS}
  validation: {settings: 1, seconds: SECONDS}
  test: {settings: 1, seconds: SECONDS}
  sentinels: {every: 3, seconds: SECONDS}
"""


def fill(folder: Path, names: list[str] = NAMES) -> Path:
    """A pack of small random nets, each of its own."""
    folder.mkdir()
    for seed, name in enumerate(names):
        content = nam_files.a1(seed, 4) if seed else nam_files.lstm(seed, 2, 1)
        nam_files.write(folder / name, content)
    return folder


def empty(folder: Path, names: list[str]) -> Path:
    """Files of which only the names are read."""
    folder.mkdir()
    for name in names:
        (folder / name).touch()
    return folder


def rig_file(project: Path, folder: str, more: str = "") -> Path:
    path = project / "rig.toml"
    path.write_text(RIG.format(folder=json.dumps(folder), more=more))
    return path


def rig(tmp_path: Path, more: str = ""):
    if not (tmp_path / "pack").exists():
        fill(tmp_path / "pack")
    return load_rig(rig_file(tmp_path, "pack", more))


def play(path, knobs, setting, dry=None):
    """What ``path`` returns at a setting."""
    bench = Rig("bench", "amp", knobs, Parameters(Options(), Path()), path)
    still = Trajectory.still(knobs, knobs.check(setting))
    return bench.take(nam_files.plucks(2000) if dry is None else dry, still)[0]


def test_knobs_are_what_the_names_say(tmp_path):
    gain, bass, era = read_pack(empty(tmp_path / "pack", NAMES)).knobs
    assert (gain.name, gain.minimum, gain.maximum, gain.detents) == ("Gain", 2, 8, ())
    assert gain.default == 4  # most files have it there
    assert (bass.minimum, bass.maximum, bass.default) == (0, 10, 10)
    assert (era.detents, era.maximum, era.default) == (("lft", "mid", "rgt"), 2, 0)


def test_what_stands_still_is_no_knob(tmp_path):
    pack = read_pack(empty(tmp_path / "pack", NAMES))
    assert pack.fixed == {"FEL": "up"}
    assert "FEL at up" in rig(tmp_path).path.notice


def test_levels_are_those_of_the_file_unless_the_rig_knows_better(tmp_path):
    pack = fill(tmp_path / "pack")
    said = {"metadata": {"input_level_dbu": 18.3, "output_level_dbu": 12.0}}
    names = [NAMES[1], NAMES[1].replace("Gain@4", "Gain@5").replace("ESR", "normalized ESR")]
    for name in names:
        nam_files.write(pack / name, nam_files.a1(1, 4) | said)

    def levels(gain, **of_the_rig):
        bench = replace(rig(tmp_path), **of_the_rig)
        setting = bench.knobs.check({"Gain": gain, "Bass": 10, "ERA": 0})
        recording, _ = bench.take(nam_files.plucks(400), Trajectory.still(bench.knobs, setting))
        return recording.input_level_dbu, recording.output_level_dbu

    assert levels(4) == (18.3, 12.0)
    assert levels(4, input_level_dbu=10.0) == (10.0, 12.0)
    assert levels(5) == (18.3, None)  # its output was turned up or down: no level is known
    assert levels(8) == (None, None)


def test_ranges_and_switches_of_the_panel(tmp_path):
    found = rig(tmp_path, 'ranges = {gain = [0, 10]}\nswitches = {ERA = ["mid", "lft", "rgt"]}')
    gain, _, era = found.knobs
    assert (gain.minimum, gain.maximum, gain.default) == (0, 10, 4)
    assert era.detents == ("mid", "lft", "rgt")
    assert [setting["ERA"] for setting in found.reach.only] == [0, 1, 2, 1]
    assert not found.reach.sweeps


@pytest.mark.parametrize(
    ("pattern", "names", "settings"),
    [
        (r"(?i)ch(?P<Channel>[ab])G(?P<Gain>\d+)$", ["X ChAG4", "XchBG10"], [(0, 4), (1, 10)]),
        (r"G(?P<Gain>\d+(?:\.\d+)?)", ["50W G6 a", "50W G6.5 b"], [(6,), (6.5,)]),
        (r"(?P<Gain>[\d,]+)", ["6,5", "7"], [(6.5,), (7,)]),
        (r"Größe (?P<Größe>\w+)", ["Gro\u0308ße a", "Größe b"], [(0,), (1,)]),
    ],
)
def test_a_pattern_of_ones_own(pattern, names, settings, tmp_path):
    empty(tmp_path / "pack", [f"{name}.nam" for name in names])
    found = rig(tmp_path, f"pattern = '{pattern}'")
    assert [tuple(setting.values()) for setting in found.reach.only] == settings


def test_files_may_be_left_out(tmp_path):
    folder = empty(tmp_path / "pack", [*NAMES, "Clean.nam", "notes.txt"])
    with pytest.raises(UserError, match=r"'Clean\.nam' says no setting"):
        read_pack(folder)
    assert len(read_pack(folder, "ME*.nam").files) == 4


@pytest.mark.parametrize(
    ("names", "more", "sentence"),
    [
        ([], "", r"holds 0 files \*\.nam"),
        (["G@1", "Clean"], "", "'Clean.nam' says no setting; write it as in Gain@8"),
        (["G@1_g@2", "G@3"], "", "'G@1_g@2.nam' says g twice"),
        (["G@1", "G@2_B@1"], "", "'G@2_B@1.nam' says B, that of 'G@1.nam' does not"),
        (["a G@1", "b G@1.0", "G@2"], "", "'a G@1.nam' and 'b G@1.0.nam' are of the same setting"),
        (["a G@1", "b G@1,0"], "", "differ in no knob"),
        (["G@1", "G@max"], "", "G is a number in the name of 'G@1.nam' and 'max' in that of"),
        (["G@1", "G@2"], "ranges = {Gian = [0, 10]}", "anything of 'Gian', only of G"),
        (["G@1", "G@12"], "ranges = {G = [0, 10]}", "'G@12.nam' has G at 12, beyond 0 to 10"),
        (["G@1", "G@2"], "ranges = {G = [10, 0]}", "line 8.*G has to go from a smaller number"),
        (["G@a", "G@b"], "ranges = {G = [0, 10]}", "G is a switch, which has no range"),
        (["G@a", "G@b"], 'switches = {G = ["a", "c"]}', "G at 'b', which is not among a, c"),
        (["G@a", "G@b"], 'switches = {G = ["a", "A"]}', "each with its own label"),
        (["G1", "G2"], "pattern = 'G('", "line 8.*no regular expression"),
        (["G1", "G2"], "pattern = 'G'", "line 8.*name a group for each knob"),
        (["G1", "G2"], "pattern = '(?P<G>(a+)+)$'", "line 8.*no group may be repeated"),
        (["G1", "X2"], "pattern = 'G(?P<G>.)'", "'X2.nam' says no setting.*as the pattern"),
        (["G1", "G2"], "patern = 'G'", "line 8.*patern"),
    ],
)
def test_names_that_say_no_settings(names, more, sentence, tmp_path):
    empty(tmp_path / "pack", [f"{name}.nam" for name in names])
    with pytest.raises(UserError, match=sentence) as caught:
        rig(tmp_path, more)
    assert "rig.toml, line" in str(caught.value)


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match=r"line 5.*none cannot be read \(No such file"):
        load_rig(rig_file(tmp_path, "none"))


def test_each_setting_plays_its_file(tmp_path):
    found = rig(tmp_path)
    found.open()
    dry = nam_files.plucks(2000)
    for name, setting in zip(NAMES, found.reach.only, strict=True):
        recording = play(found.path, found.knobs, setting, dry)
        assert np.array_equal(recording.wet, nam.load(tmp_path / "pack" / name).play(dry))
        assert (recording.latency, recording.flags) == (0.0, ())
    found.close()


def test_a_setting_between_captures(tmp_path):
    found = rig(tmp_path)
    with pytest.raises(UserError, match=r"no capture at Gain 5, .*; the nearest is 'Me.*Gain@4"):
        play(found.path, found.knobs, {"Gain": 5, "Bass": 10, "ERA": 0})


@pytest.mark.parametrize(
    ("name", "more", "flags"),
    [
        ("a G@1 normalized-6dB.nam", "", ("normalised",)),
        ("a G@1 Normalised.nam", "", ("normalised",)),
        ("a G@1 normalized.nam", "normalised = false", ()),
        ("a G@1.nam", "normalised = true", ("normalised",)),
    ],
)
def test_normalised_captures_are_flagged(name, more, flags, tmp_path):
    fill(tmp_path / "pack", ["b G@2.nam", name])
    found = rig(tmp_path, more)
    assert play(found.path, found.knobs, {"G": 1}).flags == flags
    assert play(found.path, found.knobs, {"G": 2}).flags == (flags if more else ())


def test_a_damaged_file_is_found_before_anything_plays(tmp_path):
    found = rig(tmp_path)
    (tmp_path / "pack" / NAMES[2]).write_text("{}")
    with pytest.raises(UserError, match=re.escape(NAMES[2])):
        found.open()


def captured(project: Path, rig_path: Path, seconds: float) -> Dataset:
    """The dataset that `ampsweep plan` and `ampsweep capture` leave in ``project``."""
    (project / "params.yaml").write_text(RECIPE.replace("SECONDS", str(seconds)))
    assert run(["plan", str(rig_path)]) == 0
    assert run(["capture", str(rig_path)]) == 0
    return Dataset.open(project / "data/amp")


def files_of(dataset: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in dataset.rglob("*.parquet")}


def test_through_the_command_line_twice(tmp_path, monkeypatch, capsys):
    fill(tmp_path / "pack")
    parts = []
    for name in ("first", "second"):
        project = tmp_path / name
        project.mkdir()
        monkeypatch.chdir(project)
        dataset = captured(project, rig_file(tmp_path, "pack"), 0.1)
        parts.append(files_of(project / "data/amp"))
        roles = dataset.captures["role"].value_counts().to_dict()
        assert roles == {"train": 2, "validation": 1, "test": 1, "sentinel": 3}
    assert parts[0] == parts[1]
    assert "In all captures of this pack FEL at up: no knob for that." in capsys.readouterr().out


def test_a_plan_that_wants_other_settings(tmp_path, monkeypatch, capsys):
    fill(tmp_path / "pack")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(
        RECIPE.replace("every,", "sobol, settings: 4,").replace("SECONDS", "1")
    )
    assert run(["plan", str(rig_file(tmp_path, "pack"))]) == 2
    assert "use design 'every'" in " ".join(capsys.readouterr().err.split())


PACKS = {
    "jcm900-channel-a": ('pattern = "G(?P<Gain>[0-9]+)$"\nranges = {Gain = [0, 10]}', ["Gain"], 4),
    "suhr-rl-pack": ("", ["Dep", "Gir", "Pres", "Bas", "Mid", "Tre", "Mas", "Gain", "ERA"], 19),
}


@pytest.mark.parametrize("name", PACKS)
def test_packs_that_people_share(name, tmp_path, monkeypatch):
    more, knobs, count = PACKS[name]
    folder = DATA / "nam" / name
    if not folder.is_dir():
        pytest.skip(f"test material absent: {folder}")
    monkeypatch.chdir(tmp_path)
    dataset = captured(tmp_path, rig_file(tmp_path, str(folder), more), 0.05)
    assert list(dataset.knobs.names) == knobs
    assert (dataset.knobs["Gain"].minimum, dataset.knobs["Gain"].maximum) in ((0, 10), (5, 10))
    captures = dataset.captures[dataset.captures["role"] != "sentinel"]
    assert len({tuple(setting.values()) for setting in captures["setting"]}) == count
    flags = {tuple(row) for row in captures["flags"]}
    assert all(("normalised" in row) == (name == "suhr-rl-pack") for row in flags)
