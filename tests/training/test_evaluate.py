"""Judgement: the figures mean what they say."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import auraloss
import numpy as np
import pandas as pd
import pytest
import torch
from judged_amp import KNOBS, Take, a_model, noisy, setting, sweep, usual, write

from rigs.errors import UserError
from rigs.knobs import Knob, KnobTable
from training.checkpoint import Model
from training.evaluate import Capture, by_knob, by_pair, judge, measure, table
from training.evaluate.captures import Unseen, floor, settings_to_judge, unseen
from training.evaluate.metrics import metrics, spread
from training.evaluate.metrics import write as write_all
from training.evaluate.spectral import SHORTEST, mrstft
from training.evaluate.whole import Evaluation, evaluate
from training.play import play

TWO = KnobTable((Knob("Gain"), Knob("Tone", 0, 4, 2)))


@pytest.fixture
def model() -> Model:
    return a_model()


TOLD: list[tuple[str, float]] = []
"""What the judgement below told on its way."""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    """A whole judgement of the usual dataset."""
    judged = a_model()
    dataset = write(tmp_path_factory.mktemp("amp"), judged, usual())
    return evaluate(judged, dataset, "m", lambda what, share: TOLD.append((what, share)))


def _capture(model: Model, off: float, level: float = 1.0, gain: float = 7.0) -> Capture:
    """What the model itself plays, made wrong by a share ``off`` of its energy."""
    dry = np.random.default_rng(int(gain)).normal(0, 0.3, 4800).astype(np.float32)
    wet = play(model.net, dry, KNOBS.to_inputs(KNOBS.to_array(setting(gain))))
    return Capture(f"c{gain:g}", setting(gain), dry, level * noisy(wet, off, int(gain)))


def _judged(model: Model, *captures: Capture) -> Evaluation:
    results = tuple(judge(model, capture) for capture in captures)
    return Evaluation(model, results, None, Unseen(len(results), len(results), len(results)))


def test_a_capture_of_the_model_itself_is_perfect(model: Model) -> None:
    result = judge(model, _capture(model, 0.0))
    assert result.esr < 1e-12
    assert result.level_error_db == pytest.approx(0, abs=1e-6)
    assert result.mrstft == pytest.approx(0, abs=1e-4)


def test_esr_is_the_share_of_energy_that_is_wrong(model: Model) -> None:
    assert judge(model, _capture(model, 0.04)).esr == pytest.approx(0.04, rel=0.1)


def test_the_spectral_distance_is_aurals() -> None:
    rng = np.random.default_rng(0)
    wet = rng.normal(0, 0.1, 9000).astype(np.float32)
    output = (wet + rng.normal(0, 0.01, 9000)).astype(np.float32)
    theirs = auraloss.freq.MultiResolutionSTFTLoss()(
        torch.from_numpy(output)[None, None], torch.from_numpy(wet)[None, None]
    )
    assert mrstft(wet, output) == float(theirs)
    assert mrstft(wet, output) != mrstft(output, wet)
    assert np.isnan(mrstft(wet[: SHORTEST - 1], output[: SHORTEST - 1]))
    assert mrstft(wet[:SHORTEST], output[:SHORTEST]) > 0


def test_a_quiet_capture_has_no_esr_but_a_level_error(model: Model) -> None:
    quiet = _capture(model, 0.0, level=1e-5)
    loud = [_capture(model, off, gain=g) for off, g in ((0.01, 2), (0.09, 8))]
    judged = _judged(model, quiet, *loud)
    result = judged.results[0]
    assert np.isnan(result.esr)
    assert np.isnan(result.mrstft)
    assert result.level_error_db > 20
    numbers = metrics(judged)
    assert numbers["settings"] == 3
    assert numbers["quiet"]["settings"] == 1
    assert numbers["quiet"]["worst_level_error_db"] == pytest.approx(result.level_error_db)
    assert numbers["esr"]["median"] == pytest.approx(0.05, rel=0.15)
    assert numbers["esr"]["worst"] == pytest.approx(0.09, rel=0.15)
    assert numbers["level_error_db"]["worst"] < 1
    assert numbers["motion"]["captures"] == 0
    assert numbers["aliasing_db"] == {"worst": None}


def test_only_quiet_captures_are_an_error(model: Model) -> None:
    with pytest.raises(UserError, match="raise the level of the rig"):
        metrics(_judged(model, _capture(model, 0.0, level=1e-5)))


def test_an_output_that_is_no_number_is_an_error() -> None:
    wet = np.ones(2000, np.float32)
    with pytest.raises(UserError, match="not numbers"):
        measure(wet, np.full(2000, np.inf, np.float32))


def test_spread_leaves_out_what_is_nan() -> None:
    assert spread([]) == {} == spread([np.nan])
    expected = {"median": 2.0, "p90": pytest.approx(2.8), "worst": 3.0}
    assert spread([3.0, np.nan, 1.0, 2.0]) == expected


def test_esr_against_each_knob() -> None:
    rows = pd.DataFrame(
        {"Gain": [0.0, 1.9, 2.0, 10.0], "Tone": [4.0] * 4, "esr": [0.1, 0.3, 0.5, np.nan]}
    )
    assert by_knob(rows, TWO).values.tolist() == [
        ["Gain", 1.0, 0.2, 2],
        ["Gain", 3.0, 0.5, 1],
        ["Tone", 3.6, 0.3, 3],
    ]


def test_esr_against_a_switch_is_by_detent() -> None:
    knobs = KnobTable((Knob("Voice", 0, 6, 0, detents=tuple("abcdefg")),))
    rows = pd.DataFrame({"Voice": [0.0, 1.0, 1.0, 6.0], "esr": [0.1, 0.2, 0.4, 0.5]})
    assert by_knob(rows, knobs).values.tolist() == [
        ["Voice", 0.0, 0.1, 1],
        ["Voice", 1.0, pytest.approx(0.3), 2],
        ["Voice", 6.0, 0.5, 1],
    ]


def test_esr_over_each_pair_of_knobs() -> None:
    rows = pd.DataFrame(
        {
            "Gain": [0.0, 2.4, 2.5, 10.0, 10.0],
            "Tone": [0.0, 0.9, 0.0, 4.0, 0.0],
            "Bright": [0.0, 0.0, 0.0, 1.0, 1.0],
            "esr": [0.1, 0.3, 0.5, 0.7, np.nan],
        }
    )
    cells = by_pair(rows, KNOBS)
    pairs = cells[(cells["x"] == "Gain") & (cells["y"] == "Tone")]
    assert pairs[["x_bin", "y_bin", "esr", "settings"]].values.tolist() == [
        [0, 0, pytest.approx(0.2), 2],
        [1, 0, 0.5, 1],
        [3, 3, 0.7, 1],
    ]
    switch = cells[(cells["x"] == "Tone") & (cells["y"] == "Bright")]
    assert switch[["x_bin", "y_bin", "settings"]].values.tolist() == [[0, 0, 3], [3, 1, 1]]


def test_a_knob_may_be_named_as_a_column_is(model: Model) -> None:
    knobs = KnobTable((Knob("esr"), Knob("Tone", 0, 4, 2), KNOBS.knobs[2]))
    odd = replace(model, knobs=knobs)
    capture = replace(_capture(model, 0.04), setting={"esr": 7.0, "Tone": 1.0, "Bright": 0.0})
    rows = table([judge(odd, capture)])
    assert rows["esr"][0] == pytest.approx(0.04, rel=0.1)
    assert rows["esr (knob)"][0] == 7.0
    judged = by_knob(rows, knobs)
    assert judged["knob"].tolist() == ["esr", "Tone", "Bright"]
    assert judged["position"].tolist() == [7.0, pytest.approx(1.2), 0.0]


def test_a_whole_judgement(found: Evaluation) -> None:
    assert [r.esr for r in found.results] == pytest.approx([0.01, 0.04, 0.09], rel=0.15)
    assert found.unseen == Unseen(3, 3, 3)
    assert found.floor is not None
    assert found.floor.esr == pytest.approx(0.0025, rel=0.1)
    assert found.floor.repeats == 2
    assert found.floor.mrstft > 0
    assert 0 < found.floor.level_error_db < 0.1
    numbers = metrics(found)
    assert numbers["esr"]["floor"] == found.floor.esr
    assert numbers["mrstft"]["floor"] == found.floor.mrstft
    assert numbers["motion"]["captures"] == 2
    assert numbers["motion"]["unseen"] == 0
    assert numbers["motion"]["esr"]["worst"] == pytest.approx(0.06, rel=0.15)
    assert numbers["macs_per_sample"] == found.model.net.macs_per_sample
    assert -200 < numbers["zipper_dbfs"]["worst"] < -40
    assert -200 < numbers["aliasing_db"]["worst"] < 0


def test_progress_reaches_the_end(found: Evaluation) -> None:
    shares = [share for _, share in TOLD]
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert shares[-1] == pytest.approx(1)
    stages = ["settings", "sweeps", "turning knobs", "sines"]
    assert list(dict.fromkeys(what for what, _ in TOLD)) == stages


def test_what_is_written(found: Evaluation, tmp_path: Path) -> None:
    write_all(tmp_path, found)
    numbers = json.loads((tmp_path / "metrics/evaluation.json").read_text())
    assert numbers == json.loads(json.dumps(metrics(found)))
    assert numbers["parameters"] == sum(p.numel() for p in found.model.net.parameters())
    settings = pd.read_csv(tmp_path / "plots/esr_by_setting.csv")
    assert settings["Gain"].tolist() == [1, 5, 9]
    assert {"knob", "position", "esr", "settings"} == set(
        pd.read_csv(tmp_path / "plots/esr_by_knob.csv").columns
    )
    lengths = {path.stem: len(pd.read_csv(path)) for path in (tmp_path / "report").iterdir()}
    pairs = 3 + 3 + 2  # Gain and Tone, Gain and Bright, Tone and Bright
    assert lengths == {"esr_by_pair": pairs, "motion": 2, "zipper": 3, "aliasing": 32}


def test_a_model_too_quiet_to_judge_leaves_nothing(model: Model, tmp_path: Path) -> None:
    with pytest.raises(UserError):
        write_all(tmp_path, _judged(model, _capture(model, 0.0, level=1e-5)))
    assert list(tmp_path.iterdir()) == []


def test_what_training_has_met_is_counted(model: Model, tmp_path: Path) -> None:
    takes = [
        Take("train", setting(3), 0),
        Take("validation", setting(6), 1),
        Take("train", sweep(), 2),
        Take("test", setting(3), 8),  # its setting
        Take("test", setting(6), 9),  # its setting, in validation
        Take("test", setting(7), 0.5),  # half of its playing
        Take("test", setting(8), 1.99),  # the end of validation's playing
        Take("test", setting(9), 3),  # right after the sweep's
        Take("test", sweep(seed=9), 10),  # not a setting
    ]
    dataset = write(tmp_path, model, takes)
    tests = settings_to_judge(dataset)
    assert len(tests) == 5
    assert unseen(dataset, tests) == Unseen(settings=3, playing=3, of=5)


def test_without_repeated_sentinels_there_is_no_floor(model: Model, tmp_path: Path) -> None:
    takes = [Take("test", setting(3)), Take("sentinel", setting(5))]
    dataset = write(tmp_path, model, takes)
    assert floor(dataset) is None
    assert unseen(dataset, settings_to_judge(dataset)) == Unseen(1, 1, 1)


def test_no_test_captures_is_an_error(model: Model, tmp_path: Path) -> None:
    dataset = write(tmp_path, model, [Take("train", setting(3)), Take("test", sweep())])
    with pytest.raises(UserError, match="no test captures"):
        settings_to_judge(dataset)
