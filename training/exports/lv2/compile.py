"""Compiling the plugin with the system's compiler, for this machine or for others of its kind."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from rigs.errors import UserError
from training.native.build import FLAGS
from training.native.engine import FIRMWARE

SOURCE = FIRMWARE / "lv2" / "all.cpp"
NATIVE = "-march=native"
PATIENCE = 600.0
"""Seconds; a Raspberry Pi needs one or two minutes."""


def compile_plugin(uri: str, target: Path, *, native: bool) -> None:
    """Compile the plugin of that ``uri`` to the shared library ``target``.

    ``native``: for this processor alone, with all it has. Raises UserError if there is no compiler,
    no LV2 header, or the compiler fails.
    """
    compiler = shutil.which(os.environ.get("CXX", "c++"))
    if compiler is None:
        raise UserError(
            "The plugin cannot be compiled, for there is no C++ compiler; install one (on Debian: "
            "apt install g++), or name it in CXX."
        )
    flags = [flag for flag in FLAGS if native or flag != NATIVE]
    own = ["-fvisibility=hidden", f'-DAMPSWEEP_URI="{uri}"']
    command = [compiler, *flags, *own, str(SOURCE), "-o", str(target)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise UserError(
            f"{compiler} was not done after {PATIENCE / 60:.0f} minutes; try again when the "
            "machine has less to do."
        ) from None
    if done.returncode == 0:
        return
    if "lv2/core/lv2.h" in done.stderr:
        raise UserError(
            "The plugin cannot be compiled, for LV2's headers are not installed: on Debian, run "
            "apt install lv2-dev."
        )
    said = next((line for line in done.stderr.splitlines() if "error" in line), "no reason given")
    raise UserError(f"The plugin cannot be compiled by {compiler} ({said}); try another in CXX.")
