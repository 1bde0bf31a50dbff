"""The verbs `ampsweep hardware …`, as a person types them."""

import csv
import subprocess
import sys

import pytest
import trimesh
from build123d import import_step

from ampsweep.app import run
from ampsweep.hardware_verbs.interrupted import nothing_written
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
    for row in rows:
        part, volume = row["part"], float(row["mm3"])
        mesh = trimesh.load_mesh(folder / f"{part}.stl")
        assert mesh.is_watertight
        assert mesh.volume == pytest.approx(volume, rel=0.01)
        assert mesh.bounds[0][2] == pytest.approx(0, abs=0.001)  # it lies on the bed
        solid = import_step(folder / f"{part}.step")
        assert solid.volume == pytest.approx(volume, abs=0.5)
        assert abs(solid.bounding_box().size.Z - mesh.extents[2]) < 0.05
        assert (folder / f"{part}.png").read_bytes().startswith(b"\x89PNG")
    whole = import_step(folder / "assembly.step")
    assert len(whole.solids()) == 11  # panel, rail, two standoffs, and seven for the knob
    assert load_rig(folder / "box.toml").knobs.names == ("Gain",)
    assert "$100=" in (folder / "grblhal-settings.txt").read_text("utf-8")
    said = capsys.readouterr().out
    assert run(["rigs", "show", str(folder / "box.toml")]) == 0
    shown = capsys.readouterr().out
    assert "Gain" in shown
    assert "Cut 1 rail of 89 mm." in said
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


def test_a_rig_that_was_measured_is_not_written_over(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    measured = tmp_path / "amp-rig/amp.toml"
    measured.parent.mkdir()
    measured.write_text("# travel = 287.5, measured\n")
    assert run(["hardware", "rig", "--knobs", "A:D@0"]) == 2
    assert "amp-rig/amp.toml is there and says something else" in capsys.readouterr().err
    assert [path.name for path in measured.parent.iterdir()] == ["amp.toml"]
    assert measured.read_text() == "# travel = 287.5, measured\n"


def test_rig_refuses_a_current_that_could_hurt_a_pot(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    from hardware.rig.parameters import FILE

    text = FILE.read_text("utf-8").replace("homing_current = 420", "homing_current = 600")
    (tmp_path / "strong.toml").write_text(text, "utf-8")
    assert run(["hardware", "rig", "--knobs", "A:D@0", "--parameters", "strong.toml"]) == 2
    said = capsys.readouterr().err
    assert "more than half of the 19.6 N·cm that its stop bears: at most 432 mA" in said


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
    assert len(written) == 16
    for path in written:
        assert path.read_bytes() == (ROOT / path.relative_to(tmp_path)).read_bytes(), path.name


def loaded_in_c():
    """What a library in C makes of Ctrl-C while it is being loaded."""
    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt as pressed:
        raise ImportError("initialization failed") from pressed


def pressed():
    raise KeyboardInterrupt


@pytest.mark.parametrize("work", [pressed, loaded_in_c])
def test_ctrl_c_says_that_nothing_was_written(work):
    with pytest.raises(KeyboardInterrupt, match="nothing was written"), nothing_written():
        work()


def test_a_library_that_cannot_be_loaded_is_not_taken_for_ctrl_c():
    with pytest.raises(ImportError, match="no such symbol"), nothing_written():
        raise ImportError("no such symbol")


WITHOUT = """
import sys
from ampsweep.app import run
for package in sys.argv[1].split():
    sys.modules[package] = None
    assert run(["hardware", *sys.argv[2:]]) == 2
    del sys.modules[package]
"""


@pytest.mark.parametrize(
    ("packages", "words"),
    [
        ("ezdxf matplotlib", ["draw", "--out", "o"]),
        ("build123d rtree trimesh matplotlib", ["rig", "--knobs", "A:D@0"]),
    ],
)
def test_what_is_missing_is_brought_by_the_extra_that_is_named(tmp_path, packages, words):
    """In a process of its own, as if each were not installed in turn; nothing is written then."""
    command = [sys.executable, "-c", WITHOUT, packages, *words]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == [
        f"`ampsweep hardware` needs {package}, which is not installed: "
        'run pip install "ampsweep[cad]".'
        for package in packages.split()
    ]
    assert list(tmp_path.iterdir()) == []


def test_what_is_bought_needs_no_extra():
    blocked = "import sys\n" + "".join(
        f"sys.modules[{name!r}] = None\n"
        for name in ("matplotlib", "ezdxf", "build123d", "trimesh", "rtree", "torch")
    )
    code = f"{blocked}from ampsweep.app import run\nsys.exit(run(['hardware', 'bom']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
