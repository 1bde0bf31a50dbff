"""How fast the engine renders on one core, beside others that play the same model.

    python -m benchmarks.render [MODEL | PRESET] [--seconds 20]

freezes MODEL (a folder, or an untrained net of the preset, `pedal` by default) at its default
setting as a .nam file, plays the same audio through it with each player, and prints how much
faster than real time each is. For the engine there is a second row, all knobs moving, which no
other can do. Every player has one core; what is timed is its own processor time, start-up apart:
each plays a short and a long file, and the difference counts.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch

from ampsweep.export import facts_of
from dataset.signals import playing
from rigs.audio import SAMPLE_RATE, esr
from rigs.knobs import Knob, KnobTable
from tests.players import nam_core, nam_python
from training.checkpoint import Model, load_model
from training.exports.pedal import to_pedal
from training.exports.snapshot import Labels, write_snapshot
from training.models import MODELS
from training.models.control import frames_for
from training.models.presets import PRESETS
from training.native.engine import NativeEngine
from training.play import play

PANEL = KnobTable(tuple(map(Knob, ("Gain", "Bass", "Middle", "Treble", "Presence", "Master"))))
SHORT = 2.0
TRIALS = 3


def untrained(preset: str) -> Model:
    """A net of that preset with random weights, and six knobs."""
    torch.manual_seed(1)
    chosen = PRESETS[preset]
    config, net = MODELS[chosen.kind]
    made = net(config.model_validate(chosen.network), PANEL.inputs).eval()
    return Model(preset, preset, PANEL, SAMPLE_RATE, chosen.kind, made, {})


def seconds_of(player: Callable[[np.ndarray], np.ndarray], dry: np.ndarray) -> float:
    """Processor time of this process and of what it starts, the best of a few trials."""
    best = np.inf
    for _ in range(TRIALS):
        before = _spent()
        player(dry)
        best = min(best, _spent() - before)
    return best


def _spent() -> float:
    both = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model", nargs="?", default="pedal")
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    folder = Path(options.model)
    model = load_model(folder) if folder.is_dir() else untrained(options.model)
    knobs, net = model.knobs, model.net
    dry = playing(options.seconds, np.random.default_rng(3)).astype(np.float32)
    still = knobs.to_array(knobs.default)
    ends = np.stack([knobs.minimum, knobs.maximum])
    way = np.sin(np.arange(frames_for(len(dry)))[:, None] / np.arange(50, 50 + len(knobs)))
    moving = ends[0] + (way + 1) / 2 * (ends[1] - ends[0])
    engine = NativeEngine(to_pedal(net, facts_of(model)))
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary, "x.nam")
        date = datetime.fromtimestamp(time.time(), UTC)
        write_snapshot(path, model, knobs.default, Labels(), date)
        players: dict[str, Callable[[np.ndarray], np.ndarray]] = {
            "engine": lambda x: engine.render(x, still),
            "engine, all knobs moving": lambda x: engine.render(x, moving[: frames_for(len(x))]),
            "torch": lambda x: play(net, x, knobs.to_inputs(still)),
            "neural-amp-modeler": lambda x: nam_python.play(path, x),
            "NeuralAmpModelerCore, WebAssembly": lambda x: nam_core.play(path, x),
        }
        short = dry[: int(SHORT * SAMPLE_RATE)]
        truth = play(net, short, knobs.to_inputs(still))
        print(f"{model.name}: {options.seconds:g} s, the best of {TRIALS}")
        for name, player in players.items():
            error = "" if "moving" in name else f"   ESR {esr(truth, player(short)):.0e}"
            needed = seconds_of(player, dry) - seconds_of(player, short)
            speed = (options.seconds - SHORT) / needed
            print(f"{name:36} {speed:7.1f} x real time{error}")


if __name__ == "__main__":
    main()
