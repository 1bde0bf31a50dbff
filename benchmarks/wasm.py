"""The engine in WebAssembly beside NeuralAmpModelerCore's, on nets of the presets' sizes.

    python -m benchmarks.wasm

Needs node, and `npm install` in tests/players. The nets are untrained: they cost what any do. One
that has no pedal image is left out, and that is said.
"""

from __future__ import annotations

import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from ampsweep.export import facts_of
from benchmarks.render import untrained
from rigs.errors import UserError
from training.exports.pedal import write_pedal
from training.exports.snapshot import Labels, write_snapshot

NAMES = ("pedal-small", "pedal", "desktop", "nam-standard", "lstm")


def main() -> None:
    pairs: list[Path] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in NAMES:
            model = untrained(name)
            image, snapshot = Path(folder, f"{name}.pedal"), Path(folder, f"{name}.nam")
            try:
                write_pedal(image, model.net, facts_of(model))
            except UserError as error:
                print(f"{name}: {error}")
                continue
            write_snapshot(snapshot, model, model.knobs.default, Labels(), datetime.now(UTC))
            pairs += [image, snapshot]
        script = Path(__file__).with_name("wasm.mjs")
        subprocess.run(["node", script, *pairs], check=True)


if __name__ == "__main__":
    main()
