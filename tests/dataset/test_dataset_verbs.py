"""`ampsweep dataset …` as it is typed, on captures written straight through the store."""

import json
import shutil
import xml.etree.ElementTree as ET
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shelf
from shelf import captures
from tanh_rig import KNOBS

from ampsweep.app import run
from dataset.parts import write_part
from dataset.schema import to_bytes
from dataset.store import Dataset
from dataset.store.scan import NEVER_NULL
from rigs.audio import peak_dbfs, read_wav


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return shelf.write(tmp_path_factory.mktemp("shelf") / "tanh-amp")


@pytest.fixture
def folder(good, tmp_path):
    return shutil.copytree(good, tmp_path / "tanh-amp")


@pytest.fixture
def ampsweep(capsys, tmp_path, monkeypatch):
    """Runs `ampsweep dataset …`; returns what it said, after the exit code expected."""
    monkeypatch.setenv("COLUMNS", "200")

    def call(*args, code=0):
        capsys.readouterr()
        assert run(["dataset", *map(str, args)]) == code
        said = capsys.readouterr()
        if code == 2:
            assert len(said.err.strip().splitlines()) == 1, said.err
        assert "Traceback" not in said.err
        return said.out + said.err

    monkeypatch.chdir(tmp_path)
    return call


def spoil(folder):
    """A level that was edited, a part cut short, and a capture with a flag of old."""
    two, five = captures()[2], captures()[5]
    for number, made in ((2, replace(two, rms_dbfs=-1.0)), (5, replace(five, flags=("clipped",)))):
        (folder / "captures" / f"{shelf.SESSION}-{number:06d}.parquet").unlink()
        write_part(folder, made, KNOBS)
    short = folder / "captures" / f"{shelf.SESSION}-000003.parquet"
    short.write_bytes(short.read_bytes()[:-40])
    return short


def test_check(ampsweep, folder, tmp_path):
    metrics = tmp_path / "metrics/check.json"
    said = ampsweep("check", folder, "--metrics", metrics)
    assert said.strip() == "10 captures are whole; 0 have flags."
    assert metrics.read_text() == (
        '{\n  "captures": 10,\n  "flagged": 0,\n  "minutes": 0.083,\n  "roles": {\n'
        '    "sentinel": 2,\n    "test": 2,\n    "train": 5,\n    "validation": 1\n  }\n}\n'
    )
    short = spoil(folder)
    said = ampsweep("check", folder, "--metrics", metrics, code=2)
    assert f"{shelf.SESSION}-000005: clipped" in said
    assert short.name in said
    assert "rms_dbfs says -1.00 dBFS" in said
    assert "2 things are wrong" in said
    assert "(1 damaged, 1 edited)" in said
    assert json.loads(metrics.read_text())["flagged"] == 1
    short.unlink()
    said = ampsweep("check", folder, "--exclude", code=2)
    assert "1 captures are excluded" in said
    assert "9 captures are whole; 1 have flags." in ampsweep("check", folder)
    assert "nothing was decoded" in ampsweep("check", folder, "--quick")


def test_check_with_a_rigs_own_thresholds_and_a_plan_that_is_none(ampsweep, folder, tmp_path):
    rig = tmp_path / "rig.toml"
    rig.write_text(
        'name = "bench"\ndevice = "virtual-amp"\n'
        '[actuator]\ntype = "parameters"\n[path]\ntype = "virtual-amp"\n'
        "[checks]\ndc_offset = 1e-9\n"
    )
    assert "dc offset" in ampsweep("check", folder, "--rig", rig, code=2)
    (tmp_path / "plan.parquet").write_text("no")
    assert "plan.parquet" in ampsweep("check", folder, code=2)


def test_every_capture_has_faults(ampsweep, tmp_path):
    folder = shelf.write(tmp_path / "x", [replace(captures()[1], flags=("clipped",))])
    assert "Every capture in" in ampsweep("check", folder, code=2)


def test_show_and_stats(ampsweep, good):
    said = ampsweep("show", good)
    for words in ("0 to 10", "off, on", "sentinel", shelf.SESSION, "bench"):
        assert words in said
    said = ampsweep("stats", good)
    assert "5, 0.0 min, 1 moving" in said
    assert "the floor of any model's ESR" in said
    found = json.loads(ampsweep("stats", good, "--json"))
    assert [role["role"] for role in found["roles"]] == ["train", "validation", "test", "sentinel"]
    assert found["floor"] == found["sentinels"][0]["esr"]


def test_coverage(ampsweep, good, tmp_path):
    picture = tmp_path / "there/coverage.svg"
    said = ampsweep("coverage", good, "--out", picture)
    assert "of that of as many random settings" in said
    assert "ESR of 2 settings against their nearest" in said
    ET.parse(picture)
    found = json.loads(ampsweep("coverage", good, "--json"))
    assert len(found["gaps"][0]["setting"]) == 3
    assert {pair["a"][-1] for pair in found["neighbours"]} == {"7", "8"}


def test_play(ampsweep, good, tmp_path):
    out = tmp_path / "x.wav"
    said = ampsweep("play", good, "--set", "Gain=8.4", "--set", "Bright=on", "--out", out)
    assert f"{shelf.SESSION}-000007 (test)" in said
    assert "0.04 from what was asked for" in said
    audio, _ = read_wav(out)
    assert len(audio) == shelf.FRAMES
    assert peak_dbfs(audio) == pytest.approx(-12, abs=0.01)
    ampsweep("play", good, "000003", "--dry", "--peak=-30", "--out", out)
    assert peak_dbfs(read_wav(out)[0]) == pytest.approx(-30, abs=0.01)
    for wrong, words in (
        ((), "a setting it is near to"),
        (("000003", "--set", "Gain=1"), "a setting it is near to"),
        (("000003", "--peak", "3"), "less than or equal to 0"),
        (("--set", "Gian=1"), "mean Gain"),
        (("--set", "Gain=1", "--role", "tset"), "no role 'tset'"),
    ):
        assert words in ampsweep("play", good, *wrong, "--out", out, code=2)


def test_card(ampsweep, folder):
    assert "README.md is written" in ampsweep("card", folder, "--licence", "CC-BY-4.0")
    assert "license: cc-by-4.0" in (folder / "README.md").read_text()
    assert len(Dataset.open(folder)) == 10


@pytest.mark.parametrize(
    "verb", ["show", "check", "stats", "coverage", "card", "push", "play x", "pull", "diff HEAD"]
)
def test_where_there_is_nothing(ampsweep, tmp_path, verb):
    name, *rest = verb.split()
    said = ampsweep(name, tmp_path / "nothing", *rest, code=2)
    assert "no captures" in said or "no project" in said
    assert not (tmp_path / "nothing").exists()


def test_a_strangers_part_with_nulls_and_escapes(ampsweep, folder):
    """Null wherever a column may be null, and a name that would steer the terminal."""
    path = folder / "captures" / f"{shelf.SESSION}-000004.parquet"
    table = pq.read_table(path)
    for number, field in enumerate(table.schema):
        if field.name not in (*NEVER_NULL, "audio"):
            table = table.set_column(number, field, pa.nulls(1, field.type))
    name = "\x1b[2Jwicked [red]"
    table = table.set_column(0, table.schema.field(0), pa.array([name]))
    path.write_bytes(to_bytes(table))
    said = ampsweep("check", folder, code=2)
    assert "\x1b" not in said
    assert "[2Jwicked [red]" in said
    for verb in ("show", "stats", "coverage", "card", "play"):
        rest = ["--set", "Gain=9", "--out", "x.wav"] if verb == "play" else []
        assert "\x1b" not in ampsweep(verb, folder, *rest)
    table = table.set_column(
        table.schema.get_field_index("setting"),
        table.schema.field("setting"),
        pa.array([{"Gain": 1.0}], table.schema.field("setting").type),
    )
    path.write_bytes(to_bytes(table))
    assert "off the panel" in ampsweep("check", folder, code=2)
    for verb in ("coverage", "card"):
        assert "do not say where every knob stood" in ampsweep(verb, folder, code=2)
    ampsweep("play", folder, "--set", "Gain=9", "--out", "x.wav")
    ampsweep("check", folder, "--exclude", code=2)
    ampsweep("card", folder)
