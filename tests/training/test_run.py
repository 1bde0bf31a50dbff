"""A whole training: what it leaves, how it stops and goes on, and on what it refuses to begin."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from amp_on_disk import KNOBS, SMALL, options, settings, write

from dataset.store import Dataset
from rigs.errors import UserError
from rigs.knobs import Knob, KnobTable
from training.checkpoint import load_model
from training.fit import Status
from training.machine import Choice
from training.run import finish, train_model, trained


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return write(tmp_path_factory.mktemp("amp"), settings(8))


def _quiet(status: Status) -> None:
    pass


def _stop_at(step: int) -> tuple[Callable[[Status], None], Callable[[], bool]]:
    """A report and a stop, as Ctrl-C between two steps."""
    at = [0]

    def report(status: Status) -> None:
        at[0] = status.step

    return report, lambda: at[0] >= step - 1


def test_what_a_training_leaves(tmp_path: Path, dataset: Dataset) -> None:
    told: list[Choice] = []
    train_model(tmp_path / "m", dataset, options(), _quiet, began=told.append)
    facts = load_model(tmp_path / "m").training
    assert (facts["steps"], len(facts["history"])) == (12, 3)
    assert facts["machine"] == told[0].as_dict()
    assert facts["machine"]["kernel"] == "native"
    assert facts["options"]["losses"] == {"esr": 1.0, "pre_emphasis": 1.0}
    assert trained(tmp_path / "m", dataset, options())
    assert trained(tmp_path / "m", dataset, options(live=True, machine={}))
    assert not trained(tmp_path / "m", dataset, options(balance=True))
    assert sorted(p.name for p in (tmp_path / "m").iterdir()) == ["model.json", "model.safetensors"]


def test_stopped_at_any_step_it_goes_on_on_the_same_curve(tmp_path: Path, dataset: Dataset) -> None:
    whole = train_model(tmp_path / "whole", dataset, options(), _quiet)
    report, stop = _stop_at(7)
    with pytest.raises(KeyboardInterrupt, match=r"after 7 steps \(58%, best ESR so far \d\.\d+\)"):
        train_model(tmp_path / "m", dataset, options(), report, stop=stop)
    with pytest.raises(UserError, match="not finished"):
        load_model(tmp_path / "m")
    steps: list[int] = []
    again = train_model(tmp_path / "m", dataset, options(), lambda s: steps.append(s.step))
    assert steps == [8, 9, 10, 11, 12]
    for ours, theirs in zip(again.net.parameters(), whole.net.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    curves = [
        [(r["step"], r["loss"], r["esr"]) for r in model.training["history"]]
        for model in (again, whole)
    ]
    assert curves[0] == curves[1]


def test_the_best_of_a_stopped_training_makes_a_model(tmp_path: Path, dataset: Dataset) -> None:
    with pytest.raises(UserError, match="no stopped training of this dataset"):
        finish(tmp_path / "m", dataset, options())
    report, stop = _stop_at(7)
    with pytest.raises(KeyboardInterrupt, match="with --finish it makes a model"):
        train_model(tmp_path / "m", dataset, options(), report, stop=stop)
    best = finish(tmp_path / "m", dataset, options()).training["validation_esr"]
    found = load_model(tmp_path / "m")
    assert (found.training["steps"], found.training["validation_esr"]) == (7, best)
    assert not trained(tmp_path / "m", dataset, options())
    assert train_model(tmp_path / "m", dataset, options(), _quiet).training["steps"] == 12
    assert trained(tmp_path / "m", dataset, options())


def test_it_goes_on_on_the_machine_on_which_it_began(tmp_path: Path, dataset: Dataset) -> None:
    machine = {"kernel": "torch", "threads": 1, "device": "cpu"}
    report, stop = _stop_at(5)
    with pytest.raises(KeyboardInterrupt):
        train_model(tmp_path / "m", dataset, options(machine=machine), report, stop=stop)
    model = train_model(tmp_path / "m", dataset, options(machine={}), _quiet)
    assert model.training["machine"]["kernel"] == "torch"
    report, stop = _stop_at(5)
    with pytest.raises(KeyboardInterrupt):
        train_model(tmp_path / "n", dataset, options(machine=machine), report, stop=stop)
    other = {"kernel": "native", "threads": 1}
    model = train_model(tmp_path / "n", dataset, options(machine=other), _quiet)
    assert (model.training["machine"]["kernel"], model.training["steps"]) == ("native", 12)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def _hostile(path: Path) -> None:
    path.write_bytes((1 << 62).to_bytes(8, "little") + path.read_bytes()[8:])


def _told(**changes: Any) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        tensors = safetensors.torch.load(path.read_bytes())
        described = {**json.loads(bytes(tensors["state"].tolist())), **changes}
        tensors["state"] = torch.tensor(list(json.dumps(described).encode()), dtype=torch.uint8)
        path.write_bytes(safetensors.torch.save(tensors))

    return spoil


def _not_a_number(path: Path) -> None:
    tensors = safetensors.torch.load(path.read_bytes())
    tensors["net.rechannel.weight"].fill_(float("nan"))
    path.write_bytes(safetensors.torch.save(tensors))


@pytest.mark.parametrize(
    "spoil",
    [
        _cut,
        _hostile,
        _not_a_number,
        _told(history=[3]),
        _told(history=None),
        _told(machine={"kernel": "magic"}),
        _told(machine={"colour": "red"}),
        _told(optimizer={"tensor": "nowhere"}),
        _told(optimizer={"pairs": 4}),
        _told(step="many"),
    ],
)
def test_a_spoilt_state_is_said_to_be(
    tmp_path: Path, dataset: Dataset, spoil: Callable[[Path], None]
) -> None:
    report, stop = _stop_at(5)
    with pytest.raises(KeyboardInterrupt):
        train_model(tmp_path / "m", dataset, options(), report, stop=stop)
    spoil(tmp_path / "m/resume/state.safetensors")
    with pytest.raises(UserError, match=r"state\.safetensors is damaged .* remove .*m/resume to"):
        train_model(tmp_path / "m", dataset, options(), _quiet)


def test_a_log_lies_in_the_models_folder(
    tmp_path: Path, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # neither git nor DVC there
    report, stop = _stop_at(7)
    with pytest.raises(KeyboardInterrupt):
        train_model(Path("m"), dataset, options(live=True), report, stop=stop)
    model = train_model(Path("m"), dataset, options(live=True), _quiet)
    assert [p.name for p in tmp_path.iterdir()] == ["m"]
    last = model.training["history"][-1]
    found = json.loads(Path("m/live/metrics.json").read_text())
    assert (found["step"], found["validation_esr"]) == (12, last["esr"])
    rows = Path("m/live/plots/metrics/validation_esr.tsv").read_text().splitlines()
    assert [row.split("\t")[0] for row in rows] == ["step", "4", "8", "12"]


def test_a_preset_and_what_changes_it(tmp_path: Path, dataset: Dataset) -> None:
    small = {**SMALL, "steps": 1, "validations": 1, "network": {"hidden": 8}}
    model = train_model(tmp_path / "m", dataset, options(**small, preset="pedal-small"), _quiet)
    sizes = model.net.config
    assert (sizes.arrays[0].channels, sizes.hidden) == (4, 8)
    with pytest.raises(UserError, match="no preset 'pedals'; there are pedal-small, pedal,"):
        train_model(tmp_path / "m", dataset, options(preset="pedals"), _quiet)
    with pytest.raises(UserError, match="the preset pedal is a wavenet, not a linear"):
        train_model(tmp_path / "m", dataset, options(preset="pedal", kind="linear"), _quiet)


LAMPS = KnobTable((Knob("Gain"), Knob("Tone"), Knob("Depth")))


@pytest.mark.parametrize(
    ("train", "changes", "sentence"),
    [
        (settings(5), {"flags": ("clipped",)}, "holds no train captures without flags"),
        ([{**s, "Tone": 4.0} for s in settings(5)], {}, "Tone stands at 4 in every train capture"),
        (settings(3), {}, "hold 3 settings, too few to tell 3 knobs apart: that takes 4"),
        (
            [{**s, "Tone": 10 - s["Gain"]} for s in settings(9)],
            {},
            "In all 9 settings of the train captures, Gain and Tone move only together",
        ),
        (settings(5), {"frames": 400}, "No capture lasts as long as a window of 480 frames"),
    ],
)
def test_what_cannot_be_learnt_from(
    tmp_path: Path, train: Any, changes: dict[str, Any], sentence: str
) -> None:
    frames = {"frames": changes.pop("frames")} if "frames" in changes else {}
    data = write(tmp_path / "data", train, **frames, **changes)
    with pytest.raises(UserError, match=sentence):
        train_model(tmp_path / "m", data, options(), _quiet)
    assert not (tmp_path / "m").exists()


def test_two_devices_or_sample_rates_are_no_dataset(tmp_path: Path) -> None:
    write(tmp_path / "a", settings(4))
    write(tmp_path / "b", settings(4, seed=2), device="other-amp")
    first, other = (sorted((tmp_path / n / "captures").iterdir())[0] for n in "ab")
    (tmp_path / "a/captures/zz.parquet").write_bytes(other.read_bytes())
    with pytest.raises(UserError, match="other-amp"):
        Dataset.open(tmp_path / "a")
    assert first.exists()
    with pytest.raises(UserError, match="44100"):
        write(tmp_path / "c", settings(4), sample_rate=44100)


def test_no_validation_is_said(tmp_path: Path) -> None:
    data = write(tmp_path / "data", settings(5), validation=0)
    with pytest.raises(UserError, match="holds no validation captures louder than -60 dBFS"):
        train_model(tmp_path / "m", data, options(), _quiet)


def test_the_knobs_are_those_of_the_panel() -> None:
    assert KNOBS.inputs == 4  # a switch of two detents is two inputs
    assert LAMPS.inputs == 3
