"""One VST3 plugin at work, block by block."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rigs.audio import SAMPLE_RATE, Audio
from rigs.errors import UserError


class Vst3Plugin:
    """A loaded plugin, ``loaded`` by pedalboard, that is made anew for each take.

    It works in blocks of ``block`` frames. ``keys`` are indices of parameters, and ``channel`` the
    one that is kept of a stereo plugin. Raises UserError if it takes neither mono nor stereo.
    """

    def __init__(self, loaded: Any, block: int, channel: int, keys: Sequence[int]) -> None:
        from pedalboard_native import ExternalPluginReloadType

        # Pedalboard tries a plugin out with random noise when it loads it, and if the plugin seems
        # to forget the noise, leaves it at that: one take in twelve of ZamTube then began with
        # what was left of it. Told that it does not forget, `reset` makes a new one every time.
        loaded._reload_type = ExternalPluginReloadType.PersistsAudioOnReset
        self._loaded, self._block = loaded, block
        self._channel, self._keys = channel, keys
        self.seconds = 0.0
        self._parameters: Any = None
        """Those it has since it was last made ready, which its first block does."""
        self._channels = self._find_channels()
        self._state = bytes(loaded.raw_state)

    def _find_channels(self) -> int:
        for channels in (1, 2):
            try:
                self.process(np.zeros((channels, self._block), np.float32))
            except ValueError:
                continue
            return channels
        raise UserError("This VST3 plugin takes neither mono nor stereo; it cannot be captured.")

    def renew(self) -> None:
        """Make it as it was when it was loaded."""
        begun = perf_counter()
        self._loaded.raw_state = self._state
        self._loaded.reset()
        self.seconds = perf_counter() - begun
        self._parameters = None

    def turn(self, values: Sequence[float]) -> None:
        """Give the parameters these values, 0 to 1."""
        begun = perf_counter()
        # Not `parameters`, which asks every parameter for a thousand texts to guess its range.
        parameters = self._parameters or self._loaded._parameters
        for key, value in zip(self._keys, values, strict=True):
            parameters[key].raw_value = min(max(value, 0.0), 1.0)
        self.seconds += perf_counter() - begun

    def play(self, dry: Audio) -> Audio:
        """Whole blocks of ``dry``, shape (frames,), through it; fewer at first if it delays."""
        came = self.process(np.tile(dry, (self._channels, 1)))
        wet: Audio = came[min(self._channel, len(came) - 1)]
        return wet

    def process(self, dry: NDArray[np.float32]) -> NDArray[np.float32]:
        """Shape (channels, frames), as pedalboard has it."""
        begun = perf_counter()
        played = self._loaded.process(dry, SAMPLE_RATE, buffer_size=self._block, reset=False)
        self.seconds += perf_counter() - begun
        # A plugin that is made ready again makes new ones, and the old are gone.
        self._parameters = self._parameters or self._loaded._parameters
        return np.asarray(played, np.float32)


class Vst3Instance:
    """One take's use of ``plugin``, which is made anew for it."""

    def __init__(self, plugin: Vst3Plugin, block: int) -> None:
        self._plugin, self._block = plugin, block
        self._given: list[float] | None = None
        self.latency = 0
        plugin.renew()

    @property
    def seconds(self) -> float:
        """Spent in the plugin's own code so far."""
        return self._plugin.seconds

    def run(self, dry: Audio, values: NDArray[np.float32]) -> Audio:
        """What comes of ``dry``, shape (frames,): whole blocks, late by ``latency`` frames.

        ``values``, shape (blocks, keys), is what the parameters are given at each block, 0 to 1;
        with one row they stand still.
        """
        if len(values) == 1:
            return self._play(dry, values[0])
        parts = dry.reshape(-1, self._block)
        rows = values[np.minimum(np.arange(len(parts)), len(values) - 1)]
        return np.concatenate([self._play(x, row) for x, row in zip(parts, rows, strict=True)])

    def _play(self, dry: Audio, row: NDArray[np.float32]) -> Audio:
        values = row.tolist()
        if values != self._given:
            self._plugin.turn(values)
            self._given = values
        wet = self._plugin.play(dry)
        # Pedalboard keeps back the first frames of a plugin that delays: they are put back here,
        # so that all plugins delay alike.
        late = len(dry) - len(wet)
        self.latency += late
        return np.concatenate([np.zeros(late, np.float32), wet]) if late else wet

    def close(self) -> None:
        """It is made anew before the next take, and let go when its process ends."""
