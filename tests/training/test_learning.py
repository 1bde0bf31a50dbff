"""Ways to learn: balanced, from a model of another device, from a teacher, in long stretches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from amp_on_disk import KNOBS, options, settings, write
from amp_on_disk import play as play_amp

from dataset.store import Dataset
from rigs.errors import UserError
from rigs.knobs import Knob, KnobTable
from rigs.trajectory import Trajectory
from training.balance import BalancedPicks, regions, shares
from training.checkpoint import Model, build_net
from training.data import DatasetWindows, validation_examples
from training.distil import ModelTeacher, TaughtWindows
from training.fit import fit, validate
from training.machine import Choice, running
from training.models.control import lead_for
from training.optimizer import build
from training.options import TrainOptions
from training.resume import Resume
from training.run import train_model, trained
from training.start import take_over
from training.step import Batch, Stepper

ONE_KERNEL = Choice(threads=1)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    with running(ONE_KERNEL):
        yield


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Many captures at noon, two at a corner, and a sweep between."""
    noon = [{"Gain": 5.0 + 0.01 * i, "Tone": 5.0, "Bright": 0.0} for i in range(20)]
    corner = [{"Gain": 9.5, "Tone": 0.5, "Bright": 1.0}, {"Gain": 9.5, "Tone": 0.6, "Bright": 1.0}]
    way = Trajectory(np.array([[1, 1, 0], [4, 9, 0], [2, 3, 0]], np.float32), 10.0)
    return write(tmp_path_factory.mktemp("amp"), [*noon, *corner, way])


# --- balance ----------------------------------------------------------------------------------


def _where(windows: DatasetWindows, batches: int) -> np.ndarray:
    """The mean inputs of windows drawn: Gain, Tone, Bright off, Bright on."""
    return np.concatenate([windows.batch(i).knobs.mean(1).numpy() for i in range(batches)])


def test_sparse_corners_are_drawn_as_often_as_allowed(dataset: Dataset) -> None:
    by_chance = _where(DatasetWindows(dataset, options(batch=16), 11), 12)
    balanced = _where(DatasetWindows(dataset, options(batch=16, balance=True), 11), 12)
    chance, corner = ((found[:, 0] > 0.8).mean() for found in (by_chance, balanced))
    assert chance == pytest.approx(2 / 23, abs=0.05)
    assert 2.5 * 2 / 23 < corner <= 4.4 * 2 / 23
    assert (balanced[:, 0] < -0.2).mean() > 2 * (by_chance[:, 0] < -0.2).mean()  # the sweep


def test_a_balanced_batch_depends_on_its_number_alone(dataset: Dataset) -> None:
    windows = DatasetWindows(dataset, options(balance=True), 11)
    again = DatasetWindows(dataset, options(balance=True), 11)
    later = windows.batch(7)
    assert torch.equal(again.batch(7).dry, later.dry)
    assert not torch.equal(windows.batch(8).dry, later.dry)
    assert windows.captures(7) == again.captures(7)


def test_every_moment_of_a_region_can_be_drawn(dataset: Dataset) -> None:
    windows = DatasetWindows(dataset, options(), 11)
    picks = BalancedPicks(windows.cache, 480, windows.lead, 64, 1)
    drawn = [picks.picks(number) for number in range(200)]
    rows, starts = (np.concatenate(values) for values in zip(*drawn, strict=True))
    assert set(rows) == set(range(23))
    assert starts.min() < 48 * 3
    assert starts.max() == max(s for s in range(12_000 - 480 + 1) if (s - windows.lead) % 48 == 0)
    assert not ((starts - windows.lead) % 48).any()


def test_regions_and_their_shares() -> None:
    points = np.array([[0.0, 0.0]] * 50 + [[1.0, 1.0]] * 2 + [[-1.0, 1.0]] * 8)
    which = regions(points, 8)
    assert len({*which}) == 3
    assert [len({*which[a:b]}) for a, b in ((0, 50), (50, 52), (52, 60))] == [1, 1, 1]
    found = shares(np.array([50, 2, 8]))
    assert found == pytest.approx([(1 - 4 * 2 / 60) / 2, 4 * 2 / 60, (1 - 4 * 2 / 60) / 2])


def test_processes_share_one_batch(dataset: Dataset) -> None:
    whole = DatasetWindows(dataset, options(), 11).batch(3)
    parts = [DatasetWindows(dataset, options(), 11, (rank, 2)).batch(3) for rank in (0, 1)]
    assert torch.equal(torch.cat([part.wet for part in parts]), whole.wet[[0, 2, 1, 3]])
    with pytest.raises(UserError, match="4 windows cannot be shared evenly among 3 processes"):
        DatasetWindows(dataset, options(), 11, (0, 3))


# --- a model to start from ----------------------------------------------------------------------

OTHER = KnobTable((Knob("Depth"), Knob("tone"), Knob("Gain", 0, 12), Knob("Speed")))
CONFIG = {"channels": 4, "kernel_sizes": [3, 3], "dilations": [1, 3], "hidden": 8}


def _model(knobs: KnobTable, seed: int, **changes: object) -> Model:
    torch.manual_seed(seed)
    net = build_net("wavenet", {**CONFIG, **changes}, knobs.inputs, "here")
    with torch.no_grad():
        for parameter in net.control.parameters():
            parameter.mul_(4)
    return Model("other", "other-amp", knobs, 48_000, "wavenet", net, {})


@pytest.mark.parametrize("conditioning", ["film", "concat", "basis", "hyper"])
def test_knobs_are_taken_over_by_name(conditioning: str) -> None:
    source = _model(OTHER, 1, conditioning=conditioning)
    net = _model(KNOBS, 2, conditioning=conditioning).net
    take_over(net, KNOBS, source)
    dry = torch.randn(1, 480, generator=torch.Generator().manual_seed(0))

    def heard(of: Model | torch.nn.Module, knobs: KnobTable, at: list[float]) -> torch.Tensor:
        inputs = torch.from_numpy(knobs.to_inputs(np.array(at)).astype(np.float32))
        played: torch.Tensor = (of.net if isinstance(of, Model) else of)(dry, inputs[None, None])
        return played

    # Gain at 3 of 10 is 3.6 of 12; Depth and Speed, which we have not, stand at noon; Bright,
    # which they have not, does nothing yet.
    ours = heard(net, KNOBS, [3, 8, 0])
    assert torch.allclose(ours, heard(source, OTHER, [5, 8, 3.6, 5]), atol=1e-5)
    assert torch.equal(ours, heard(net, KNOBS, [3, 8, 1]))
    assert not torch.allclose(ours, heard(net, KNOBS, [8, 3, 0]), atol=1e-3)


def test_another_size_is_no_start(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="of another kind or size"):
        take_over(_model(KNOBS, 1, channels=6).net, KNOBS, _model(OTHER, 1))
    with pytest.raises(UserError, match="There is no model in nowhere"):
        train_model(tmp_path / "m", dataset, options(start_from="nowhere"), lambda _: None)


def test_few_shots_from_another_amp_beat_a_fresh_start(tmp_path: Path) -> None:
    """A net that has learnt one amp learns another, with a knob more, from five settings."""
    gain = KnobTable((Knob("Gain"), Knob("Tone")))
    first = write(tmp_path / "first", settings(12, gain), gain)
    train_model(tmp_path / "a", first, options(steps=240, batch=8), lambda _: None)
    few = write(tmp_path / "few", settings(5, seed=3), validation=4)
    fresh = train_model(tmp_path / "b", few, options(steps=20), lambda _: None)
    changes = {"network": {}, "start_from": str(tmp_path / "a")}
    chosen = options(steps=20, **changes).model_dump(exclude={"network", "kind", "preset"})
    given = TrainOptions.model_validate(chosen)
    tuned = train_model(tmp_path / "c", few, given, lambda _: None)
    assert tuned.net.config == fresh.net.config
    scores = [model.training["validation_esr"] for model in (tuned, fresh)]
    assert scores[0] < 0.5 * scores[1], scores


def test_what_follows_the_knobs_comes_first(dataset: Dataset) -> None:
    chosen = options(start_from="x", heads_first=0.5)
    net = _model(KNOBS, 1).net
    step = Stepper(net, build(net, chosen), chosen)
    windows = DatasetWindows(dataset, chosen, net.receptive_field)

    def moved(fraction: float) -> set[str]:
        before = {name: value.clone() for name, value in net.state_dict().items()}
        step(windows.batch(0), fraction)
        return {k for k, v in net.state_dict().items() if not torch.equal(v, before[k])}

    moved(0.4)  # SOAP's first step only looks
    early = moved(0.4)
    assert {name.split(".")[0] for name in early} == {"control", "head"}
    moved(0.6)
    assert {name.split(".")[0] for name in moved(0.6)} > {"control", "head", "layers"}


# --- a teacher ------------------------------------------------------------------------------------


def test_a_teacher_plays_what_was_never_captured(dataset: Dataset) -> None:
    teacher = _model(KNOBS, 1, dilations=[1, 60])
    chosen = options(batch=8, teacher="x", teacher_share=0.75)
    student = build_net("wavenet", CONFIG, KNOBS.inputs, "here")
    captured = DatasetWindows(dataset, chosen, student.receptive_field)
    windows = TaughtWindows(captured, ModelTeacher(teacher, KNOBS), chosen)
    batch, plain = windows.batch(5), captured.batch(5)
    assert torch.equal(batch.wet[6:], plain.wet[6:])
    assert batch.dry.shape == plain.dry.shape
    assert torch.equal(windows.batch(5).wet, batch.wet)
    assert not torch.equal(windows.batch(6).wet, batch.wet)
    inputs = torch.cat([windows.batch(number).knobs[:6] for number in range(20)])
    moves = (inputs != inputs[:, :1]).any(-1).any(-1)
    assert 0.3 < moves.float().mean() < 0.7
    assert (inputs[:, 0, :2].quantile(0.9, dim=0) > 0.7).all()  # the whole cube
    assert set(inputs[:, :, 2:].unique().tolist()) == {0.0, 1.0}  # switches in detents
    # A student that is the teacher has nothing to learn from these windows.
    lead = lead_for(teacher.net.receptive_field)
    longer = DatasetWindows(dataset, chosen, teacher.net.receptive_field)
    same = TaughtWindows(longer, ModelTeacher(teacher, KNOBS), chosen)
    heard = same.batch(1)
    assert heard.cut == lead - teacher.net.receptive_field + 1
    with torch.no_grad():
        output = teacher.net(heard.dry, heard.knobs)[:, heard.cut :]
    assert torch.allclose(output[:6], heard.wet[:6], atol=1e-6)


def test_a_teacher_is_of_the_same_device(dataset: Dataset) -> None:
    with pytest.raises(UserError, match="other has other knobs than the dataset"):
        ModelTeacher(_model(OTHER, 1), KNOBS)
    chosen = options(batch=4, teacher="x", teacher_share=0.05)
    with pytest.raises(UserError, match=r"0\.05 of 4 windows is none"):
        TaughtWindows(DatasetWindows(dataset, chosen, 11), object(), chosen)  # type: ignore[arg-type]


class TheAmpItself:
    """A teacher that knows everything."""

    past = 0

    def play(self, dry: torch.Tensor, positions: np.ndarray) -> torch.Tensor:
        frames = np.arange(positions.shape[1]) * 48
        at = [
            [np.interp(np.arange(dry.shape[1]), frames, knob) for knob in way.T]
            for way in positions
        ]
        heard = dry.double().numpy()
        wet = [play_amp(one, KNOBS, np.array(way).T) for one, way in zip(heard, at, strict=True)]
        return torch.from_numpy(np.array(wet)).float()


def test_a_teacher_helps_where_captures_are_few(tmp_path: Path) -> None:
    """The captures are of four settings; the teacher knows the whole panel."""
    few = write(tmp_path / "few", settings(4, seed=3), validation=6)
    chosen = options(steps=160, teacher="x", validations=1, learning_rate=0.01)
    scores = []
    for taught in (True, False):
        torch.manual_seed(1)
        net = build_net("wavenet", CONFIG, KNOBS.inputs, "here")
        captured = DatasetWindows(few, chosen, net.receptive_field)
        windows = TaughtWindows(captured, TheAmpItself(), chosen) if taught else captured
        resume = Resume(tmp_path / str(taught), "mark")
        fit(net, windows, validation_examples(few), chosen, resume, lambda _: None)
        scores.append(validate(net, validation_examples(few)))
    assert scores[0] < 0.7 * scores[1], scores


def test_a_model_teaches_in_a_training(tmp_path: Path, dataset: Dataset) -> None:
    train_model(tmp_path / "big", dataset, options(steps=1), lambda _: None)
    chosen = options(steps=2, teacher=str(tmp_path / "big"))
    train_model(tmp_path / "m", dataset, chosen, lambda _: None)
    assert trained(tmp_path / "m", dataset, chosen)
    train_model(tmp_path / "big", dataset, options(steps=1, seed=2), lambda _: None)
    assert not trained(tmp_path / "m", dataset, chosen)  # by another teacher


# --- long windows in stretches ----------------------------------------------------------------


def test_stretches_give_the_gradient_of_the_whole(dataset: Dataset) -> None:
    """With a net of finite past, whose state needs no gradient, nothing is cut off by them."""
    net = _model(KNOBS, 1).net
    heard: list[Batch] = []
    for chosen in (options(window=960), options(window=960, truncate=200)):
        heard.append(DatasetWindows(dataset, chosen, net.receptive_field).batch(2))
        assert heard[-1].wet.shape[1] == chosen.samples
    assert [b.wet.shape[1] for b in heard] == [960, 960]  # 200 are 240 in whole intervals
    with torch.no_grad():
        whole = net(heard[0].dry, heard[0].knobs)[:, heard[0].cut :]
    step = Stepper(net, build(net, options()), options(window=960, truncate=200))
    parts = list(step._stretches(heard[1]))
    assert [part.shape[1] for part, _ in parts] == [240] * 4
    assert torch.allclose(torch.cat([part for part, _ in parts], 1), whole, atol=1e-6)
    assert torch.equal(torch.cat([wet for _, wet in parts], 1), heard[1].wet)


def test_a_training_in_stretches_learns_and_goes_on(tmp_path: Path, dataset: Dataset) -> None:
    chosen = options(steps=16, window=1920, truncate=480, validations=4)
    whole = train_model(tmp_path / "m", dataset, chosen, lambda _: None)
    curve = [record["esr"] for record in whole.training["history"]]
    assert curve[-1] < 0.7 * curve[0]
    at = [0]

    def report(status: object) -> None:
        at[0] += 1

    with pytest.raises(KeyboardInterrupt):
        train_model(tmp_path / "n", dataset, chosen, report, stop=lambda: at[0] == 7)
    again = train_model(tmp_path / "n", dataset, chosen, lambda _: None)
    assert [record["esr"] for record in again.training["history"]] == curve
