"""The drill templates: what fits, what does not, and that paper is to scale."""

import io
import re
import zlib
from xml.etree import ElementTree

import ezdxf
import numpy as np
import pytest

from hardware import draw
from hardware.pedal import drill, panel
from rigs.errors import UserError


@pytest.fixture(scope="module")
def layout():
    return panel.read()


def moved(layout, name, **change):
    parts = dict(layout.parts)
    parts[name] = parts[name].model_copy(update=change)
    return layout.model_copy(update={"parts": parts})


def test_all_of_it_goes_into_a_125b(layout):
    assert panel.faults(layout, "125B") == []


def test_a_1590b_says_that_it_is_too_small_instead(layout):
    wrong = panel.faults(layout, "1590B")
    assert any("wall" in reason for reason in wrong)
    shapes = drill.sheet(layout, "1590B")
    assert not [shape for shape in shapes if isinstance(shape, drill.Round)]
    words = [shape.text for shape in shapes if isinstance(shape, drill.Words)]
    assert "DO NOT DRILL" in words
    assert set(wrong) <= set(words)


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("pot 1", {"at": (-29.0, 42.0)}, "pot 1 is 0.4 mm from the top face's edge"),
        ("pot 1", {"at": (-29.05, 42.0)}, "pot 1 is 3.2 mm into a wall"),
        ("pot 2", {"at": (4.0, 42.0)}, "pot 2 and pot 3 are 0.1 mm apart outside"),
        ("display", {"at": (-9.0, -19.05)}, "footswitch 1 overlap by 1.2 mm inside"),
        ("DC 9 V", {"at": (8.0, 20.0)}, "DC 9 V and Daisy Seed overlap by 7.0 mm inside"),
        ("DC 9 V", {"at": (22.0, 20.0)}, "DC 9 V and screw post 4 overlap"),
        ("output", {"at": (-16.0, 31.0)}, "output is 6.3 mm into a wall"),
        ("input", {"at": (-16.0, 9.0)}, "encoder and input overlap by 9.0 mm inside"),
    ],
)
def test_what_does_not_fit_is_named(layout, name, change, said):
    wrong = panel.faults(moved(layout, name, **change), "125B")
    assert any(said in reason for reason in wrong), wrong


def test_every_hole_is_in_the_dxf_in_millimetres(layout):
    document = ezdxf.read(io.StringIO(drill.to_dxf(drill.sheet(layout, "125B"))))
    assert document.units == ezdxf.units.MM
    circles = [e for e in document.modelspace() if e.dxftype() == "CIRCLE"]
    drilled = [c for c in circles if c.dxf.layer in ("hole", "option")]
    assert len(drilled) == len(layout.parts) - 1  # the display's is no circle
    pots = sorted(tuple(c.dxf.center)[:2] for c in drilled if c.dxf.radius == 3.6)
    across = np.diff(sorted({round(x, 6) for x, y in pots if y > drill.MIDDLE[1] + 10}))
    assert across == pytest.approx([19.05, 19.05])


def test_sides_fold_up_to_where_the_parts_are(layout):
    """The right side's holes lie beside the top face at the y where the part is inside."""
    enclosure = layout.enclosures["125B"]
    centres = {
        shape.at
        for shape in drill.sheet(layout, "125B")
        if isinstance(shape, drill.Round) and shape.diameter == 9.7
    }
    out = enclosure.width / 2 + 20 + enclosure.wall
    x, y = drill.MIDDLE
    assert {(round(a - x, 6), round(b - y, 6)) for a, b in centres} == {(out, -16), (-out, -16)}


def test_paper_is_a4_at_full_scale(layout):
    shapes = drill.sheet(layout, "125B")
    box = re.search(rb"/MediaBox \[\s*0 0 ([\d.]+) ([\d.]+)", drill.to_page(shapes, "pdf"))
    assert [float(n) / 72 * 25.4 for n in box.groups()] == pytest.approx(drill.SHEET, abs=0.01)
    svg = drill.to_page(shapes, "svg").decode()
    size = re.search(r'width="([\d.]+)pt"', svg)
    assert float(size[1]) / 72 * 25.4 == pytest.approx(210, abs=0.01)
    lines = re.findall(r"M ([\d.]+) ([\d.]+) \nL ([\d.]+) ([\d.]+) \n", svg)
    across = [float(b) - float(a) for a, y, b, z in lines if y == z]
    assert any(abs(length - 50 * 72 / 25.4) < 0.01 for length in across)  # the ruler


def boxes(paths):
    """What paths of numbers x, y, x, y, … reach over: left, bottom, width and height, in mm."""
    found = []
    for numbers in paths:
        points = np.array(numbers, float).reshape(-1, 2)
        low, high = points.min(0), points.max(0)
        found.append((*low, *(high - low)))
    return sorted(tuple(round(float(number), 2) + 0.0 for number in box) for box in found)


def drawn_in_svg(data):
    """A circle is drawn by arcs that begin and end where it is farthest out."""
    paths = []
    for path in ElementTree.fromstring(data).iter("{http://www.w3.org/2000/svg}path"):
        if "stroke: #" in path.get("style", ""):
            points = np.array(re.findall(r"-?[\d.]+", path.get("d")), float).reshape(-1, 2)
            paths.append(points / drill.POINTS * [1, -1] + [0, drill.SHEET[1]])
    return boxes(paths)


def drawn_in_pdf(data):
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", data, re.DOTALL)
    page = next(s for s in (_inflated(s) for s in streams) if b"\nS\n" in s).decode("latin-1")
    strokes = re.findall(r"^((?:[-\d. ]+ [mlc]\n)+)(?:h\n)?\s*S$", page, re.MULTILINE)
    return boxes(np.array(re.findall(r"-?[\d.]+", s), float) / drill.POINTS for s in strokes)


def _inflated(stream):
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return b""


def drawn_in_dxf(data):
    document = ezdxf.read(io.StringIO(data.decode()))
    paths = []
    for shape in document.modelspace():
        if shape.dxftype() == "CIRCLE":
            (x, y, _), r = shape.dxf.center, shape.dxf.radius
            paths.append([x - r, y - r, x + r, y + r])
        elif shape.dxftype() == "LWPOLYLINE":
            paths.append([number for point in shape.get_points("xy") for number in point])
    return boxes(paths)


@pytest.mark.parametrize("name", ["125B", "1590B"])
def test_what_is_printed_looked_at_and_milled_is_the_same(name):
    """The three files of the checkout, read back: each line and hole in the same place."""
    stem = draw.ROOT / f"hardware/pedal/terrarium/drill-{name.lower()}"
    svg, pdf, dxf = (
        read(stem.with_suffix(f".{kind}").read_bytes())
        for kind, read in (("svg", drawn_in_svg), ("pdf", drawn_in_pdf), ("dxf", drawn_in_dxf))
    )
    assert np.array(svg) == pytest.approx(np.array(dxf), abs=0.011)
    assert np.array(pdf) == pytest.approx(np.array(dxf), abs=0.011)
    layout = panel.read()
    holes = panel.holes(layout, layout.enclosures[name]) if name == "125B" else []
    assert len(dxf) == 4 + 4 * len(holes) + 3 * bool(holes)  # faces, holes with crosses, ruler
    sizes = {(round(width, 1), round(height, 1)) for _, _, width, height in dxf}
    assert sizes >= {(hole.hole[0], hole.hole[-1]) for hole in holes}


def test_a_hole_that_is_moved_in_one_file_only_is_seen():
    sheet = [drill.Round("hole", (50.0, 60.0), 7.2), drill.Path("centre", ((10, 10), (20, 10)))]
    moved = [drill.Round("hole", (50.1, 60.0), 7.2), sheet[1]]
    dxf = drawn_in_dxf(drill.to_dxf(sheet).encode())
    assert dxf == [(10, 10, 10, 0), (46.4, 56.4, 7.2, 7.2)]
    assert drawn_in_svg(drill.to_page(sheet, "svg")) == dxf
    assert drawn_in_pdf(drill.to_page(sheet, "pdf")) == dxf
    assert drawn_in_svg(drill.to_page(moved, "svg")) != dxf
    assert drawn_in_pdf(drill.to_page(moved, "pdf")) != dxf


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = ", "cannot be read as TOML"),
        ("x = 1", "field required"),
        ("\xff", "cannot be read as TOML"),
    ],
)
def test_a_bad_file_is_refused_in_a_sentence(tmp_path, text, said):
    path = tmp_path / "panel.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match=said):
        panel.read(path)
