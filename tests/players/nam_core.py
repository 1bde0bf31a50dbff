"""NeuralAmpModelerCore, the C++ of NAM's plugin, as the WebAssembly that web players use."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).parent


def play(
    path: Path, audio: NDArray[np.float32], sample_rate: int = 48_000, block: int = 128
) -> NDArray[np.float32]:
    """Wet audio of the `.nam` file from the state in which it loads, ``block`` frames a call."""
    node = shutil.which("node")
    assert node, "node is missing; install Node.js 20"
    assert (HERE / "node_modules/@opendaw/nam-wasm").is_dir(), (
        f"NAM's player is missing; run `npm install --no-package-lock` in {HERE}"
    )
    with tempfile.TemporaryDirectory() as folder:
        dry, wet = Path(folder, "dry.f32"), Path(folder, "wet.f32")
        np.asarray(audio, "<f4").tofile(dry)
        command = [node, HERE / "nam_core.mjs", path, dry, wet, str(sample_rate), str(block)]
        run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert run.returncode == 0, run.stdout + run.stderr
        return np.fromfile(wet, "<f4")
