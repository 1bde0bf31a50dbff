"""Conditioned GRU and LSTM: one layer, whose weights follow the knobs.

    z = W(θ) [h; r(θ) u] + b(θ)        pre-activations; the GRU's candidate has two maps, one of
                                       its state and one of its input, as cell.py has them
    h, c = the cell's step of z
    y = g(θ) (H h + k u + d)           head; k u is there if the net has a skip connection

u is the input, θ the setting. W(θ) and b(θ) are the conditioning's (training/models/conditioning/),
and r, one factor a row, is there if it scales the input. Everything that depends on the setting is
a weight, so at any θ the net is an ordinary static one, such as RTNeural, GuitarML and AIDA-X play.

The control network's outputs are, in this order: what each map takes; the logarithms of r, plane
by plane, if there are any; ln g.

A net with memory has no receptive field. A window is given ``warm_up`` samples of past, before
which it begins in the state that silence leaves at its first knobs; no gradient reaches back into
them, nor further than ``truncate`` samples within the window (truncated back-propagation through
time; Williams and Peng, 1990). :meth:`ConditionedRecurrent.silent` and ``advance`` go on from a
state that is given, for windows of any length in stretches, each with a step of its own.
"""

from __future__ import annotations

import copy
from typing import Literal, NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from training.models.cell import Cell
from training.models.conditioning import ConditionedConfig, ControlNetwork, conditioning_of
from training.models.control import CONTROL_INTERVAL, check_frames
from training.models.net import Net, State
from training.models.static import StaticRecurrent

SETTLE = 96_000
"""Samples of silence after which a state is taken for what endless silence leaves."""
UNCHANGED = 1e-7
"""Change of a state, in 48 samples, that is none."""
BRIEFLY = 4800
"""Samples of silence before a window's warm-up, which sees to the rest."""


class RecurrentConfig(ConditionedConfig):
    """Sizes of a conditioned recurrent net."""

    units: int = Field(16, ge=1, le=64)
    """Width of the state."""
    skip: bool = False
    """Whether the input is added to the output, by a weight of its own."""
    warm_up: int = Field(2048, ge=0, le=1 << 18)
    """Samples of the past that a window is given before it is judged."""
    truncate: int = Field(2048, ge=48, le=1 << 20)
    """Samples that a gradient reaches back, at most, in whole control intervals."""
    longest_memory: int = Field(64, ge=2, le=1 << 18)
    """Samples that the slowest units remember before training."""

    @property
    def receptive_field(self) -> int:
        return self.warm_up + 1


class GruConfig(RecurrentConfig):
    """Sizes of a conditioned GRU."""

    @property
    def macs_per_sample(self) -> int:
        n = self.units
        return 3 * n * n + 3 * n + 2 * n + n + self.skip


class LstmConfig(RecurrentConfig):
    """Sizes of a conditioned LSTM."""

    @property
    def macs_per_sample(self) -> int:
        n = self.units
        return 4 * n * n + 4 * n + 3 * n + n + self.skip


class _Map(NamedTuple):
    """One linear map of the cell: its rows, and what it hears. The input's column is the last."""

    rows: int
    state: bool
    input: bool


class ConditionedRecurrent(Net):
    """A GRU or LSTM whose weights follow the knobs."""

    config: RecurrentConfig

    def __init__(self, config: RecurrentConfig, inputs: int) -> None:
        super().__init__(config, inputs)
        n = config.units
        kind: Literal["gru", "lstm"] = "gru" if isinstance(config, GruConfig) else "lstm"
        self.cell = Cell(kind, n)
        self.maps = [_Map(4 * n, True, True)]
        if kind == "gru":
            self.maps = [_Map(2 * n, True, True), _Map(n, True, False), _Map(n, False, True)]
        shapes = [(each.rows, n * each.state + each.input) for each in self.maps]
        bound = n**-0.5
        self.weights = nn.ParameterList(_uniform(bound, *shape) for shape in shapes)
        # Without biases, silence leaves nothing: training begins with a silent output of 0.
        self.biases = nn.ParameterList(torch.zeros(rows) for rows, _ in shapes)
        self.head = nn.Linear(n, 1)
        self.head.bias.data.zero_()
        if config.skip:
            self.skip = nn.Parameter(torch.ones(1))
        self.conditioning = conditioning_of(config, shapes, inputs)
        self.control = ControlNetwork(inputs, config.hidden, sum(self.output_sizes))
        self._remember()

    @property
    def output_sizes(self) -> list[int]:
        """Of the control network: for each map, for what its input is scaled by, for the level."""
        factors = sum(each.rows for each in self.maps if each.input)
        return [*self.conditioning.sizes, factors if self.conditioning.scales_input else 0, 1]

    @torch.no_grad()
    def _remember(self) -> None:
        """Begin with units that forget within 2 to ``longest_memory`` samples, spread evenly.

        Tallec and Ollivier, Can recurrent neural networks warp time?, 2018; their times are drawn
        evenly, these have evenly spaced logarithms.
        """
        n = self.cell.hidden
        times = torch.logspace(np.log10(2), np.log10(self.config.longest_memory), n)
        kept = torch.log(times - 1)
        bias = cast(Tensor, self.biases[0])
        bias[n : 2 * n] = kept
        if self.cell.kind == "lstm":
            bias[:n] = -kept

    def frames(self, knobs: Tensor) -> tuple[Tensor, Tensor | None]:
        """What the cell takes, as ``training/models/cell.py`` says: frames, and W if it is common.

        ``knobs``: (..., inputs); frames: (..., width).
        """
        n = self.cell.hidden
        *outputs, factors, level = self.control(knobs).split(self.output_sizes, dim=-1)
        values, level = self.conditioning.values(outputs, knobs), torch.exp(level)
        ones = torch.ones_like(level)
        fed: list[Tensor] = []
        scales: list[Tensor] = []
        shifts: list[Tensor] = []
        states: list[Tensor] = []
        for index, each in enumerate(self.maps):
            weight, bias = cast(Tensor, self.weights[index]), cast(Tensor, self.biases[index])
            found = self.conditioning.scale_shift(index, values[index])
            if found is None:
                weight, bias = self.conditioning.weights(index, weight, bias, values[index])
                scale, shift = ones, bias
            else:
                scale = ones if found[0] is None else found[0]
                shift = scale * bias + found[1]
            if each.state:
                states.append(weight[..., :n])
            hears = scale * weight[..., -1] if each.input else torch.zeros_like(shift)
            if each.input and self.conditioning.scales_input:
                hears = hears * torch.exp(factors[..., : each.rows])
                factors = factors[..., each.rows :]
            fed.append(hears.expand_as(shift))
            scales.append(scale.expand_as(shift))
            shifts.append(shift)
        skip = level * self.skip if self.config.skip else torch.zeros_like(level)
        head, offset = level * self.head.weight[0], level * self.head.bias
        parts = [*fed, *scales, *shifts, head, skip, offset]
        common = states[0].dim() == 2
        if not common:
            parts += [weight.flatten(-2) for weight in states]
        return torch.cat(parts, -1).to(head.dtype), torch.cat(states) if common else None

    def forward(self, dry: Tensor, knobs: Tensor) -> Tensor:
        check_frames(dry.shape[1], knobs.shape[1])
        config = self.config
        frames, weight = self.frames(knobs)
        state = self.cell.settle(frames, weight, samples=BRIEFLY, tolerance=1e-5)
        first = config.warm_up // CONTROL_INTERVAL
        stretch = -(-config.truncate // CONTROL_INTERVAL)
        wet, _ = self.cell.run(dry, frames, weight, state, first=first, stretch=stretch)
        return wet[:, config.warm_up :]

    @torch.no_grad()
    def silent(self, knobs: Tensor) -> State:
        """What the cell remembers after endless silence: h, then c; (batch, memory)."""
        frames, weight = self.frames(knobs[:, None])
        return (self.cell.settle(frames, weight, samples=SETTLE, tolerance=UNCHANGED),)

    def advance(self, state: State, dry: Tensor, knobs: Tensor) -> tuple[Tensor, State]:
        check_frames(dry.shape[1], knobs.shape[1])
        frames, weight = self.frames(knobs)
        before = state[0].expand(len(dry), -1)
        wet, after = self.cell.run(dry, frames.expand(len(dry), -1, -1), weight, before)
        return wet, (after,)

    @torch.no_grad()
    def fold(self, knobs: Tensor | NDArray[np.floating], sample_rate: int) -> StaticRecurrent:
        n, cell = self.cell.hidden, self.cell
        given = torch.as_tensor(knobs)
        (silent,) = self.silent(given[None].to(self.head.weight))
        double = copy.deepcopy(self).cpu().double()
        frames, weight = double.frames(given.cpu().double()[None])
        parts = torch.split(frames[0, : cell.width], [4 * n, 4 * n, 4 * n, n, 1, 1])
        fed, scale, shift, head, skip, offset = parts
        own = frames[0, cell.width :].view(-1, n) if weight is None else weight
        return StaticRecurrent(
            kind=cell.kind,
            input_weight=_array(fed),
            state_weight=_array(scale[: cell.rows, None] * own),
            bias=_array(shift),
            head_weight=_array(head),
            head_bias=float(_array(offset)[0]),
            skip=float(_array(skip)[0]),
            silent=_array(silent[0].cpu()),
            sample_rate=sample_rate,
        )


def _uniform(bound: float, *shape: int) -> nn.Parameter:
    return nn.Parameter((2 * torch.rand(*shape) - 1) * bound)


def _array(tensor: Tensor) -> NDArray[np.float32]:
    return tensor.float().numpy()
