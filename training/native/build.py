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

from rigs.errors import UserError

NATIVE = "-march=native"
FLAGS = (
    *("-std=c++17", "-O3", NATIVE, "-shared", "-fPIC", "-pthread"),
    # Sums may be reordered, as vector units must; NaN and infinity stay what they are.
    *("-fassociative-math", "-fno-signed-zeros", "-fno-trapping-math", "-fno-math-errno"),
)
PATIENCE = 600.0
"""Seconds; a Raspberry Pi needs one or two minutes."""


class NotCompiled(UserError):
    """Why not, in a sentence; ``said`` is all that the compiler said."""

    def __init__(self, sentence: str, said: str = "") -> None:
        super().__init__(sentence)
        self.said = said


def compiler(what: str) -> str:
    """The system's C++ compiler, or that of CXX; raises NotCompiled of ``what`` without one."""
    found = shutil.which(os.environ.get("CXX", "c++"))
    if found is None:
        raise NotCompiled(
            f"{what} cannot be compiled, for there is no C++ compiler; install one (on Debian: "
            "apt install g++), or name it in CXX."
        )
    return found


def compile_library(what: str, source: Path, target: Path, *more: str, native: bool = True) -> None:
    """Compile ``source`` to the shared library ``target``; raises NotCompiled of ``what``.

    ``more``: further flags. ``native``: for this processor alone, with all it has.
    """
    program = compiler(what)
    flags = [flag for flag in FLAGS if native or flag != NATIVE]
    command = [program, *flags, *more, str(source), "-o", str(target)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        raise NotCompiled(
            f"{program} was not done after {PATIENCE / 60:.0f} minutes; try again when the "
            "machine has less to do."
        ) from None
    if done.returncode:
        lines = done.stderr.splitlines()
        said = next((line for line in lines if "error" in line), "no reason given")
        raise NotCompiled(
            f"{what} cannot be compiled by {program} ({said}); try another in CXX.", done.stderr
        )


BEND = Path(__file__).parents[2] / "firmware" / "engine" / "bend.h"
"""tanh and the sigmoid, which compiled training shares with the engine that plays."""


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


def compiled(what: str, source: Path, *parts: Path, **defines: int) -> ctypes.CDLL:
    """``source`` compiled with -DNAME=value for each of ``defines``.

    ``parts``: files that it includes, headers beside it apart. Raises NotCompiled of ``what``.
    """
    program = compiler(what)
    macros = [f"-D{name}={value}" for name, value in defines.items()]
    texts = [path.read_text() for path in (source, *sorted(source.parent.glob("*.h")), *parts)]
    key = "\n".join([*texts, *FLAGS, *macros, program, _processor()])
    digest = hashlib.sha256(key.encode()).hexdigest()[:16]
    folder = _cache_folder()
    target = folder / "-".join([source.stem, *map(str, defines.values()), f"{digest}.so"])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            with tempfile.TemporaryDirectory(dir=folder) as temporary:
                built = Path(temporary) / target.name
                compile_library(what, source, built, *macros)
                built.replace(target)
        return ctypes.CDLL(str(target))
    except OSError as error:
        raise NotCompiled(
            f"{what} cannot be kept in {folder} ({error}); let XDG_CACHE_HOME name a folder that "
            "can be written to."
        ) from None


def build(source: Path, *parts: Path, **defines: int) -> ctypes.CDLL | None:
    """:func:`compiled`, or None where it cannot be and something else serves."""
    try:
        return compiled(source.name, source, *parts, **defines)
    except NotCompiled:
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
