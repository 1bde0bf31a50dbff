"""SOAP: Adam in the eigenbasis of Shampoo's preconditioner.

Vyas, Morwani, Zhao, Shapira, Brandfonbrener, Janson and Kakade, SOAP: Improving and Stabilizing
Shampoo using Adam, 2024. An amp's layers are eight channels wide, so the bases are tiny and the
method, made for great nets, costs a few milliseconds here. Parameters of one shape are worked on
together: a net of many small layers is then a handful of batched products.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

LARGEST_BASIS = 256
"""A side longer than this keeps the basis it has: its products would cost more than they help."""
BETAS = (0.95, 0.95)
EPSILON = 1e-8
TURN_EVERY = 10
"""Steps from one turning of the bases to the next."""


class Soap(torch.optim.Optimizer):
    """A parameter is taken as a matrix: its first side by all others; a vector as one row.

    The first step only looks: it finds the bases, and moves nothing. All state is tensors, kept
    with the first parameter of each shape, so `state_dict` has everything that going on needs.
    """

    def __init__(self, parameters: Iterable[Tensor], lr: float) -> None:
        given = list(parameters)
        super().__init__(given, {"lr": lr})
        self._alike: dict[tuple[int, int], list[Tensor]] = {}
        for parameter in given:
            self._alike.setdefault(_sides(parameter), []).append(parameter)

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        rate = self.param_groups[0]["lr"]
        for sides, parameters in self._alike.items():
            if all(p.grad is None for p in parameters):
                continue
            # One that waits while those like it learn has had no gradient yet, so 0 moves it by 0.
            gradient = torch.stack([_gradient(p).reshape(sides) for p in parameters])
            state = self.state[parameters[0]]
            if not state:
                state.update(_first(gradient))
                continue
            update = _update(state, gradient)
            for parameter, change in zip(parameters, update, strict=True):
                parameter.add_(change.view_as(parameter), alpha=-rate)


def _gradient(parameter: Tensor) -> Tensor:
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad


def _sides(parameter: Tensor) -> tuple[int, int]:
    if parameter.dim() < 2:
        return 1, parameter.numel()
    return parameter.shape[0], parameter.numel() // parameter.shape[0]


def _products(gradient: Tensor) -> dict[str, Tensor]:
    """What Shampoo gathers for the left and the right side, of those that have a basis."""
    rows, columns = gradient.shape[1:]
    found = {}
    if 1 < rows <= LARGEST_BASIS:
        found["left"] = gradient @ gradient.mT
    if 1 < columns <= LARGEST_BASIS:
        found["right"] = gradient.mT @ gradient
    return found


def _first(gradient: Tensor) -> dict[str, Tensor]:
    """State after the first gradient, (n, rows, columns): no moments yet, but bases."""
    state = {
        "step": torch.zeros(()),
        "mean": torch.zeros_like(gradient),
        "square": torch.zeros_like(gradient),
    }
    for side, product in _products(gradient).items():
        state[side] = (1 - BETAS[1]) * product
        # As many times a tiny multiple of one as keeps an all-zero gradient's basis a basis.
        size = product.diagonal(dim1=-2, dim2=-1).mean(-1).clamp_min(1e-30)
        identity = torch.eye(product.shape[-1], dtype=product.dtype, device=product.device)
        whole = torch.linalg.eigh(product + 1e-9 * size[:, None, None] * identity)
        state[f"{side}_basis"] = whole.eigenvectors.flip(-1).contiguous()
    return state


def _turn(state: dict[str, Tensor], values: Tensor, into: bool) -> Tensor:
    """``values`` into the eigenbasis, or back out of it."""
    left, right = state.get("left_basis"), state.get("right_basis")
    if left is not None:
        values = (left.mT if into else left) @ values
    if right is not None:
        values = values @ (right if into else right.mT)
    return values


def _update(state: dict[str, Tensor], gradient: Tensor) -> Tensor:
    """Adam's update in the basis, out of it again; moments and bases go on."""
    first, second = BETAS
    state["step"] += 1
    steps = state["step"].item()
    turned = _turn(state, gradient, into=True)
    state["mean"].lerp_(gradient, 1 - first)
    state["square"].mul_(second).addcmul_(turned, turned, value=1 - second)
    mean = _turn(state, state["mean"], into=True) / (1 - first**steps)
    root = (state["square"] / (1 - second**steps)).sqrt_()
    update = _turn(state, mean / (root + EPSILON), into=False)
    for side, product in _products(gradient).items():
        state[side].lerp_(product, 1 - second)
        if steps % TURN_EVERY == 0:
            _refresh(state, side)
    return update


def _refresh(state: dict[str, Tensor], side: str) -> None:
    """One step of orthogonal iteration, largest eigenvalue first; second moments move along."""
    basis, product = state[f"{side}_basis"], state[side]
    size = (basis * (product @ basis)).sum(-2)
    order = size.argsort(-1, descending=True)
    basis = basis.gather(2, order[:, None, :].expand_as(basis))
    square = state["square"]
    at = order[:, :, None] if side == "left" else order[:, None, :]
    state["square"] = square.gather(1 if side == "left" else 2, at.expand_as(square))
    # As a stopped training would read it again: sums over another layout round otherwise.
    state[f"{side}_basis"] = torch.linalg.qr(product @ basis).Q.contiguous()
