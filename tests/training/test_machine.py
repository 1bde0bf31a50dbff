"""Where a training runs: what a trial chooses, and several processes that do one's work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from amp_on_disk import KNOBS, options, settings, write

from rigs.errors import UserError
from training import machine
from training.checkpoint import build_net
from training.data import DatasetWindows
from training.machine import Choice, candidates, choose, running
from training.models.net import Net
from training.native import build as native_build
from training.native.wavenet import library
from training.optimizer import build
from training.options import MachineOptions
from training.place import open_place
from training.resume import Resume
from training.run import train_model
from training.step import Batch, Stepper


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    with running(Choice()):
        yield


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> Batch:
    dataset = write(tmp_path_factory.mktemp("amp"), settings(5))
    return DatasetWindows(dataset, options(), _net().receptive_field).batch(0)


def _net() -> Net:
    torch.manual_seed(0)
    return build_net("wavenet", options().network, KNOBS.inputs, "here")


def _timed(monkeypatch: pytest.MonkeyPatch, seconds: dict[Any, float]) -> list[Choice]:
    """Have candidates take ``seconds``; returns those that were tried."""
    tried: list[Choice] = []

    def take(trial: object, choice: Choice) -> float:
        tried.append(choice)
        found = seconds[(choice.kernel, choice.threads, choice.compile)]
        if found < 0:
            raise RuntimeError("no compiler")
        return found

    monkeypatch.setattr(machine._Trial, "_seconds", take)
    monkeypatch.setattr(machine, "cores", lambda: 4)
    return tried


def test_the_trial_is_of_the_real_thing_and_leaves_no_trace(batch: Batch) -> None:
    net = _net()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    state = torch.get_rng_state()
    asked: list[int] = []

    def windows(number: int) -> Batch:
        asked.append(number)
        return batch

    choice = choose(net, windows, options(machine={"device": "cpu"}))
    assert choice in candidates(MachineOptions(device="cpu"))
    assert asked == [0, 1]
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert all(parameter.grad is None for parameter in net.parameters())
    assert torch.equal(torch.get_rng_state(), state)
    assert native_build.threads() == 1  # as the fixture has it


def test_the_clearly_fastest_is_chosen(monkeypatch: pytest.MonkeyPatch, batch: Batch) -> None:
    every = {(kernel, n, False): 1.0 for kernel in ("native", "torch") for n in (1, 2, 4)}
    cpu = options(machine={"device": "cpu"})

    def chosen(**seconds: float) -> Choice:
        named = {(k.split("_")[0], int(k.split("_")[1]), False): s for k, s in seconds.items()}
        _timed(monkeypatch, {**every, **named})
        return choose(_net(), lambda _: batch, cpu)

    assert chosen() == Choice("cpu", "native", 4)
    assert chosen(torch_1=0.95) == Choice("cpu", "native", 4)  # noise
    assert chosen(torch_1=0.5) == Choice("cpu", "torch", 1)
    assert chosen(native_2=0.3, torch_4=0.5) == Choice("cpu", "native", 2)
    assert chosen(torch_2=-1) == Choice("cpu", "native", 4)  # one that fails is left out


def test_compiling_is_tried_if_the_training_is_long(
    monkeypatch: pytest.MonkeyPatch, batch: Batch
) -> None:
    every = {(kernel, n, False): 1.0 for kernel in ("native", "torch") for n in (1, 2, 4)}
    seconds = {**every, ("torch", 2, False): 0.8, ("torch", 2, True): 0.2}
    long = options(steps=None, minutes=60, machine={"device": "cpu"})
    for chosen, tries in (
        (long, True),
        (options(steps=5000, machine={"device": "cpu"}), True),
        (options(steps=100, machine={"device": "cpu"}), False),
        (options(steps=None, minutes=5, machine={"device": "cpu"}), False),
        (options(steps=None, minutes=60, machine={"device": "cpu", "kernel": "native"}), False),
        (options(steps=None, minutes=60, machine={"device": "cpu", "compile": False}), False),
    ):
        tried = _timed(monkeypatch, seconds)
        found = choose(_net(), lambda _: batch, chosen)
        assert any(choice.compile for choice in tried) == tries
        assert found.compile == tries


def test_what_is_fixed_is_not_tried(monkeypatch: pytest.MonkeyPatch, batch: Batch) -> None:
    tried = _timed(monkeypatch, {("torch", 3, False): 1.0, ("native", 3, False): 1.0})
    found = choose(_net(), lambda _: batch, options(machine={"threads": 3, "device": "cpu"}))
    assert {choice.threads for choice in tried} == {3}
    assert found == Choice("cpu", "native", 3)
    tried = _timed(monkeypatch, {})
    both = {"threads": 3, "kernel": "torch", "device": "cpu"}
    assert choose(_net(), lambda _: batch, options(machine=both)) == Choice("cpu", "torch", 3)
    assert tried == []
    for wrong in ({"kernel": "native", "compile": True}, {"kernel": "native", "device": "mps"}):
        with pytest.raises(UserError, match="take kernel: torch"):
            candidates(MachineOptions.model_validate(wrong))


def test_a_device_that_is_not_there() -> None:
    if not torch.backends.mps.is_available():
        with pytest.raises(UserError, match="there is no mps on this machine"):
            open_place("mps")


def test_the_choice_is_kept_to() -> None:
    with running(Choice("cpu", "torch", 2)):
        assert torch.get_num_threads() == 2
        assert native_build.threads() == 0
        assert library() is None
    with running(Choice("cpu", "native", 2)):
        assert torch.get_num_threads() == 1
        assert native_build.threads() == 2


def test_sixteen_bits_are_taken_only_if_the_gradient_says_the_same(
    monkeypatch: pytest.MonkeyPatch, batch: Batch
) -> None:
    trial = machine._Trial(_net(), lambda _: batch, options())
    trial.take(Choice("cpu", "torch", 1))
    half = Choice("cpu", "torch", 1, precision="bf16")
    assert trial._alike(half)
    monkeypatch.setattr(machine, "ALIKE", 1.1)
    trial.take(half)
    assert trial.best.precision == "32"
    assert half not in trial._took


def test_float16_scales_its_gradients_and_keeps_the_scale(tmp_path: Path, batch: Batch) -> None:
    nets = []
    for precision in ("32", "16"):
        net = _net()
        optimizer = build(net, options())
        step = Stepper(net, optimizer, options(), precision=precision)  # type: ignore[arg-type]
        with running(Choice("cpu", "torch", 1)):
            losses = [step(batch, 0.5) for _ in range(6)]
        assert losses[-1] < losses[0]
        nets.append((net, optimizer, step))
    net, optimizer, step = nets[1]
    assert step.scaler.get_scale() > 1
    step.scaler.update(256.0)
    resume = Resume(tmp_path, "mark")
    from training.resume import State

    resume.save(
        net,
        optimizer,
        State(best_weights={k: v.clone() for k, v in net.state_dict().items()}),
        step.scaler.state_dict(),
    )
    again = Stepper(net, optimizer, options(), precision="16")
    resume.load(net, optimizer, again.scaler.load_state_dict)
    assert again.scaler.get_scale() == 256.0


@pytest.mark.parametrize(("optimizer", "rounding"), [("adam", 1e-3), ("soap", 0.3)])
def test_two_processes_do_the_work_of_one(tmp_path: Path, optimizer: str, rounding: float) -> None:
    """By torchrun, over gloo: the same curve to rounding, twice the same bits, and it goes on.

    Where the first gradient says nothing, the basis that SOAP finds is rounding's own.
    """
    dataset = write(tmp_path / "data", settings(8))
    chosen = options(optimizer=optimizer)
    alone = train_model(tmp_path / "alone", dataset, chosen, lambda _: None)

    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", "2", str(Path(__file__).with_name("together_server.py"))]
    command += [str(tmp_path / name) for name in ("data", "first", "second")] + [optimizer]
    path = {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        command, env={**os.environ, **path}, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("Stopped after 7 steps") == 2  # both processes, at one step
    found = [
        json.loads((tmp_path / name / "model.json").read_text())["training"]
        for name in ("first", "second")
    ]
    curves = [[record["esr"] for record in facts["history"]] for facts in found]
    assert curves[0] == curves[1]
    assert curves[0] == pytest.approx(
        [record["esr"] for record in alone.training["history"]], rel=rounding
    )
    weights = [(tmp_path / n / "model.safetensors").read_bytes() for n in ("first", "second")]
    assert weights[0] == weights[1]
    assert found[0]["steps"] == 12
