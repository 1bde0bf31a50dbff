"""Compiling a C++ file of this folder on first use, with the system's compiler.

What is built lies in the user's cache, under a name that depends on the source, the flags, the
compiler and the processor.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

import torch
from torch import Tensor

FLAGS = (
    *("-std=c++17", "-O3", "-march=native", "-shared", "-fPIC", "-pthread"),
    # Sums may be reordered, as vector units must; NaN and infinity stay what they are.
    *("-fassociative-math", "-fno-signed-zeros", "-fno-trapping-math", "-fno-math-errno"),
)


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "ampsweep" / "native"


def _processor() -> str:
    """What -march=native depends on, so that a cache shared between machines is not misused."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")


def build(source: Path, *parts: Path, **defines: int) -> ctypes.CDLL | None:
    """``source`` compiled with -DNAME=value for each of ``defines``; None if it cannot be.

    ``parts``: files that it includes, headers beside it apart.
    """
    compiler = shutil.which(os.environ.get("CXX", "c++"))
    if compiler is None:
        return None
    macros = [f"-D{name}={value}" for name, value in defines.items()]
    texts = [path.read_text() for path in (source, *sorted(source.parent.glob("*.h")), *parts)]
    key = "\n".join([*texts, *FLAGS, *macros, compiler, _processor()])
    digest = hashlib.sha256(key.encode()).hexdigest()[:16]
    name = "-".join([source.stem, *map(str, defines.values()), f"{digest}.so"])
    try:
        folder = _cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / name).exists():
            with tempfile.TemporaryDirectory(dir=folder) as temporary:
                built = Path(temporary) / name
                command = [compiler, *FLAGS, *macros, str(source), "-o", str(built)]
                subprocess.run(command, check=True, capture_output=True, timeout=300)
                built.replace(folder / name)
        return ctypes.CDLL(str(folder / name))
    except (OSError, subprocess.SubprocessError):
        return None


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_threads: int | None = None


def use(threads: int | None) -> int | None:
    """From now on, compiled code uses so many cores; None: all. 0: torch serves in its place.

    Returns what it was before.
    """
    global _threads
    before, _threads = _threads, threads
    return before


def threads() -> int:
    """Cores that compiled code uses: windows are independent, so each takes its share."""
    return cores() if _threads is None else _threads


def pointer(tensor: Tensor) -> ctypes.c_void_p:
    """Where a tensor's values are, for C++."""
    return ctypes.c_void_p(tensor.data_ptr())


_free: dict[int, list[Tensor]] = {}
"""Working memory not in use, by size: the page faults of fresh memory cost more than the sums."""


def borrow(floats: int) -> Tensor:
    """Working memory; its contents are whatever they are."""
    waiting = _free.get(floats)
    return waiting.pop() if waiting else torch.empty(floats)


def give_back(memory: Tensor) -> None:
    """Let the next :func:`borrow` of that size have it."""
    if memory.numel() not in _free:
        _free.clear()  # windows have changed size; the old memory will not be asked for again
    _free.setdefault(memory.numel(), []).append(memory)
