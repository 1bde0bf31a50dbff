"""The conditioned GRU and LSTM against a plain reference that knows nothing of torch."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from rigs.audio import esr
from rigs.errors import UserError
from tests.training.random_nets import noise, positions, stir
from training.checkpoint import build_net
from training.models.conditioning import CONDITIONINGS
from training.models.recurrent import ConditionedRecurrent, GruConfig, LstmConfig, RecurrentConfig
from training.models.static import StaticRecurrent
from training.native.build import use
from training.play import play

pytestmark = pytest.mark.usefixtures("one_thread")

KNOBS = 3
_positions = partial(positions, inputs=KNOBS)
NETS: dict[str, type[RecurrentConfig]] = {"gru": GruConfig, "lstm": LstmConfig}


@pytest.fixture(params=["torch", "as installed"])
def backend(request):
    """Where there is a compiler, it is C++ that plays: test both ways to go on."""
    use(0 if request.param == "torch" else None)
    yield request.param
    use(None)


def _net(kind: str, conditioning: str = "film", **sizes: Any) -> ConditionedRecurrent:
    """A small net whose knobs matter."""
    torch.manual_seed(1)
    config = NETS[kind](
        units=4, conditioning=conditioning, hidden=8, warm_up=96, longest_memory=16, **sizes
    )
    net = ConditionedRecurrent(config, KNOBS)
    stir(net, 20)
    with torch.no_grad():
        for weight in (*net.weights, *net.conditioning.parameters()):
            weight.mul_(2)
        for bias in net.biases:
            bias.add_(torch.linspace(-0.5, 0.5, len(bias)))
    return net.eval()


def _sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-x))


def _reference(statics: list[StaticRecurrent], dry: NDArray[Any]) -> NDArray[np.float64]:
    """Static nets at the control frames, their weights linear between: sample by sample."""
    first, n, wet = statics[0], statics[0].hidden, []
    h, c = first.silent[:n].astype(np.float64), first.silent[n:].astype(np.float64)
    for t, u in enumerate(dry.astype(np.float64)):

        def now(name: str, t: int = t) -> NDArray[np.float64]:
            here = statics[min(t // 48, len(statics) - 1)]
            after = statics[min(t // 48 + 1, len(statics) - 1)]
            f = t % 48 / 48
            return (1 - f) * np.float64(getattr(here, name)) + f * np.float64(getattr(after, name))

        z = now("input_weight") * u + now("bias")
        z[: len(first.state_weight)] += now("state_weight") @ h
        one, two, three, four = z.reshape(4, n)
        if first.kind == "gru":
            candidate = np.tanh(four + _sigmoid(one) * three)
            h = candidate + _sigmoid(two) * (h - candidate)
        else:
            c = _sigmoid(two) * c + _sigmoid(one) * np.tanh(three)
            h = _sigmoid(four) * np.tanh(c)
        wet.append(now("head_weight") @ h + now("head_bias") + now("skip") * u)
    return np.array(wet)


@pytest.mark.parametrize("conditioning", CONDITIONINGS)
@pytest.mark.parametrize("kind", NETS)
def test_a_setting_folds_into_a_static_net(kind, conditioning):
    net, dry = _net(kind, conditioning, skip=conditioning == "film"), noise(300)
    wets = []
    for knobs in _positions(2):
        wets.append(play(net, dry, knobs))
        assert np.abs(wets[-1] - _reference([net.fold(knobs, 48_000)], dry)).max() < 2e-6
    assert esr(*(wet - wet.mean() for wet in wets)) > 1e-3, "the knobs do little"


@pytest.mark.parametrize("conditioning", CONDITIONINGS)
@pytest.mark.parametrize("kind", NETS)
def test_between_frames_weights_are_linear(kind, conditioning):
    net, dry, knobs = _net(kind, conditioning), noise(240), _positions(6)
    statics = [net.fold(row, 48_000) for row in knobs]
    assert np.abs(play(net, dry, knobs) - _reference(statics, dry)).max() < 2e-6


@pytest.mark.parametrize("kind", NETS)
def test_torch_s_own_cell_says_the_same(kind):
    """The order of gates and the place of the reset gate are those that players know."""
    net, dry, knobs = _net(kind), noise(480), _positions(1)[0]
    static = net.fold(knobs, 48_000)
    n, gates = static.hidden, len(static.state_weight) // static.hidden
    given, bias = static.input_weight, static.bias
    hears, remembers = bias, np.zeros(4 * n, np.float32)
    if (
        kind == "gru"
    ):  # planes r z q n: torch's candidate has one bias inside the reset, one outside
        given = np.concatenate([given[: 2 * n], given[3 * n :]])
        hears = np.concatenate([bias[: 2 * n], bias[3 * n :]])
        remembers = np.concatenate([np.zeros(2 * n, np.float32), bias[2 * n : 3 * n]])
    core = (torch.nn.GRU if kind == "gru" else torch.nn.LSTM)(1, n, batch_first=True)
    weights = [given[:, None], static.state_weight, hears, remembers[: gates * n]]
    silent = [torch.from_numpy(part)[None, None] for part in static.silent.reshape(-1, n)]
    with torch.no_grad():
        for parameter, value in zip(core.parameters(), weights, strict=True):
            parameter.copy_(torch.from_numpy(value))
        state = silent[0] if kind == "gru" else tuple(silent)
        heard = core(torch.from_numpy(dry)[None, :, None], state)[0][0].numpy()
    wet = heard @ static.head_weight + static.head_bias
    assert np.abs(wet - play(net, dry, knobs)).max() < 2e-6
    assert np.ptp(wet) > 0.01


@pytest.mark.parametrize("kind", NETS)
def test_silence_leaves_what_silence_keeps(kind, backend):
    net, knobs = _net(kind), torch.from_numpy(_positions(3))
    with torch.no_grad():
        state = net.silent(knobs)
        wet, after = net.advance(state, torch.zeros(3, 480), knobs[:, None])
    assert float((after[0] - state[0]).abs().max()) < 1e-5
    assert float((wet - wet[:, :1]).abs().max()) < 1e-5
    assert float(state[0].abs().max()) > 0.01


@pytest.mark.parametrize("moving", [False, True], ids=["still", "moving"])
@pytest.mark.parametrize("kind", NETS)
def test_a_window_is_a_stream_whose_first_part_is_not_judged(kind, moving, backend):
    net, dry = _net(kind), torch.from_numpy(noise(480))[None]
    knobs = torch.from_numpy(_positions(11 if moving else 1))[None]
    with torch.no_grad():
        wet = net(dry, knobs)
        first, state = net.advance(net.silent(knobs[:, 0]), dry[:, :240], knobs[:, :6])
        second, _ = net.advance(state, dry[:, 240:], knobs[:, 5:] if moving else knobs)
    assert wet.shape == (1, 480 - net.receptive_field + 1)
    stream = torch.cat([first, second], 1)[:, net.receptive_field - 1 :]
    assert float((wet - stream).abs().max()) < 2e-5  # a window's silence is brief


@pytest.mark.parametrize("moving", [False, True], ids=["still", "moving"])
def test_a_window_is_learnt_in_stretches(moving, backend):
    """`truncate` samples reach back as far as stretches of so many, each after the other, do."""
    net, dry = _net("lstm", truncate=144), torch.from_numpy(noise(96 + 288))[None]
    knobs = torch.from_numpy(_positions(9 if moving else 1))[None]
    parameters = list(net.parameters())
    whole = torch.autograd.grad(net(dry, knobs).square().sum(), parameters)

    def part(start: int, end: int) -> torch.Tensor:
        return knobs[:, start // 48 : end // 48 + 1] if moving else knobs

    with torch.no_grad():
        _, state = net.advance(net.silent(knobs[:, 0]), dry[:, :96], part(0, 96))
    summed = [torch.zeros_like(parameter) for parameter in parameters]
    for start, end in ((96, 240), (240, 384)):
        wet, state = net.advance(state, dry[:, start:end], part(start, end))
        grads = torch.autograd.grad(wet.square().sum(), parameters)
        summed = [total + grad for total, grad in zip(summed, grads, strict=True)]
        state = tuple(tensor.detach() for tensor in state)
    for ours, theirs in zip(whole, summed, strict=True):
        assert float((ours - theirs).abs().max()) < 1e-4 * max(1.0, float(theirs.abs().max()))


def test_an_advance_passes_gradients_to_the_state_it_went_on_from():
    net, dry = _net("gru"), torch.from_numpy(noise(96))[None]
    knobs = torch.from_numpy(_positions(1))[None]
    parameters = list(net.parameters())
    once = torch.autograd.grad(net.advance(net.silent(knobs[0]), dry, knobs)[0].sum(), parameters)
    first, state = net.advance(net.silent(knobs[0]), dry[:, :48], knobs)
    second, _ = net.advance(state, dry[:, 48:], knobs)
    twice = torch.autograd.grad(first.sum() + second.sum(), parameters)
    for ours, theirs in zip(twice, once, strict=True):
        assert float((ours - theirs).abs().max()) < 1e-4 * max(1.0, float(theirs.abs().max()))


@pytest.mark.parametrize("kind", NETS)
def test_units_begin_with_memories_of_many_lengths(kind):
    """Of a click, what a unit of ``longest_memory`` samples keeps dies away as slowly."""
    nets = [ConditionedRecurrent(NETS[kind](units=8, longest_memory=m), 1) for m in (4, 4000)]
    kept = []
    for net in nets:
        torch.manual_seed(2)
        for weight in net.weights:
            weight.data *= 0.1
        click = np.zeros(2400, np.float32)
        click[0] = 1
        wet = play(net, click, np.zeros(1, np.float32))
        kept.append(np.abs(wet[1000:1100] - wet[-1]).max())
    assert kept[1] > 100 * kept[0]


def test_multiply_adds_are_those_of_the_folded_net():
    for kind in NETS:
        net = _net(kind, skip=True)
        static = net.fold(_positions(1)[0], 48_000)
        products = 4 * 2 + 4 if kind == "gru" else 4 * 3 + 4
        hears = np.count_nonzero(static.input_weight)
        assert net.macs_per_sample == static.state_weight.size + hears + products + 1


def test_a_training_step_leaves_no_parameter_out():
    for kind in NETS:
        for conditioning in CONDITIONINGS:
            net = _net(kind, conditioning, skip=True)
            knobs = torch.from_numpy(_positions(2))[:, None]
            net(torch.from_numpy(noise(480)).view(2, 240), knobs).square().sum().backward()
            still = [
                name
                for name, parameter in net.named_parameters()
                if parameter.grad is None or not parameter.grad.abs().max() > 0
            ]
            assert still == []


@pytest.mark.parametrize(
    "config", [{"units": 0}, {"units": 65}, {"truncate": 47}, {"warm_up": -1}, {"layers": 2}]
)
def test_sizes_that_there_are_not(config):
    with pytest.raises(UserError, match=rf"here.*{next(iter(config))}"):
        build_net("gru", config, KNOBS, "here")


def test_frames_that_do_not_fit():
    net = _net("gru")
    with pytest.raises(ValueError, match="do not fit"):
        net(torch.zeros(1, 240), torch.zeros(1, 3, KNOBS))


def test_it_learns():
    """A drive knob before a curve and a filter, by windows as training has them."""
    torch.manual_seed(1)
    config = GruConfig(units=6, hidden=16, warm_up=96, truncate=480, longest_memory=16)
    net = ConditionedRecurrent(config, 1)
    optimizer = torch.optim.Adam(net.parameters(), 0.02)
    ratio = 1.0
    for _ in range(120):
        dry, knobs = 0.3 * torch.randn(8, 576), 2 * torch.rand(8, 1, 1) - 1
        bent = torch.tanh(dry * torch.exp(1.5 * knobs[:, 0]))
        wet = 0.5 * bent + 0.5 * torch.nn.functional.pad(bent, (1, 0))[:, :-1]
        error = (net(dry, knobs) - wet[:, 96:]).square().sum() / wet[:, 96:].square().sum()
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
        ratio = 0.9 * ratio + 0.1 * error.item()
    assert ratio < 0.02
