"""report.html is one sound file: it asks for nothing, escapes everything, and plays what was."""

from __future__ import annotations

import base64
import io
import math
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import soundfile
import torch

from rigs.errors import UserError
from rigs.knobs import Knob, KnobTable
from training.checkpoint import Model
from training.evaluate import Capture, Result, judge, metrics, table
from training.models import ConditionedWaveNet, WaveNetConfig
from training.report import CoverageItem, write_report
from training.report.sound import gain_for
from training.report.transfer import LEVELS_DBFS, drive_knob, responses

FRAMES = 9600
HOSTILE = '<script>alert("x")</script> $\\frac id="a" & \x07'
VOID = {"meta", "link", "path", "circle", "input", "br", "use"}
FETCHES = ("src", "href", "xlink:href", "action", "data", "poster", "srcset")


@dataclass
class Page(HTMLParser):
    """Every tag of a page, and whether tags close in the order in which they open."""

    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    words: str = ""

    def __post_init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.ids += [value or "" for key, value in attrs if key == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def a_model(*knobs: Knob, **training: Any) -> Model:
    torch.manual_seed(7)
    config = WaveNetConfig(channels=2, kernel_sizes=(3, 3), dilations=(1, 4), hidden=4)
    net = ConditionedWaveNet(config, len(knobs)).eval()
    facts = {"seconds": 90.0, **training}
    return Model("crunch", "A & B <amp>", KnobTable(knobs), 48000, "wavenet", net, facts)


def judged(model: Model, count: int, wet_level: float = 0.3) -> list[Result]:
    rng = np.random.default_rng(3)
    dry = (0.3 * np.sin(np.arange(FRAMES) / 40)).astype(np.float32)
    results = []
    for index in range(count):
        setting = model.knobs.to_setting(
            model.knobs.from_unit(rng.uniform(-1, 1, len(model.knobs)))
        )
        noise = (0.1 * rng.standard_normal(FRAMES)).astype(np.float32)
        wet = (wet_level * (np.tanh(3 * dry) + noise)).astype(np.float32)
        results.append(judge(model, Capture(f"s-{index:06d}", setting, dry, wet)))
    return results


def coverage(model: Model) -> list[CoverageItem]:
    rng = np.random.default_rng(4)
    roles = [("train", 900), ("train", 5), ("train", 1), ("validation", 1), ("test", 1)]
    return [
        CoverageItem(role, model.knobs.from_unit(rng.uniform(-1, 1, (n, len(model.knobs)))), 30)
        for role, n in [*roles, ("sentinel", 1)]
    ]


def written(
    folder: Path,
    model: Model,
    results: list[Result],
    items: list[CoverageItem],
    floor: float | None,
) -> tuple[str, Page]:
    found = metrics(table(results), model, floor)
    return rendered(folder, model, results, items, found, floor)


def rendered(folder: Path, model: Model, results: list[Result], *rest: Any) -> tuple[str, Page]:
    """The page, after every check that holds for any page."""
    path = folder / "report.html"
    write_report(path, model, results, *rest)
    assert [file.name for file in folder.iterdir()] == ["report.html"]
    text = path.read_text("utf-8")
    page = Page()
    page.feed(text)
    page.close()
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    for _, attributes in page.tags:
        for key in FETCHES:
            value = attributes.get(key) or "#"
            assert value.startswith(("#", "data:")), value
    assert not re.search(r"@import|https?:|url\((?!#)", text)
    for svg in re.findall(r"<svg.*?</svg>", text, re.DOTALL):
        root = ElementTree.fromstring(svg)
        assert root.get("aria-label") or root.get("aria-hidden")
        ids = {element.get("id") for element in root.iter()}
        assert set(re.findall(r'(?:url\(|href=")#([^)"]+)', svg)) <= ids
        assert not re.search(r"#0000[01]", svg), "a colour stayed a stand-in"
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    return text, page


def players(page: Page) -> list[tuple[str, np.ndarray]]:
    """Kind and audio of each, in int16 steps."""
    found = []
    for tag, attributes in page.tags:
        if tag == "audio":
            source, kind = attributes["src"], attributes["data-kind"]
            assert source is not None
            assert kind is not None
            data = base64.b64decode(source.removeprefix("data:audio/flac;base64,"), validate=True)
            audio, rate = soundfile.read(io.BytesIO(data), dtype="int16")
            assert rate == 48000
            found.append((kind, audio))
    return found


def three_knobs() -> tuple[Knob, ...]:
    switch = Knob("Bright", 0, 1, 0, detents=("off", "<on>"))
    return Knob("Bass"), Knob(HOSTILE, -1, 1, 0, unit="<b>"), switch


def test_a_whole_report(tmp_path: Path) -> None:
    history = [{"step": n, "seconds": 10.0 * n, "loss": 1 / n, "esr": 0.5 / n} for n in range(1, 5)]
    model = a_model(*three_knobs(), history=[*history, {**history[0], "loss": math.nan}])
    text, page = written(tmp_path, model, judged(model, 9), coverage(model), 0.001)
    assert "A & B <amp>" in page.words
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert [tag for tag, _ in page.tags].count("b") == 3 * 5, "a knob's name or unit became a tag"
    assert "&lt;script&gt;" in text
    assert "validation ESR" in page.words
    assert "1.5\xa0min" in page.words
    assert text.count("<tr>") == 1 + 3 + 1 + 9


def test_players_hold_what_was_played(tmp_path: Path) -> None:
    model = a_model(Knob("Gain"), Knob("Tone"))
    results = judged(model, 5)
    _, page = written(tmp_path, model, results, [], None)
    heard = players(page)
    assert [kind for kind, _ in heard] == ["dry", "amp", "model"] * 3
    ordered = sorted(results, key=lambda result: result.esr)
    for place, index in enumerate((1, 2, 4)):
        result = ordered[index]
        # One gain for both, which the page states to a tenth of a decibel.
        dry, amp, output = (audio / 32768 for _, audio in heard[3 * place : 3 * place + 3])
        np.testing.assert_allclose(dry, result.capture.dry, rtol=0, atol=0.6 / 32768)
        peak = max(np.max(np.abs(result.capture.wet)), np.max(np.abs(result.output)))
        gain = 1 / max(1.0, float(peak))
        np.testing.assert_allclose(amp, gain * result.capture.wet, rtol=0, atol=1.1 / 32768)
        np.testing.assert_allclose(output, gain * result.output, rtol=0, atol=1.1 / 32768)


@pytest.mark.parametrize(("level", "words"), [(4.0, "quieter"), (0.01, "louder")])
def test_a_gain_is_said_and_shared(tmp_path: Path, level: float, words: str) -> None:
    model = a_model(Knob("Gain"))
    result = judged(model, 1, level)[0]
    quiet = Result(result.capture, 0.5 * result.capture.wet, 0.25, -6.0)
    text, page = written(tmp_path, model, [quiet], [], None)
    assert words in text
    audio = dict(players(page))
    np.testing.assert_allclose(audio["model"], 0.5 * audio["amp"], rtol=0, atol=1.1)
    assert np.max(np.abs(audio["amp"])) > 16000


def test_gain_for_peaks() -> None:
    assert gain_for(-3.0) == 0
    assert gain_for(6.0) == -6
    assert gain_for(-46.0) == 40
    assert gain_for(-np.inf) == 0


@pytest.mark.parametrize("knobs", [1, 12])
def test_few_knobs_and_many(tmp_path: Path, knobs: int) -> None:
    model = a_model(*(Knob(f"K{n}") for n in range(knobs)))
    _, page = written(tmp_path, model, judged(model, 1), coverage(model), None)
    maps = [i for i, (tag, a) in enumerate(page.tags) if "Captures by" in str(a.get("aria-label"))]
    assert len(maps) == knobs * (knobs - 1) // 2
    assert ("K0 in each capture" in str(page.tags)) == (knobs == 1)


def test_one_result_that_is_quiet(tmp_path: Path) -> None:
    model = a_model(Knob("Gain"), history="lost")
    results = judged(model, 1, 1e-5)
    assert math.isnan(results[0].esr)
    found = {
        "esr": {"median": math.nan, "p90": math.nan, "worst": math.nan, "floor": None},
        "settings": 1,
        "quiet": {"settings": 1, "worst_level_error_db": 12.0},
        "training_seconds": 0.0,
        "parameters": 1234,
        "macs_per_sample": 56,
    }
    _, page = rendered(tmp_path, model, results, [], found, None)
    assert "too quiet" in page.words
    assert "nan" not in page.words
    assert len(players(page)) == 3


def test_silence_and_perfection(tmp_path: Path) -> None:
    model = a_model(Knob("Gain"))
    loud, silent = judged(model, 2)
    perfect = Result(loud.capture, loud.capture.wet, 0.0, 0.0)
    wet = np.zeros(FRAMES, np.float32)
    capture = Capture("s-9", silent.capture.setting, silent.capture.dry, wet)
    text, page = written(tmp_path, model, [perfect, Result(capture, wet, math.nan, 0.0)], [], 0.0)
    assert "−∞" in page.words
    assert "too quiet" in text


def test_the_same_report_twice_is_the_same_bytes(tmp_path: Path) -> None:
    model = a_model(Knob("Gain"))
    results = judged(model, 1)
    first, second = (
        written(folder, model, results, coverage(model), 0.01)[0]
        for folder in (tmp_path / "a", tmp_path / "b")
        if not folder.mkdir()
    )
    assert first == second


def test_nothing_to_report(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no test capture"):
        write_report(tmp_path / "report.html", a_model(Knob("Gain")), [], [], {}, None)
    assert list(tmp_path.iterdir()) == []


def test_the_drive_knob() -> None:
    assert drive_knob(a_model(Knob("Bass"), Knob("Pre-Gain"))).name == "Pre-Gain"
    assert drive_knob(a_model(Knob("Bass"), Knob("Middle"))).name == "Bass"


def test_responses_of_a_known_net() -> None:
    """A net of one tap at a gain and a delay: straight lines, at that gain, without the delay."""
    model = a_model(Knob("Gain"))
    with torch.no_grad():
        for parameter in model.net.parameters():
            parameter.zero_()
        layer = model.net.layers[0]
        layer.conv.weight[0, 0, 0] = 1.0  # two samples late
        layer.conv.weight[1, 0, 0] = -1.0
        model.net.rechannel.weight[0] = 0.5
        model.net.head.weight[0, 0] = 1.0
        model.net.head.weight[0, 1] = -1.0
    slope = 0.5 * (1 + model.net.config.negative_slope)
    for response in responses(model):
        expected = LEVELS_DBFS + 20 * np.log10(slope)
        np.testing.assert_allclose(response.levels, expected, atol=0.01)
        np.testing.assert_allclose(response.cycle[:, 1], slope * response.cycle[:, 0], atol=1e-4)
