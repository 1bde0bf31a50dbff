"""Models side by side: the same figures as alone, wins counted, and a page of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from judged_amp import KNOBS, Take, a_model, setting, usual, write
from sound_pages import sound_page

from dataset.store import Dataset
from rigs.errors import UserError
from rigs.knobs import Knob, KnobTable
from training.checkpoint import Model
from training.evaluate import judge, table
from training.evaluate.captures import settings_to_judge, still
from training.evaluate.compare import MOST, Comparison, Contender, compare
from training.evaluate.speed import times_real_time
from training.report import write_comparison

NAMES = ("Gain", "Tone", "Bright")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return write(tmp_path_factory.mktemp("amp"), a_model(), usual())


@pytest.fixture(scope="module")
def found(dataset: Dataset) -> Comparison:
    """The model of which the dataset was captured, and two that it was not."""
    models = [(name, a_model(seed=seed)) for name, seed in (("own", 0), ("<other>", 1), ("c", 2))]
    return compare(models, dataset)


def made(*ratios: list[float]) -> Comparison:
    """A comparison of which only the ESR matters."""
    rows = [
        pd.DataFrame(
            {
                "capture_id": [f"c{n}" for n in range(len(own))],
                **{name: [0.0] * len(own) for name in NAMES},
                "esr": own,
                "mrstft": own,
                "level_error_db": [-0.5] * len(own),
                "wet_dbfs": [-20.0] * len(own),
            }
        )
        for own in ratios
    ]
    contenders = tuple(Contender(f"m{n}", a_model(), own, 20.0) for n, own in enumerate(rows))
    return Comparison("amp", KNOBS, contenders, None, 1)


def test_each_is_judged_as_it_is_alone(found: Comparison, dataset: Dataset) -> None:
    tests = settings_to_judge(dataset)
    for contender in found.contenders:
        alone = table(judge(contender.model, capture) for capture in still(tests))
        pd.testing.assert_frame_equal(contender.rows, alone)
    own = found.contenders[0].summary()
    assert own["esr"]["median"] == pytest.approx(0.04, rel=0.15)
    assert own["macs_per_sample"] == found.contenders[0].model.net.macs_per_sample
    assert own["receptive_field"] == found.contenders[0].model.net.receptive_field
    assert own["times_real_time"] > 0
    assert found.best() == [3, 0, 0]
    assert found.threads == torch.get_num_threads()


def test_wins() -> None:
    result = made([0.1, 0.2, 0.3, np.nan], [0.2, 0.1, 0.3, np.nan], [0.3, 0.3, 0.1, np.nan])
    assert result.wins() == [[0, 1, 2], [1, 0, 2], [1, 1, 0]]
    assert result.best() == [1, 1, 1]


def test_a_tie_counts_for_both() -> None:
    result = made([0.1, 0.2], [0.1, 0.3])
    assert result.best() == [2, 1]
    assert result.wins() == [[0, 1], [0, 0]]


def test_in_plain_numbers(found: Comparison) -> None:
    plain = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert [one["name"] for one in plain["models"]] == ["own", "<other>", "c"]
    assert plain["settings"] == 3
    assert plain["floor"] == pytest.approx(0.0025, rel=0.1)
    assert plain["by_setting"][2]["setting"] == {"Gain": 9.0, "Tone": 3.0, "Bright": 1.0}
    assert plain["by_setting"][0]["esr"] == [one.ratios[0] for one in found.contenders]
    quiet = made([0.1, np.nan], [0.2, np.nan]).to_json()
    assert quiet["by_setting"][1]["esr"] == [None, None]


def test_models_of_others_are_refused(dataset: Dataset) -> None:
    knobs = KnobTable((Knob("Gain", 0, 11), *KNOBS.knobs[1:]))
    for other, words in (
        (a_model(device="another"), "of 'another'"),
        (a_model(knobs), "other knobs or ranges"),
        (replace(a_model(), sample_rate=44100), "44100 Hz"),
    ):
        with pytest.raises(UserError, match=words):
            compare([("a", a_model()), ("b", other)], dataset)


@pytest.mark.parametrize("count", [1, MOST + 1])
def test_too_few_and_too_many(dataset: Dataset, count: int) -> None:
    with pytest.raises(UserError, match=f"{count} models were named"):
        compare([(str(n), a_model()) for n in range(count)], dataset)


def test_only_quiet_captures_are_an_error(tmp_path: Path) -> None:
    quiet = write(tmp_path, a_model(), [Take("test", setting(3), level=1e-5)])
    with pytest.raises(UserError, match="too quiet"):
        compare([("a", a_model()), ("b", a_model(seed=1))], quiet)


def test_the_page(found: Comparison, tmp_path: Path) -> None:
    write_comparison(tmp_path / "c.html", found)
    text, page = sound_page(tmp_path / "c.html")
    assert "&lt;other&gt;" in text
    assert page.words.count("<other>") >= 5
    assert "3 of 3" in page.words
    labels = [str(a.get("aria-label")) for _, a in page.tags]
    assert "ESR of each model at each setting" in labels
    assert "ESR of the others against own" in labels
    assert [tag for tag, _ in page.tags].count("tr") == 4 + 4 + 4 + 4


def test_the_page_of_many_and_of_silence(tmp_path: Path) -> None:
    write_comparison(tmp_path / "c.html", made(*([0.1 * n, np.nan, 0.0] for n in range(MOST))))
    _, page = sound_page(tmp_path / "c.html")
    assert "too quiet" in page.words
    assert "nan" not in page.words


def test_speed_is_of_rendering() -> None:
    class Slow(torch.nn.Module):
        """Counts what it is asked to play."""

        receptive_field = 1

        def __init__(self) -> None:
            super().__init__()
            self.samples = 0
            self.weight = torch.nn.Parameter(torch.zeros(1))

        def silent(self, knobs: torch.Tensor) -> tuple[torch.Tensor, ...]:
            return ()

        def advance(
            self, state: tuple[torch.Tensor, ...], dry: torch.Tensor, knobs: torch.Tensor
        ) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
            self.samples += dry.shape[1]
            return dry, state

    model: Model = replace(a_model(), net=Slow())  # type: ignore[arg-type]
    assert times_real_time(model) > 1
    assert model.net.samples == 48000 // 4 + 3 * 4 * 48000
