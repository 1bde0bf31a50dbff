"""A static Wiener–Hammerstein model: a filter, a curve, a filter.

Eichas and Zölzer, Gray-Box Modeling of Guitar Amplifiers, 2018, have amplifiers in this form. The
curve is a sum of ``units`` hyperbolic tangents, which comes as near to any as one likes.
"""

from __future__ import annotations

from pydantic import Field

from training.models.stack import Convolution, StackConfig


class WienerHammersteinConfig(StackConfig):
    """Two finite impulse responses of ``taps`` samples, and the curve between them.

    The knobs mix ``bases`` more into each, and scale and shift what goes into the curve.
    """

    conditioning: str = "basis"
    taps: int = Field(256, ge=1, le=4096)
    units: int = Field(8, ge=1, le=64)

    @property
    def convolutions(self) -> list[Convolution]:
        return [
            Convolution(1, 1, self.taps),
            Convolution(1, self.units, tanh=True),
            Convolution(self.units, 1),
            Convolution(1, 1, self.taps),
        ]
