"""report.html is one sound file: it asks for nothing, escapes everything, and plays what was."""

from __future__ import annotations

import base64
import io
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from sound_pages import Page, sound_page

from rigs.errors import UserError
from rigs.knobs import Knob, KnobTable
from training.checkpoint import Model
from training.evaluate import Capture, Measured, Result, judge
from training.evaluate.aliasing import Aliasing
from training.evaluate.captures import Floor, Unseen
from training.evaluate.drive import drive_knob
from training.evaluate.metrics import metrics
from training.evaluate.motion import Followed, MotionResult
from training.evaluate.whole import Evaluation
from training.evaluate.zipper import Zipper
from training.models import ConditionedWaveNet, WaveNetConfig
from training.report import CoverageItem, write_report
from training.report.page import met
from training.report.pairs import class_bounds, class_words
from training.report.sound import gain_for
from training.report.transfer import LEVELS_DBFS, responses

FRAMES = 9600
HOSTILE = '<script>alert("x")</script> $\\frac id="a" & \x07'


def a_model(*knobs: Knob, **training: Any) -> Model:
    torch.manual_seed(7)
    config = WaveNetConfig(channels=2, kernel_sizes=(3, 3), dilations=(1, 4), hidden=4)
    net = ConditionedWaveNet(config, KnobTable(knobs).inputs).eval()
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


def evaluated(model: Model, results: list[Result], floor: float | None) -> Evaluation:
    lowest = None if floor is None else Floor(floor, 0.1, 0.2, 3)
    count = len(results)
    return Evaluation(model, tuple(results), lowest, Unseen(count, count, count))


def written(
    folder: Path,
    model: Model,
    results: list[Result],
    items: list[CoverageItem],
    floor: float | None,
) -> tuple[str, Page]:
    found = evaluated(model, results, floor)
    return rendered(folder, found, metrics(found), items)


def rendered(
    folder: Path, found: Evaluation, numbers: dict[str, Any], items: list[CoverageItem]
) -> tuple[str, Page]:
    """The page, after every check that holds for any page."""
    path = folder / "report.html"
    write_report(path, found, numbers, items)
    assert [file.name for file in folder.iterdir()] == ["report.html"]
    return sound_page(path)


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
    assert [tag for tag, _ in page.tags].count("b") == 3 * (5 + 3), (
        "a knob's name or unit became a tag"
    )
    assert "&lt;script&gt;" in text
    assert "validation ESR" in page.words
    assert "1.5\xa0min" in page.words
    assert text.count("<tr>") == (1 + 2) + (1 + 3) + (1 + 9)


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


@pytest.mark.parametrize("knobs", [1, 7])
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
        "mrstft": {"floor": None},
        "level_error_db": {"floor": None},
        "settings": 1,
        "quiet": {"settings": 1, "worst_level_error_db": 12.0},
        "training_seconds": 0.0,
        "parameters": 1234,
        "macs_per_sample": 56,
        "receptive_field": 9,
    }
    _, page = rendered(tmp_path, evaluated(model, results, None), found, [])
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
        write_report(tmp_path / "report.html", evaluated(a_model(Knob("Gain")), [], None), {}, [])
    assert list(tmp_path.iterdir()) == []


def test_what_is_worst_is_listed_with_players(tmp_path: Path) -> None:
    model = a_model(Knob("Gain"))
    results = judged(model, 6)
    results = [
        replace(r, esr=e) for r, e in zip(results, [0.1, 0.9, 0.2, 0.3, 0.8, math.nan], strict=True)
    ]
    text, page = written(tmp_path, model, results, [], None)
    section = text[text.index('id="worst"') : text.index('id="drive"')]
    assert re.findall(r"s-\d{6}", section) == ["s-000001", "s-000004"]
    heard = [label for _, a in page.tags if (label := a.get("aria-label") or "").endswith("Model")]
    assert heard[-1] == "Setting 2 of the worst: Model"
    assert len(heard) == 3 + 1, "the very worst is heard once"
    assert "to hear <a" in section


def test_error_over_pairs_of_knobs(tmp_path: Path) -> None:
    model = a_model(Knob("Gain"), Knob("Tone"), Knob("Bright", 0, 1, 0, detents=("off", "on")))
    text, page = written(tmp_path, model, judged(model, 12), [], None)
    labels = [str(a.get("aria-label")) for _, a in page.tags]
    names = ["Gain and Tone", "Gain and Bright", "Tone and Bright"]
    assert [f"ESR over {name}" for name in names] == [x for x in labels if "ESR over" in x]
    assert "ESR under" in page.words
    # The numbers in the cells of a panel are of all settings.
    for panel in re.findall(r'<svg[^>]*aria-label="ESR over.*?</svg>', text, re.DOTALL):
        counts = re.findall(r"font-size: 6.5px[^>]*>(\d+)<", panel)
        assert sum(map(int, counts)) == 12


def test_the_classes_of_colours() -> None:
    ratios = np.linspace(0.01, 0.5, 50)
    bounds = class_bounds(ratios)
    assert len(bounds) == 4
    counts = np.bincount(np.searchsorted(bounds, ratios, side="right"))
    assert counts.min() >= 9
    assert class_words(bounds) == [
        "ESR under 0.11",
        "0.11 to 0.21",
        "0.21 to 0.31",
        "0.31 to 0.41",
        "0.41 or more",
    ]
    assert class_words(class_bounds(np.full(7, 0.2))) == ["ESR of all settings"]
    assert class_words(class_bounds(np.array([0.1, 0.1, 0.5]))) == ["ESR under 0.5", "0.5 or more"]


@pytest.mark.parametrize("seen", [True, False])
def test_motion_zipper_and_aliasing(tmp_path: Path, seen: bool) -> None:
    model = a_model(Knob("Gain"), Knob("Tone"))
    moving = tuple(
        MotionResult(f"w-{n}", "train", seen, 20.0, ("Gain",), 0.5, Measured(esr, 1.5, -0.5))
        for n, esr in enumerate([0.3, 0.02, math.nan])
    )
    times = np.linspace(0, 2.5, 50)
    drawn = Followed(
        "w-0",
        2.5,
        ("Gain",),
        times,
        np.full((50, 2), 0.5),
        np.arange(3),
        np.array([1, math.nan, 2]),
    )
    sines = tuple(
        Aliasing(f"setting {HOSTILE}", f, level, -10.0, ratio)
        for f, level, ratio in ((500, -12, -60), (500, 0, math.nan), (999, 0, -200))
    )
    found = replace(
        evaluated(model, judged(model, 3), 0.001),
        motion=moving,
        worst_sweep=drawn,
        zipper=(Zipper("Gain", -91.23, -10.0), Zipper("Tone", -math.inf, -10.0)),
        aliasing=sines,
    )
    text, page = rendered(tmp_path, found, metrics(found), [])
    assert ("Seen playing" in page.words) == seen
    section = text[text.index('id="motion"') : text.index('id="drive"')]
    assert re.findall(r"<td>(w-\d)</td>", section) == ["w-1", "w-0", "w-2"]
    assert ("unseen playing" in section) != seen
    assert "−91.2" in section
    assert "too quiet" in section
    assert "500 Hz" in page.words
    assert "−∞" in section
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert "ESR during w-0" in text


def test_a_dataset_without_sweeps_says_so(tmp_path: Path) -> None:
    model = a_model(Knob("Gain"))
    found = replace(evaluated(model, judged(model, 1), None), zipper=(Zipper("Gain", -90.0, -1.0),))
    _, page = rendered(tmp_path, found, metrics(found), [])
    assert "no captures during which a knob moved" in page.words


def test_what_training_has_met_is_said(tmp_path: Path) -> None:
    model = a_model(Knob("Gain"))
    found = evaluated(model, judged(model, 4), None)
    assert met(found) == ""
    some = replace(found, unseen=Unseen(settings=1, playing=4, of=4))
    assert met(some) == "Training has met the setting of 3, so these figures flatter the model."
    every = replace(found, unseen=Unseen(settings=0, playing=2, of=4))
    _, page = rendered(tmp_path, every, metrics(every), [])
    assert "Training has met the setting and the playing of 2" in " ".join(page.words.split())
    assert "never met" not in page.words


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
    slope = 0.5 * (1 + model.net.config.arrays[0].negative_slope)
    for response in responses(model):
        expected = LEVELS_DBFS + 20 * np.log10(slope)
        np.testing.assert_allclose(response.levels, expected, atol=0.01)
        np.testing.assert_allclose(response.cycle[:, 1], slope * response.cycle[:, 0], atol=1e-4)
