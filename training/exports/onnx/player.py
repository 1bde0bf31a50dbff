"""How an exported model is played: what any player of it does, here with onnxruntime."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from rigs.audio import Audio
from training.models.control import CONTROL_INTERVAL

Floats = NDArray[np.float32]
Feed = dict[str, Floats]


class OnnxPlayer:
    """A model; ``facts`` are its metadata."""

    def __init__(self, model: bytes | Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # the net is too small for two
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        given = str(model) if isinstance(model, Path) else model
        self._session = onnxruntime.InferenceSession(given, options, ["CPUExecutionProvider"])
        self.facts: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
        sizes = {given.name: given.shape for given in self._session.get_inputs()}
        self._state_size: int = sizes["state"][0]

    def play(
        self,
        dry: Audio,
        positions: NDArray[Any],
        block: int = 100 * CONTROL_INTERVAL,
        listen: Callable[[Feed], None] = lambda _: None,
    ) -> Audio:
        """The wet of ``dry``, (samples,), from the state that endless silence leaves.

        ``positions``: panel positions, (knobs,) if they are still, else one row a control frame.
        ``block``: how many samples at once, a multiple of 48. ``listen`` is told what is fed.
        """
        frames = np.atleast_2d(positions).astype(np.float32)
        moving = len(frames) > 1
        state = np.zeros(self._state_size, np.float32)
        silence = np.zeros((1, int(self.facts["prime_samples"])), np.float32)
        state = self._run({"dry": silence, "state": state, "knobs": frames[:1]})[1]
        wet = []
        for start in range(0, len(dry), block):
            part = dry[start : start + block]
            padded = np.zeros((1, -(-len(part) // CONTROL_INTERVAL) * CONTROL_INTERVAL), np.float32)
            padded[0, : len(part)] = part
            first = start // CONTROL_INTERVAL
            last = first + padded.shape[1] // CONTROL_INTERVAL + 1
            feed = {
                "dry": padded,
                "state": state,
                "knobs": frames[first:last] if moving else frames,
            }
            listen(feed)
            made, state = self._run(feed)
            wet.append(made[0, : len(part)])
        return np.concatenate(wet) if wet else np.zeros(0, np.float32)

    def _run(self, feed: Feed) -> tuple[Floats, Floats]:
        wet, state = self._session.run(["wet", "next_state"], feed)
        return wet, state
