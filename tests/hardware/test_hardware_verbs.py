"""The verbs `ampsweep hardware …`, as a person types them."""

import csv

import pytest

from ampsweep.app import run
from hardware import bom
from rigs.config import load_rig


def test_rig_writes_all_that_a_panel_needs(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(["hardware", "rig", "--knobs", "Gain:20mm@0", "--device", "box"]) == 0
    folder = tmp_path / "box-rig"
    with (folder / "print.csv").open() as file:
        rows = list(csv.DictReader(file))
    parts = {row["part"]: int(row["count"]) for row in rows}
    assert parts == {
        "carrier": 1, "motor-half": 1, "cross": 1, "pot-half-20mm": 1, "standoff-51.6mm": 2,
    }  # fmt: skip
    for part in parts:
        assert (folder / f"{part}.step").read_bytes().startswith(b"ISO-10303-21;")
        assert (folder / f"{part}.stl").stat().st_size > 10_000
        assert (folder / f"{part}.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "assembly.step").exists()
    assert load_rig(folder / "box.toml").knobs.names == ("Gain",)
    assert "$100=" in (folder / "grblhal-settings.txt").read_text("utf-8")
    said = capsys.readouterr().out
    assert str(bom.total(bom.read(bom.RIG), 1)) in said
    assert "N·cm" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--knobs", "Gain"], "'Gain' is no knob"),
        (["--knobs", "A:40mm@0,B:40mm@20"], "their couplers need"),
        (["--knobs", "A:D@0", "--device", "a/b"], "cannot be a file's name"),
        (["--knobs", "A:D@0", "--parameters", "none.toml"], "cannot be read"),
    ],
)
def test_rig_refuses_in_a_sentence_and_writes_nothing(tmp_path, capsys, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    assert run(["hardware", "rig", *words]) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_rig_refuses_a_current_that_could_hurt_a_pot(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    from hardware.rig.parameters import FILE

    text = FILE.read_text("utf-8").replace("homing_current = 200", "homing_current = 600")
    (tmp_path / "strong.toml").write_text(text, "utf-8")
    assert run(["hardware", "rig", "--knobs", "A:D@0", "--parameters", "strong.toml"]) == 2
    assert "could hurt a pot" in capsys.readouterr().err


def test_bom_prints_both_totals(capsys):
    assert run(["hardware", "bom"]) == 0
    said = capsys.readouterr().out
    assert "$67–81" in said
    assert "$75–85" in said
    guide = (bom.RIG.parent / "README.md").read_text("utf-8")
    for knobs in (1, 3, 6):
        total = str(bom.total(bom.read(bom.RIG), knobs))
        assert total in " ".join(said.split())
        assert total in guide


def test_draw_writes_elsewhere_what_is_here(tmp_path):
    from hardware.draw import ROOT

    assert run(["hardware", "draw", "--out", str(tmp_path), "--no-pictures"]) == 0
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) == 13
    for path in written:
        assert path.read_bytes() == (ROOT / path.relative_to(tmp_path)).read_bytes(), path.name
