"""The step of a GRU or LSTM whose weights stand at control frames: in torch, and by native code.

The GRU is that of Cho et al. (Learning Phrase Representations using RNN Encoder–Decoder, 2014) in
the form whose reset gate acts after the matrix (as cuDNN, PyTorch, Keras and RTNeural have it);
the LSTM that of Hochreiter and Schmidhuber (1997) with the forget gate of Gers et al. (2000). One
layer, one channel of audio in and out:

    z = A u + S (W h) + T        four planes of pre-activations, each as wide as h
    LSTM, planes i f g o         c = σ(f) c + σ(i) tanh(g)        h = σ(o) tanh(c)
    GRU, planes r z q n          m = tanh(n + σ(r) q)             h = m + σ(z) (h − m)
    wet = O + K u + H h

W reaches all planes of the LSTM and the first three of the GRU: q is what the candidate hears of
the state, n what it hears of the input. A frame holds A, S and T of all planes, then H, K and O
and, if weights are its own, W row after row.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from training.models.control import CONTROL_INTERVAL
from training.native import recurrent as native


@dataclass(frozen=True)
class Cell:
    """A cell's kind, "gru" or "lstm", and size."""

    kind: str
    hidden: int

    @property
    def rows(self) -> int:
        """Rows of W, of ``hidden`` columns each."""
        return (3 if self.kind == "gru" else 4) * self.hidden

    @property
    def memory(self) -> int:
        """Numbers it remembers: h, then, of an LSTM, c."""
        return (1 if self.kind == "gru" else 2) * self.hidden

    @property
    def width(self) -> int:
        """Numbers in a frame, W apart."""
        return 13 * self.hidden + 2

    def run(
        self,
        dry: Tensor,
        frames: Tensor,
        weight: Tensor | None,
        state: Tensor,
        *,
        first: int = 0,
        stretch: int = 0,
    ) -> tuple[Tensor, Tensor]:
        """The wet, (batch, samples), and the last state; differentiable but for ``dry``.

        ``frames``: (batch, frames, width), one, or one at every 48th sample and one at the end;
        ``weight``: W, or None if frames hold it. ``state``: (batch, memory). No gradient is made
        for the ``first`` blocks of 48 samples, and none passes from one ``stretch`` blocks to
        another (0: it passes everywhere).
        """
        if not self._native_serves(frames):
            return _run(self, dry, frames, weight, state, first, stretch)
        # On a graphics card a step is far too small to be worth its launch: sound goes to the
        # processor and comes back.
        wet, last = native.recurrent(
            dry.cpu(),
            frames.cpu(),
            None if weight is None else weight.cpu(),
            state.cpu(),
            kind=self.kind,
            hidden=self.hidden,
            first=first,
            stretch=stretch,
        )
        return wet.to(dry.device), last.to(dry.device)

    @torch.no_grad()
    def settle(
        self, frames: Tensor, weight: Tensor | None, *, samples: int, tolerance: float
    ) -> Tensor:
        """The state that silence leaves at the first frame: (batch, memory).

        Silence is played until no number changes by more than ``tolerance`` in 48 samples, but
        not for more than ``samples``.
        """
        state = frames.new_zeros(len(frames), self.memory)
        if self._native_serves(frames):
            found = native.settle(
                frames.cpu(),
                None if weight is None else weight.cpu(),
                state.cpu(),
                kind=self.kind,
                hidden=self.hidden,
                samples=samples,
                tolerance=tolerance,
            )
            return found.to(frames.device)
        silence = frames.new_zeros(len(frames), CONTROL_INTERVAL)
        for _ in range(0, samples, CONTROL_INTERVAL):
            before, state = state, _run(self, silence, frames[:, :1], weight, state, 0, 0)[1]
            if float((state - before).abs().max()) <= tolerance:
                break
        return state

    def _native_serves(self, frames: Tensor) -> bool:
        serves = frames.dtype == torch.float32
        return serves and native.library(self.kind, self.hidden) is not None


def _run(
    cell: Cell,
    dry: Tensor,
    frames: Tensor,
    weight: Tensor | None,
    state: Tensor,
    first: int,
    stretch: int,
) -> tuple[Tensor, Tensor]:
    """The reference: what :meth:`Cell.run` does, sample by sample in torch."""
    wets = []
    up = torch.arange(CONTROL_INTERVAL, dtype=dry.dtype, device=dry.device) / CONTROL_INTERVAL
    for block, start in enumerate(range(0, dry.shape[1], CONTROL_INTERVAL)):
        since = block - first
        if (since == 0 and block > 0) or (since > 0 and stretch > 0 and since % stretch == 0):
            state = state.detach()
        u = dry[:, start : start + CONTROL_INTERVAL]
        values = frames
        if frames.shape[1] > 1:
            values = torch.lerp(frames[:, block, None], frames[:, block + 1, None], up[:, None])
        with torch.set_grad_enabled(torch.is_grad_enabled() and since >= 0):
            wet, state = _block(cell, u, values, weight, state)
        wets.append(wet)
    return torch.cat(wets, 1), state


def _block(
    cell: Cell, u: Tensor, values: Tensor, weight: Tensor | None, state: Tensor
) -> tuple[Tensor, Tensor]:
    """At most 48 samples; ``values``: (batch, 1 or as many, width)."""
    n, rows = cell.hidden, cell.rows
    sizes = [4 * n, 4 * n, 4 * n, n, 1, 1, values.shape[-1] - cell.width]
    a, s, t, head, skip, offset, own = torch.split(values, sizes, dim=-1)
    driven = a * u[..., None] + t
    scales = s[..., :rows].expand(-1, u.shape[1], -1)
    if weight is None:
        weights = torch.unflatten(own, -1, (rows, n)).expand(-1, u.shape[1], -1, -1)
    h, c = state[:, :n], state[:, n:]
    heard = []
    for sample in range(u.shape[1]):
        y = h @ weight.T if weight is not None else (weights[:, sample] @ h[..., None])[..., 0]
        fed = torch.nn.functional.pad(scales[:, sample] * y, (0, 4 * n - rows))
        first, second, third, fourth = torch.split(driven[:, sample] + fed, n, dim=-1)
        if cell.kind == "gru":
            candidate = torch.tanh(fourth + torch.sigmoid(first) * third)
            h = candidate + torch.sigmoid(second) * (h - candidate)
        else:
            c = torch.sigmoid(second) * c + torch.sigmoid(first) * torch.tanh(third)
            h = torch.sigmoid(fourth) * torch.tanh(c)
        heard.append(h)
    wet = offset[..., 0] + skip[..., 0] * u + (head * torch.stack(heard, 1)).sum(-1)
    return wet, torch.cat([h, c], -1)
