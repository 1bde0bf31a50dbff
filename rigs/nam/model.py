"""A `.nam` file, ready to play."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rigs.audio import SAMPLE_RATE
from rigs.errors import UserError
from rigs.nam.fields import Fields
from rigs.nam.files import read_nam
from rigs.nam.lstm import Lstm, read_lstm
from rigs.nam.wavenet import WaveNet
from rigs.nam.wavenet_file import read_wavenet
from rigs.nam.weights import Weights

STRETCH = 12 * 2048
"""Frames between two calls of ``progress``."""


@dataclass(frozen=True)
class Model:
    """One static capture."""

    name: str
    """The file's."""
    architecture: str
    """"WaveNet" or "LSTM"."""
    metadata: dict[str, Any]
    """What the file says of itself, unchecked."""
    net: WaveNet | Lstm

    sample_rate = SAMPLE_RATE

    @property
    def receptive_field(self) -> int | None:
        """How many samples of the dry one of the wet depends on; None: on all before it."""
        return self.net.receptive_field

    @property
    def input_level_dbu(self) -> float | None:
        """The level of a 0 dBFS sine at the device's input; None if the file does not say."""
        return self._described("input_level_dbu")

    @property
    def output_level_dbu(self) -> float | None:
        """The level of a sine from the device that reads 0 dBFS; None if the file does not say."""
        return self._described("output_level_dbu")

    @property
    def loudness(self) -> float | None:
        """dB, as NAM measures it on its own recording; None if the file does not say."""
        return self._described("loudness")

    def _described(self, name: str) -> float | None:
        return Fields(self.metadata, self.name).number_or_none(name)

    def play(
        self, dry: NDArray[Any], progress: Callable[[float], None] = lambda _: None
    ) -> NDArray[np.float32]:
        """The wet of ``dry``, both of shape (frames,), aligned, ±1.0 = 0 dBFS, at 48 kHz.

        It begins in the state that endless silence leaves, and the same dry gives the same bits.
        ``progress`` is told the seconds done. Raises UserError if what comes out is not finite.
        """
        x = np.ascontiguousarray(dry, np.float32)
        wet = np.empty_like(x)
        with np.errstate(all="ignore"):  # what overflows is found in the wet
            stream = self.net.stream()
            for start in range(0, len(x), STRETCH):
                part = x[start : start + STRETCH]
                wet[start : start + len(part)] = stream.run(part)
                progress((start + len(part)) / SAMPLE_RATE)
        if not np.isfinite(wet).all():
            raise UserError(
                f"{self.name} plays samples that are not numbers (NaN or inf); leave the file out."
            )
        return wet


def load(path: Path) -> Model:
    """The capture in a `.nam` file; of a container its full-size model.

    Raises UserError if the file is missing, damaged, not at 48 kHz, or of a kind that is not
    played here, which the message names.
    """
    file = read_nam(path)
    if file.architecture not in ("WaveNet", "LSTM"):
        raise file.config.unplayable(f"a {file.architecture[:40]}, not a WaveNet or an LSTM")
    weights = Weights(file.weights, file.config)
    net: WaveNet | Lstm
    if file.architecture == "WaveNet":
        net = read_wavenet(file.config, weights)
    else:
        net = read_lstm(file.config, weights)
    weights.done()
    return Model(file.name, file.architecture, file.metadata, net)
