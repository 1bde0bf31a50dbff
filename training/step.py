"""One step of a training: a batch in, the weights moved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from training.losses import approach, loss
from training.models.control import CONTROL_INTERVAL
from training.models.net import Net
from training.options import Precision, TrainOptions
from training.place import ALONE, Place

APPROACH = 0.3
"""Share of the training that seeks level and likeness by themselves; the rest minimises ESR."""
LARGEST_GRADIENT = 1.0
DTYPES = {"bf16": torch.bfloat16, "16": torch.float16}


@dataclass(frozen=True)
class Batch:
    """Windows: dry (batch, lead + window), knobs (batch, frames, inputs), wet (batch, window).

    ``cut`` samples that a net makes of it come before the window: the lead is in whole control
    intervals, a receptive field is not.
    """

    dry: Tensor
    knobs: Tensor
    wet: Tensor
    cut: int

    def to(self, device: torch.device) -> Batch:
        """The batch on another device."""
        return Batch(self.dry.to(device), self.knobs.to(device), self.wet.to(device), self.cut)

    def at_rest(self) -> Batch:
        """The same, but knobs that rest in every window are at one frame: that is cheaper."""
        first = self.knobs[:, :1]
        return replace(self, knobs=first) if bool((self.knobs == first).all()) else self


class NotANumber(ArithmeticError):
    """The loss is infinite or not a number."""


class Stepper:
    """Takes steps. In 16 bits only the net is computed; loss and weights keep 32."""

    def __init__(
        self,
        net: Net,
        optimizer: torch.optim.Optimizer,
        options: TrainOptions,
        place: Place = ALONE,
        precision: Precision = "32",
    ) -> None:
        self._net, self._optimizer, self._options, self._place = net, optimizer, options, place
        self._half = DTYPES.get(precision)
        # 16-bit floats lose small gradients unless these are scaled up; bfloat16 does not.
        self.scaler = torch.amp.GradScaler(place.device.type, enabled=precision == "16")
        self._waiting = _waiting(net) if options.start_from else []

    def __call__(self, batch: Batch, fraction: float) -> float:
        """Move the weights by ``batch``, at ``fraction`` of the training; returns the loss.

        Raises NotANumber before anything is moved by a loss that is none.
        """
        batch = batch.at_rest()
        if self._options.stretch is None:
            return self._descend(self._play(batch)[:, batch.cut :], batch.wet, fraction)
        values = [self._descend(ours, wet, fraction) for ours, wet in self._stretches(batch)]
        return sum(values) / len(values)

    def _autocast(self) -> torch.autocast:
        half = self._half
        return torch.autocast(self._place.device.type, half, enabled=half is not None)

    def _play(self, batch: Batch) -> Tensor:
        with self._autocast():
            output: Tensor = self._net(batch.dry, batch.knobs)
        return output.float()

    def _stretches(self, batch: Batch) -> Iterator[tuple[Tensor, Tensor]]:
        """A window's stretches, output and target; what each leaves is the next one's state.

        Gradients end where a stretch begins (truncated back-propagation through time; Williams
        and Peng, 1990). The past of the window is only heard.
        """
        stretch = self._options.stretch
        assert stretch is not None
        lead = batch.dry.shape[1] - batch.wet.shape[1]
        state = self._net.silent(batch.knobs[:, 0])
        if lead:
            with torch.no_grad():
                _, state = self._net.advance(state, batch.dry[:, :lead], _knobs(batch, 0, lead))
        for start in range(lead, batch.dry.shape[1], stretch):
            end = min(start + stretch, batch.dry.shape[1])
            with self._autocast():
                output, state = self._net.advance(
                    state, batch.dry[:, start:end], _knobs(batch, start, end)
                )
            state = tuple(tensor.detach() for tensor in state)
            yield output.float(), batch.wet[:, start - lead : end - lead]

    def _descend(self, output: Tensor, target: Tensor, fraction: float) -> float:
        measure = approach if fraction < APPROACH else loss
        value = measure(output, target, self._options.losses)
        self._optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(value).backward()  # type: ignore[no-untyped-call]
        parameters = list(self._net.parameters())
        value = self._place.average(parameters, value.detach())
        number = value.item()
        if not torch.isfinite(value):
            raise NotANumber
        if fraction < self._options.heads_first:
            for parameter in self._waiting:
                parameter.grad = None
        self.scaler.unscale_(self._optimizer)
        nn.utils.clip_grad_norm_(parameters, LARGEST_GRADIENT)
        self.scaler.step(self._optimizer)
        self.scaler.update()
        return number


def _knobs(batch: Batch, start: int, end: int) -> Tensor:
    """The control frames from one sample of the dry to another, both in whole intervals."""
    if batch.knobs.shape[1] == 1:
        return batch.knobs
    return batch.knobs[:, start // CONTROL_INTERVAL : end // CONTROL_INTERVAL + 1]


FIRST = ("control", "conditioning", "head", "heads", "output")
"""Parts of a net that follow the knobs, or make its output: of what another device taught, the
first to be taught anew."""


def _waiting(net: Net) -> list[nn.Parameter]:
    """The parameters that wait while control network and heads are trained."""
    return [
        parameter
        for name, parameter in net.named_parameters()
        if not set(FIRST) & set(name.split("."))
    ]
