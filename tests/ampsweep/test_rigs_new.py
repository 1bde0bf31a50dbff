"""`ampsweep rigs new`: whatever it writes, loads."""

from __future__ import annotations

import io
import re
import shutil
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from ampsweep.app import run
from ampsweep.rig_verbs.new import _from, _knob
from rigs import starter
from rigs.config import load_rig
from rigs.errors import UserError
from rigs.knobs import Knob, KnobTable
from rigs.registry import ACTUATORS, PATHS

ROOT = Path(__file__).parent.parent.parent
STUDIO = "http://guitarix.sourceforge.net/plugins/gx_studiopre#studiopre"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pack").mkdir()
    for name in ("Gain@1_Tone@5", "Gain@8_Tone@5", "Gain@8_Tone@9"):
        (tmp_path / "pack" / f"{name}.nam").touch()  # only their names are read
    return tmp_path


@pytest.fixture
def type_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts a person at the terminal who types these lines."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    return lambda text: monkeypatch.setattr(sys, "stdin", Terminal(text))


REAL = ["--path", "audio-interface", "--interface", "Scarlett", "--device", "my-amp"]
KNOBS = ["--knob", "Gain", "--knob", "Bass 2.1", "--knob", "Voice=clean/crunch/lead"]
STARTERS = {
    "lv2": ["--path", "lv2", "--uri", STUDIO],
    "vst3": ["--path", "vst3", "--file", "ZamTube"],
    "circuit": ["--path", "circuit", "--file", "builtin:ts808"],
    "pack": ["--path", "nam-pack", "--folder", "pack"],
    "virtual": ["--path", "virtual-amp"],
    "steppers": [*REAL, *KNOBS, "--actuator", "grbl", "--port", "/dev/ttyACM0"],
    "midi": [*REAL, *KNOBS, "--actuator", "midi", "--port", "Kemper"],
    "person": [*REAL, *KNOBS, "--actuator", "person"],
}


@pytest.mark.parametrize("kind", STARTERS)
def test_what_is_written_loads(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rigs", "new", *STARTERS[kind], "--out", "rigs/mine.toml"]) == 0
    assert "rigs/mine.toml is written" in capsys.readouterr().out
    rig = load_rig(Path("rigs/mine.toml"))
    assert rig.name == "mine"
    text = Path("rigs/mine.toml").read_text()
    assert not re.search("@[a-z]+@", text)
    assert all(len(line) <= 100 for line in text.splitlines())
    if kind in ("steppers", "midi", "person"):
        assert rig.device == "my-amp"
        assert rig.knobs.names == ("Gain", "Bass 2.1", "Voice")
        assert rig.knobs["Voice"].detents == ("clean", "crunch", "lead")
    else:
        # The sections of its knobs are there as comments, and mean what they would alone.
        begin = text.index("# [knobs.")
        alive = "\n".join(line.removeprefix("# ") for line in text[begin:].splitlines())
        Path("rigs/alive.toml").write_text(text[:begin] + alive)
        assert load_rig(Path("rigs/alive.toml")).knobs == rig.knobs


def trouble(path: Path) -> str:
    try:
        load_rig(path)
    except UserError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("kind", STARTERS)
def test_what_is_a_comment_is_an_option(kind: str) -> None:
    """Each commented option, taken out of its comment, is one that the half knows."""
    assert run(["rigs", "new", *STARTERS[kind], "--out", "rigs/mine.toml"]) == 0
    before = Path("rigs/mine.toml").read_text().partition("# [knobs.")[0].splitlines()
    tried = 0
    for number, line in enumerate(before):
        if not line.startswith("# ") or " = " not in line or line.startswith("# [knobs"):
            continue
        Path("rigs/tried.toml").write_text(
            "\n".join([*before[:number], line.removeprefix("# "), *before[number + 1 :]])
        )
        assert not re.search(" has no '|TOML| must be ", trouble(Path("rigs/tried.toml"))), line
        tried += 1
    assert tried >= 2 or kind in ("virtual", "person")


def test_every_type_has_its_piece() -> None:
    pieces = {path.stem for path in (ROOT / "rigs" / "starters").glob("*.toml")}
    assert {f"actuator-{name}" for name in ACTUATORS} <= pieces
    assert {f"path-{name}" for name in PATHS} <= pieces


def test_a_file_that_is_there_stays(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["rigs", "new", "--path", "virtual-amp"]
    assert run(arguments) == 0
    mine = Path("rigs/virtual-amp.toml")
    mine.write_text("# mine\n")
    assert run(arguments) == 2
    assert "rigs/virtual-amp.toml is there already" in capsys.readouterr().err
    assert mine.read_text() == "# mine\n"
    assert run([*arguments, "--force"]) == 0
    assert load_rig(mine).name == "virtual-amp"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "say it with --path"),
        (["--path", "lv2"], "say it with --uri"),
        (["--path", "lv"], "--path lv is none of virtual-amp, lv2"),
        (["--path", "audio-interface"], "say it with --actuator"),
        ([*REAL, "--actuator", "person"], "say it with --knob"),
        ([*REAL, "--actuator", "parameters"], "does not go with"),
        (["--path", "lv2", "--uri", STUDIO, "--actuator", "grbl"], "does not go with"),
        (["--path", "lv2", "--uri", "gx_nothing"], "No rig was written. There is no LV2 plugin"),
        (["--path", "virtual-amp", "--device", "../up"], "cannot be a folder's name"),
        ([*REAL, "--actuator", "person", "--knob", "Bright=on"], "is no switch"),
        (
            [*STARTERS["steppers"], "--knob", "gain"],
            "No rig was written. Two knobs have the same name",
        ),
    ],
)
def test_what_cannot_be_written(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["rigs", "new", *arguments]) == 2
    err = capsys.readouterr().err
    assert says in err
    assert err.count("\n") == 1
    assert not list(Path().rglob("*.toml"))


def test_a_plugin_by_questions(
    type_in: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    # A plugin; a word that none has; one that many have; one that one has.
    type_in("2\nno such thing\ngx_\nstudiopre#\n")
    assert run(["rigs", "new"]) == 0
    out = capsys.readouterr().out
    assert "None fits; type another part." in out
    assert "fit; type more of the name." in out
    assert load_rig(Path("rigs/lv2-studiopre.toml")).knobs.names[:2] == ("Bright", "Volume")


def test_a_choice_among_a_few(type_in: Callable[[str], None]) -> None:
    type_in("2\nzamtube\n")
    assert run(["rigs", "new", "--device", "tube"]) == 0
    type_in("2\nstudiopre\n0\nthree\n2\n")
    assert run(["rigs", "new", "--device", "studio"]) == 0
    chosen = tomllib.loads(Path("rigs/studio.toml").read_text())["path"]["uri"]
    assert "studiopre" in chosen


def test_a_real_amp_by_questions(type_in: Callable[[str], None]) -> None:
    # There is no sound card here, so that its name is asked for.
    type_in("1\n3\nScarlett 2i2\nplexi\nGain, Bright=off/on\n")
    assert run(["rigs", "new"]) == 0
    rig = load_rig(Path("rigs/plexi.toml"))
    assert rig.knobs.names == ("Gain", "Bright")
    assert 'Scarlett 2i2"' in Path("rigs/plexi.toml").read_text()


def test_a_pack_whose_names_are_of_another_kind() -> None:
    Path("odd").mkdir()
    for gain in (1, 5, 9):
        Path(f"odd/G{gain}.nam").touch()
    arguments = ["rigs", "new", "--path", "nam-pack", "--folder", "odd"]
    assert run(arguments) == 2
    assert run([*arguments, "--pattern", "G(?P<Gain>[0-9]+)"]) == 0
    assert len(load_rig(Path("rigs/nam-pack-odd.toml")).reach.only) == 3


def test_ctrl_c_writes_nothing(type_in: Callable[[str], None]) -> None:
    type_in("2\n")  # then the input ends
    assert run(["rigs", "new"]) == 130
    assert not Path("rigs").exists()


def test_files_of_the_project_are_named_from_the_rig(project: Path) -> None:
    shutil.copy(ROOT / "rigs" / "circuits" / "netlists" / "ts808.cir", "mine.cir")
    assert run(["rigs", "new", "--path", "circuit", "--file", "mine.cir"]) == 0
    made = Path("rigs/circuit-mine.toml")
    assert tomllib.loads(made.read_text())["path"]["netlist"] == "../mine.cir"
    assert load_rig(made).knobs.names[0] == "Drive"


def test_other_files_are_named_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "there.cir").touch()
    monkeypatch.chdir(tmp_path / "here")
    assert _from(Path("rigs/a.toml"), "../there.cir") == str(tmp_path / "there.cir")
    assert _from(Path("rigs/a.toml"), str(tmp_path / "there.cir")) == str(tmp_path / "there.cir")
    assert _from(Path("rigs/a.toml"), "Scarlett") == "Scarlett"


def test_names_are_written_so_that_they_are_read_again() -> None:
    wild = 'a "b" \\ ]\x7f\n#\N{SNOWMAN}'
    knobs = [Knob(wild), Knob("Voice", 0, 1, 0, detents=(wild, "x"))]
    text = starter.compose(
        "mine", "amp", "grbl", "audio-interface", {"port": wild, "interface": wild}, knobs
    )
    read = tomllib.loads(text)
    assert list(read["knobs"]) == [wild, "Voice"]
    assert read["knobs"]["Voice"]["detents"] == [wild, "x"]
    assert read["actuator"]["port"] == wild
    assert tomllib.loads(starter.describe(KnobTable(tuple(knobs)))) == {}


def test_a_switch_as_it_is_typed() -> None:
    assert _knob(" Gain ") == Knob("Gain")
    assert _knob("Bright = off / on") == Knob("Bright", 0, 1, 0, detents=("off", "on"))
