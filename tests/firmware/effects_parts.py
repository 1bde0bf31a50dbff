"""What is around the net, as programs: firmware/tests/effects/parts.cpp on the host and the M7."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build" / "effects"
RATE = 48000
BLOCK = 48

Audio = npt.NDArray[np.float32]

COLUMNS = {"meter": 4, "tuner": 5, "load": 4, "decibels": 2}
"""Numbers in a row of what only listens; everything else gives audio."""


def make(*targets: str) -> None:
    """Build what firmware/effects.mk calls so; nothing happens where nothing has changed."""
    command = ["make", "--silent", "-f", "effects.mk", f"EFFECTS_BUILD={BUILD}", *targets]
    done = subprocess.run(command, cwd=ROOT / "firmware", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def settings(*of: Any, **now: Any) -> list[str]:
    """``(frame, {name: value})`` pairs, and those that hold from the start."""
    first = [f"{name}={value}" for name, value in now.items()]
    return first + [f"{frame}:{name}={v}" for frame, row in of for name, v in row.items()]


def run(program: str, folder: Path) -> str:
    """What ``program`` prints, run in ``folder``: here, or on the emulated Cortex-M7.

    One instruction takes one nanosecond there, so that its clock counts them.
    """
    command = [str(BUILD / program)]
    if program.endswith(".elf"):
        command = ["qemu-system-arm", "-M", "mps2-an500", "-nographic", "-monitor", "none"]
        command += ["-serial", "none", "-icount", "shift=0", "-kernel", str(BUILD / program)]
        command += ["-semihosting-config", "enable=on,target=native"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def play(
    part: str,
    audio: npt.ArrayLike,
    *words: str,
    blocks: tuple[int, ...] = (BLOCK,),
    on: str = "parts",
) -> Audio:
    """``audio`` through ``part``, cut into ``blocks`` in turn.

    Shape (frames,), or (blocks, columns) for what only listens.
    """
    said = [part, *words, "blocks=" + ",".join(map(str, blocks))]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "words.txt").write_text(" ".join(said))
        (folder / "in.f32").write_bytes(np.asarray(audio, "<f4").tobytes())
        run(on, folder)
        out = np.frombuffer((folder / "out.f32").read_bytes(), "<f4")
    return out.reshape(-1, COLUMNS[part]) if part in COLUMNS else out


def sine(frequency: float, seconds: float, amplitude: float = 1.0) -> npt.NDArray[np.float64]:
    return amplitude * np.sin(2 * np.pi * frequency * np.arange(round(seconds * RATE)) / RATE)


def db(ratio: float) -> float:
    return float(20 * np.log10(ratio + 1e-30))


def splatter(audio: npt.ArrayLike, above: float = 6000.0) -> float:
    """The loudest 5 ms of what lies above a frequency, as an amplitude: what a click is made of.

    The first 20 ms are not looked at: the filter hears a beginning as a click.
    """
    from scipy.signal import butter, sosfilt

    high = sosfilt(butter(8, above, "highpass", fs=RATE, output="sos"), np.asarray(audio))[960:]
    window = np.ones(240) / 240
    return float(np.sqrt(2 * np.convolve(high**2, window, "same").max()))
