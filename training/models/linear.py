"""A filter and nothing else: the floor, which no device that distorts should sound like."""

from __future__ import annotations

from pydantic import Field

from training.models.stack import Convolution, StackConfig


class LinearConfig(StackConfig):
    """A finite impulse response of ``taps`` samples.

    The knobs mix ``bases`` more of them into it: a factor alone could turn no tone knob.
    """

    conditioning: str = "basis"
    bases: int = Field(8, ge=1, le=16)
    taps: int = Field(512, ge=1, le=8192)

    @property
    def convolutions(self) -> list[Convolution]:
        return [Convolution(1, 1, self.taps)]
