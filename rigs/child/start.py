"""Starting a module of ours in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO

_ROOT = Path(__file__).parents[2]
_PIPE_BYTES = 1 << 20


def start(
    module: str,
    *arguments: str,
    stdin: int = subprocess.PIPE,
    stderr: int | IO[bytes] | None = None,
) -> subprocess.Popen[bytes]:
    """Run ``python -m module arguments``; we read what it prints, and write what it is told.

    ``stderr`` is where its errors go; None: nowhere. It does not hear of Ctrl-C: that is for us,
    who end it.
    """
    # The package may be run from a checkout that is not installed.
    path = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))
    process = subprocess.Popen(
        # -P: a folder that happens to be the current one is no place to import from.
        [sys.executable, "-P", "-m", module, *arguments],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if stderr is None else stderr,
        # libjack would start a server to see whether there is one.
        env={**os.environ, "PYTHONPATH": path, "JACK_NO_START_SERVER": "1"},
        start_new_session=True,
    )
    for stream in (process.stdin, process.stdout):
        _widen(stream)
    return process


def _widen(pipe: IO[bytes] | None) -> None:
    """Let much through at once: each piece would wait for a thread that does something else."""
    if sys.platform == "linux" and pipe is not None:
        import fcntl

        with suppress(OSError):  # more than this system grants
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
