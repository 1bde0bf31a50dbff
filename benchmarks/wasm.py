"""The engine in WebAssembly beside NeuralAmpModelerCore's, on nets of the presets' sizes.

    python benchmarks/wasm.py

Needs node, and `npm install` in tests/players. The weights are random: they cost what any do.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from rigs.knobs import Knob, KnobTable
from tests.training.random_nets import random_net
from training.checkpoint import Model
from training.exports.pedal import ModelFacts, write_pedal
from training.exports.snapshot import Labels, write_snapshot
from training.models import WaveNetConfig
from training.models.presets import PRESETS

NAMES = ("pedal-small", "pedal", "desktop")
PANEL = KnobTable(
    tuple(Knob(name) for name in ("Gain", "Bass", "Middle", "Treble", "Presence", "Master"))
)


def main() -> None:
    pairs: list[Path] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in NAMES:
            net = random_net(WaveNetConfig.model_validate(PRESETS[name].network), PANEL.inputs)
            model = Model(name, "random", PANEL, 48_000, "wavenet", net, {})
            image, snapshot = Path(folder, f"{name}.pedal"), Path(folder, f"{name}.nam")
            write_pedal(image, net, ModelFacts(name, "random", PANEL, 48_000))
            write_snapshot(snapshot, model, PANEL.default, Labels(), datetime.now(UTC))
            pairs += [image, snapshot]
        script = Path(__file__).with_name("wasm.mjs")
        subprocess.run(["node", script, *pairs], check=True)


if __name__ == "__main__":
    main()
