"""Compiling the plugin with the system's compiler, for this machine or for others of its kind."""

from __future__ import annotations

from pathlib import Path

from rigs.errors import UserError
from training.native.build import NotCompiled, compile_library
from training.native.engine import FIRMWARE

SOURCE = FIRMWARE / "lv2" / "all.cpp"


def compile_plugin(uri: str, target: Path, *, native: bool) -> None:
    """Compile the plugin of that ``uri`` to the shared library ``target``.

    ``native``: for this processor alone, with all it has. Raises UserError if there is no compiler,
    no LV2 header, or the compiler fails.
    """
    flags = ("-fvisibility=hidden", f'-DAMPSWEEP_URI="{uri}"')
    try:
        compile_library("The plugin", SOURCE, target, *flags, native=native)
    except NotCompiled as error:
        if "lv2/core/lv2.h" not in error.said:
            raise
        raise UserError(
            "The plugin cannot be compiled, for LV2's headers are not installed: on Debian, run "
            "apt install lv2-dev."
        ) from None
