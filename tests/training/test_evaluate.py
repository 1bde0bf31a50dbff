"""Judgement: the figures mean what they say."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from rigs.errors import UserError
from rigs.knobs import Knob, KnobTable
from training.checkpoint import Model, build_net
from training.evaluate import Capture, by_knob, judge, metrics, table, write
from training.play import play

KNOBS = KnobTable((Knob("Gain"), Knob("Tone", 0, 4, 2)))


@pytest.fixture
def model() -> Model:
    torch.manual_seed(0)
    config = {"channels": 4, "kernel_sizes": [3, 2], "dilations": [2, 9]}
    net = build_net("wavenet", config, 2, "here").eval()
    for parameter in net.control.layers[-1].parameters():
        parameter.data *= 10
    return Model("m", "amp", KNOBS, 48000, "wavenet", net, {"seconds": 3.0})


def _capture(model: Model, off: float, level: float = 1.0, gain: float = 7.0) -> Capture:
    """What the model itself plays, made wrong by a share ``off`` of its energy."""
    rng = np.random.default_rng(int(gain))
    dry = rng.normal(0, 0.3, 4800).astype(np.float32)
    setting = {"Gain": gain, "Tone": 1.0}
    wet = play(model.net, dry, KNOBS.to_unit(KNOBS.to_array(setting)))
    noise = rng.normal(size=4800)
    noise *= np.sqrt(off / (1 - off) * (wet**2).sum() / (noise**2).sum())
    return Capture(f"c{gain:g}", setting, dry, ((wet + noise) * level).astype(np.float32))


def test_a_capture_of_the_model_itself_is_perfect(model: Model) -> None:
    result = judge(model, _capture(model, 0.0))
    assert result.esr < 1e-12
    assert result.level_error_db == pytest.approx(0, abs=1e-6)


def test_esr_is_the_share_of_energy_that_is_wrong(model: Model) -> None:
    assert judge(model, _capture(model, 0.04)).esr == pytest.approx(0.04, rel=0.1)


def test_a_quiet_capture_has_no_esr_but_a_level_error(model: Model) -> None:
    result = judge(model, _capture(model, 0.0, level=1e-5))
    assert np.isnan(result.esr)
    assert result.level_error_db > 20
    loud = [judge(model, _capture(model, off, gain=g)) for off, g in ((0.01, 2), (0.09, 8))]
    found = metrics(table([result, *loud]), model, None)
    assert found["settings"] == 3
    assert found["quiet"]["settings"] == 1
    assert found["quiet"]["worst_level_error_db"] == pytest.approx(result.level_error_db)
    assert found["esr"]["median"] == pytest.approx(0.05, rel=0.15)
    assert found["esr"]["worst"] == pytest.approx(0.09, rel=0.15)


def test_only_quiet_captures_are_an_error(model: Model) -> None:
    quiet = judge(model, _capture(model, 0.0, level=1e-5))
    with pytest.raises(UserError, match="raise the level of the rig"):
        metrics(table([quiet]), model, None)


def test_esr_against_each_knob() -> None:
    rows = pd.DataFrame(
        {"Gain": [0.0, 1.9, 2.0, 10.0], "Tone": [4.0] * 4, "esr": [0.1, 0.3, 0.5, np.nan]}
    )
    found = by_knob(rows, KNOBS)
    assert found.values.tolist() == [
        ["Gain", 1.0, 0.2, 2],
        ["Gain", 3.0, 0.5, 1],
        ["Tone", 3.6, 0.3, 3],
    ]


def test_what_is_written(model: Model, tmp_path: Path) -> None:
    rows = table([judge(model, _capture(model, off, gain=g)) for off, g in ((0.01, 2), (0.09, 8))])
    write(tmp_path, rows, model, 0.001)
    found = json.loads((tmp_path / "metrics/evaluation.json").read_text())
    assert found["esr"]["floor"] == 0.001
    assert found["parameters"] == sum(p.numel() for p in model.net.parameters())
    settings = pd.read_csv(tmp_path / "plots/esr_by_setting.csv")
    assert settings["Gain"].tolist() == [2, 8]
    assert {"knob", "position", "esr", "settings"} == set(
        pd.read_csv(tmp_path / "plots/esr_by_knob.csv").columns
    )


def test_a_knob_may_be_named_as_a_column_is(model: Model) -> None:
    knobs = KnobTable((Knob("esr"), Knob("Tone", 0, 4, 2)))
    odd = replace(model, knobs=knobs)
    made = _capture(model, 0.04)
    capture = replace(made, setting={"esr": 7.0, "Tone": 1.0})
    rows = table([judge(odd, capture)])
    assert rows["esr"][0] == pytest.approx(0.04, rel=0.1)
    assert rows["esr (knob)"][0] == 7.0
    found = by_knob(rows, knobs)
    assert found["knob"].tolist() == ["esr", "Tone"]
    assert found["position"].tolist() == [7.0, pytest.approx(1.2)]
