"""The optimiser: what it promises of bases, and that it can be stopped and gone on with."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from training.soap import TURN_EVERY, Soap

pytestmark = pytest.mark.usefixtures("one_thread")


def orthogonal(size: int, seed: int) -> Tensor:
    torch.manual_seed(seed)
    return torch.linalg.qr(torch.randn(size, size, dtype=torch.float64)).Q


def scaled(rows: int, columns: int) -> tuple[Tensor, Tensor]:
    """A badly scaled quadratic, |A W B - T|², whose axes are those of the matrix."""
    left = torch.diag(torch.logspace(0, -2, rows, dtype=torch.float64))
    right = torch.diag(torch.logspace(0, -1, columns, dtype=torch.float64))
    return left, right


def descend(
    make: type[torch.optim.Optimizer], turn: Tensor | None, steps: int, rate: float
) -> tuple[list[float], Tensor]:
    left, right = scaled(5, 5)
    if turn is not None:
        left = left @ turn.T
    torch.manual_seed(0)
    target = torch.randn(5, 5, dtype=torch.float64)
    weight = nn.Parameter(torch.zeros(5, 5, dtype=torch.float64))
    optimizer = make([weight], lr=rate)  # type: ignore[call-arg]
    losses = []
    for _ in range(steps):
        error = (left @ weight @ right - target).square().sum()
        optimizer.zero_grad()
        error.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(error.item())
    return losses, weight.detach()


def test_a_turned_problem_is_the_same_problem() -> None:
    turn = orthogonal(5, 3)
    straight, weight = descend(Soap, None, 60, 0.05)
    turned, turned_weight = descend(Soap, turn, 60, 0.05)
    assert turned == pytest.approx(straight, rel=1e-6)
    assert torch.allclose(turned_weight, turn @ weight, atol=1e-6)


def test_adam_is_not_indifferent_to_turning() -> None:
    straight, _ = descend(torch.optim.Adam, None, 60, 0.05)
    turned, _ = descend(torch.optim.Adam, orthogonal(5, 3), 60, 0.05)
    assert turned != pytest.approx(straight, rel=1e-2)


class Small(nn.Module):
    """Matrices of one shape twice, a convolution, vectors, a single number, one frozen."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.first, self.second = nn.Linear(5, 5), nn.Linear(5, 5)
        self.conv = nn.Conv1d(5, 3, 4)
        self.gain = nn.Parameter(torch.tensor(1.0))

    def forward(self, x: Tensor) -> Tensor:
        x = self.second(torch.tanh(self.first(x.mT))).mT
        out: Tensor = self.gain * self.conv(x)
        return out


def train(net: Small, optimizer: Soap, numbers: range) -> list[float]:
    losses = []
    for number in numbers:
        torch.manual_seed(number)
        x = torch.randn(4, 5, 16)
        loss = (net(x) - x[:, :3, 3:]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def test_stopped_and_gone_on_with_it_is_the_same_training() -> None:
    whole = Small()
    curve = train(whole, Soap(whole.parameters(), lr=1e-2), range(2 * TURN_EVERY + 5))
    net = Small()
    first = Soap(net.parameters(), lr=1e-2)
    begun = train(net, first, range(TURN_EVERY + 3))
    again = Soap(net.parameters(), lr=1e-2)
    again.load_state_dict(first.state_dict())
    rest = train(net, again, range(TURN_EVERY + 3, 2 * TURN_EVERY + 5))
    assert begun + rest == curve
    assert curve[-1] < curve[0]


def test_the_bases_stay_orthogonal_and_near_the_axes_of_what_was_gathered() -> None:
    net = Small()
    optimizer = Soap(net.parameters(), lr=1e-2)
    train(net, optimizer, range(5 * TURN_EVERY + 1))
    bases = 0
    for state in optimizer.state.values():
        for side in ("left", "right"):
            if side not in state:
                continue
            bases += 1
            basis = state[f"{side}_basis"]
            assert torch.allclose(basis.mT @ basis, torch.eye(basis.shape[-1]), atol=1e-5)
            seen = (basis.mT @ state[side] @ basis).square()
            on_axes = seen.diagonal(dim1=-2, dim2=-1).sum(-1)
            assert (on_axes > 0.9 * seen.sum((-2, -1))).all()
    assert bases >= 5


def test_a_parameter_without_gradient_waits_and_holds_up_no_other() -> None:
    waiting, learning = nn.Parameter(torch.ones(3, 3)), nn.Parameter(torch.ones(3, 3))
    optimizer = Soap([waiting, learning], lr=1e-2)
    optimizer.step()
    assert torch.equal(learning.detach(), torch.ones(3, 3))
    for _ in range(TURN_EVERY + 2):
        learning.grad = learning.detach().clone()
        optimizer.step()
    assert torch.equal(waiting.detach(), torch.ones(3, 3))
    assert learning.detach().max() < 0.98
    waiting.grad = torch.ones(3, 3)
    optimizer.step()
    assert waiting.detach().max() < 1


def test_an_all_zero_gradient_moves_nothing() -> None:
    still = nn.Parameter(torch.ones(3, 3))
    optimizer = Soap([still], lr=1.0)
    for _ in range(TURN_EVERY + 2):
        still.grad = torch.zeros(3, 3)
        optimizer.step()
    assert torch.equal(still.detach(), torch.ones(3, 3))
