import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest
import shelf
from shelf import FRAMES, TEST, TRAIN, capture
from tanh_rig import KNOBS

from dataset.coverage import cover, draw, neighbours
from dataset.plans.base import sobol
from dataset.store import Dataset
from rigs.errors import UserError


@pytest.fixture
def data(tmp_path):
    return Dataset.open(shelf.write(tmp_path / "tanh-amp"))


def at(places, frames=64):
    """Captures at settings, shape (captures, knobs)."""
    made = capture(0, frames=frames)
    return [
        replace(
            made,
            capture_id=f"{shelf.SESSION}-{i:06d}",
            plan_index=i,
            setting=dict(zip(KNOBS.names, map(float, place), strict=True)),
        )
        for i, place in enumerate(places)
    ]


def test_the_largest_empty_ball_is_where_nothing_is(tmp_path):
    gains = [0, 1, 2, 3, 9, 10]
    made = at([(g, t, b) for g in gains for t in range(11) for b in (0, 1)])
    found = cover(Dataset.open(shelf.write_together(tmp_path / "tanh-amp", made)))
    gap = found.gaps[0]
    assert gap.setting["Gain"] == pytest.approx(6, abs=0.15)
    assert gap.radius == pytest.approx(np.hypot(0.3, 0.05), abs=5e-4)
    assert gap.setting["Bright"] in (0.0, 1.0)
    radii = [g.radius for g in found.gaps]
    assert radii == sorted(radii, reverse=True)
    assert len(radii) == 5
    places = [KNOBS.to_array(g.setting) / [10, 10, 1] for g in found.gaps]
    for i, place in enumerate(places):  # none has its middle in a larger one
        assert all(np.linalg.norm(place - other) > radii[i] for other in places[:i])


def test_an_even_grid_is_more_even_than_chance_and_a_heap_is_not(tmp_path):
    points = sobol(3, 128, [1]) * [10, 10, 1.999] // [0.001, 0.001, 1] * [0.001, 0.001, 1]
    even = cover(Dataset.open(shelf.write_together(tmp_path / "even", at(points))))
    heaped = at(points * [0.3, 0.3, 1])
    heap = cover(Dataset.open(shelf.write_together(tmp_path / "heap", heaped)))
    assert even.evenness < 0.3
    assert heap.evenness > 3
    assert even.by_chance == heap.by_chance
    assert even.gaps[0].radius < 0.3 < 0.8 < heap.gaps[0].radius


def test_chance_is_what_random_settings_have(tmp_path):
    from dataset.coverage.measure import _discrepancy

    rng = np.random.default_rng(0)
    found = [_discrepancy(rng.random((200, 3)), 200) for _ in range(30)]
    squares = np.mean([squared**2 for squared, _ in found])
    assert squares == pytest.approx(found[0][1] ** 2, rel=0.1)


def test_time_is_counted_along_each_knob_and_by_role(data):
    found = cover(data)
    edges, seconds = found.histograms["Gain"]
    assert list(edges) == pytest.approx(np.linspace(0, 10, 11))
    assert sum(seconds["train"]) == pytest.approx(5 * FRAMES / 48_000)
    assert list(seconds["sentinel"]) == [0] * 5 + [2 * FRAMES / 48_000] + [0] * 4
    # The sweep goes from Gain 2 to 8 within its half second, and nowhere else.
    assert all(seconds["train"][[4, 5]] > 0)
    edges, seconds = found.histograms["Bright"]
    assert list(edges) == [-0.5, 0.5, 1.5]
    assert list(seconds["test"]) == [FRAMES / 48_000] * 2
    assert found.captures == {"train": 5, "validation": 1, "test": 2, "sentinel": 2}


def test_distances_are_from_the_nearest_train_setting(data):
    away = cover(data).distances
    assert away["validation"] == pytest.approx([np.hypot(1, np.hypot(0.08, 0.16))], abs=0.02)
    assert sorted(away["test"])[0] == pytest.approx(np.hypot(0.05, 0.1), abs=1e-6)


def test_neighbours_sound_as_different_as_they_are(data):
    seen = []
    pairs = neighbours(data, lambda done, total: seen.append((done, total)))
    by_name = {pair.capture_id[-1]: pair for pair in pairs}
    # Captures 7 and 8 share their slice; 0 and 9 are one setting, which is no neighbour.
    assert set(by_name) == {"7", "8"}
    assert by_name["7"].nearest[-1] == "8"
    assert by_name["7"].distance == pytest.approx(np.hypot(1, 0.05))
    wets = [data.audio(row).astype(np.float64) for row in (7, 8)]
    esr = np.sum((wets[0] - wets[1]) ** 2) / np.sum(wets[0] ** 2)
    assert by_name["7"].esr == pytest.approx(esr)
    assert seen == [(1, 2), (2, 2)]


def test_neighbours_are_compared_where_they_played_the_same(tmp_path):
    made = [
        capture(0, {"Gain": 2}, offset=FRAMES),
        capture(1, {"Gain": 3}, offset=FRAMES + FRAMES // 2),
        capture(2, {"Gain": 2.5}, offset=2 * FRAMES - 100),
        capture(3, {"Gain": 2.1}, source=TEST),
        capture(4, {"Gain": 3}, offset=FRAMES + FRAMES // 2),
    ]
    data = Dataset.open(shelf.write(tmp_path / "tanh-amp", made))
    near, far = data.audio(0)[FRAMES // 2 :], data.audio(1)[: FRAMES // 2]
    found = {p.capture_id[-1]: p for p in neighbours(data)}
    assert found["0"].nearest[-1] == "1"
    assert found["0"].esr == pytest.approx(np.sum((near - far) ** 2) / np.sum(near**2), rel=1e-3)
    assert found["2"].nearest[-1] == "1"  # with 0 it shares too little
    assert set(found) == {"0", "1", "2"}  # 3 shares nothing


def test_nothing_to_cover(tmp_path):
    made = [replace(shelf.captures()[1], flags=("clipped",))]
    with pytest.raises(UserError, match="faults or is excluded"):
        cover(Dataset.open(shelf.write(tmp_path / "tanh-amp", made)))


def test_the_picture(data):
    found = cover(data)
    drawn = draw(found, neighbours(data), "an <amp>")
    root = ET.fromstring(drawn)
    words = [e.text for e in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "an <amp>" in words
    assert {"Gain", "Tone", "Bright", "5 train", "off", "on"} <= set(words)
    assert any(w and w.startswith("ESR of the nearest") for w in words)
    # Three histograms on the diagonal, three maps below it, one of the neighbours.
    frames = [e for e in root.iter() if e.get("fill") == "none" and e.get("stroke") == "#333"]
    assert len(frames) == 7
    assert "nan" not in drawn
    assert draw(found, [], "x").count("ESR of the nearest") == 0


def test_many_knobs_and_no_train(tmp_path):
    from dataset.parts import write_dry, write_part
    from rigs.knobs import Knob, KnobTable

    many = KnobTable(tuple(Knob(f"K{i}") for i in range(14)))
    folder = tmp_path / "many"
    (folder / "captures").mkdir(parents=True)
    write_dry(folder, TRAIN)
    rng = np.random.default_rng(0)
    for i in range(4):
        at = many.to_setting(rng.uniform(0, 10, 14).astype(np.float32))
        one = replace(capture(i, role="test"), setting=at, reached=at)
        write_part(folder, one, many)
    found = cover(Dataset.open(folder))
    assert found.distances == {}
    ET.fromstring(draw(found, [], "many"))
