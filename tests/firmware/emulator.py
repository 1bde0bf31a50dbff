"""The engine on an emulated Cortex-M7, and how many instructions it takes there."""

from __future__ import annotations

import functools
import os
import re
import struct
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FIRMWARE = Path(__file__).parents[2] / "firmware"
BUILD = FIRMWARE.parent / "build" / "firmware"
MACHINE = ("-M", "mps2-an500", "-nographic", "-monitor", "none", "-serial", "none")
COUNTING = ("-icount", "shift=0", "-semihosting-config", "enable=on,target=native")
FRAMES = 48


@functools.cache
def made(target: str) -> Path:
    """A target of firmware/Makefile, up to date; where it is."""
    command = ["make", "-s", "-C", str(FIRMWARE), f"BUILD={BUILD}", f"{BUILD}/{target}"]
    environment = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return BUILD / target


@dataclass(frozen=True)
class Played:
    """What was played; bytes of memory; instructions of opening, of loading, of a sample."""

    wet: NDArray[np.float32]
    arena: int
    fast: int
    stack: int
    opening: int
    loading: int
    blocks: NDArray[np.float64]
    """Of a sample of each block."""


def play_on_m7(image: bytes, dry: NDArray[np.float32], positions: NDArray[np.floating]) -> Played:
    """``positions``: (knobs,), or one row a control frame, as `NativeEngine.render` takes them."""
    rows = np.atleast_2d(positions).astype("<f4")
    parts = (image, dry.astype("<f4").tobytes(), rows.tobytes())
    counts = (len(image), len(dry), len(rows))
    with tempfile.TemporaryDirectory() as folder:
        job = b"".join(struct.pack("<I", n) + part for n, part in zip(counts, parts, strict=True))
        Path(folder, "job.bin").write_bytes(job)
        elf = made("player.elf")
        command = ["qemu-system-arm", *MACHINE, *COUNTING, "-kernel", str(elf)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, f"{done.returncode} {done.stdout} {done.stderr}"
        facts = [*map(int, done.stdout.split())]
        wet = np.frombuffer(Path(folder, "wet.bin").read_bytes(), "<f4")
    return Played(wet, *facts[:5], np.array(facts[5:]) / FRAMES)


def hot_loops(symbol: str) -> list[list[str]]:
    """The innermost loops that m7.h and m7_three.h put into functions of the engine.

    ``symbol``: a regular expression of their names. Without the branch at the loops' end, which is
    predicted.
    """
    command = ["arm-none-eabi-objdump", "-d", "--no-show-raw-insn", str(made("engine.o"))]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    head = rf"^[0-9a-f]+ <[^>]*(?:{symbol})[^>]*>:\n"
    bodies = re.findall(head + r"(.*?)\n\n", text + "\n\n", re.MULTILINE | re.DOTALL)
    return [loop for body in bodies for loop in _loops_of(body)]


def _loops_of(body: str) -> list[list[str]]:
    lines = [line.split("\t", 1) for line in body.splitlines() if ":\t" in line]
    places = {int(at.strip(" :"), 16): i for i, (at, _) in enumerate(lines)}
    loops = []
    for i, (_, line) in enumerate(lines):
        branch = re.match(r"bne(?:\.[nw])?\t([0-9a-f]+)", line)
        start = places.get(int(branch[1], 16), i) if branch else i
        loop = [re.sub(r"\s*[@;<].*", "", line) for _, line in lines[start : i + 1]]
        inner = not any(line.startswith("b") for line in loop[:-1]) and "vldm" in "".join(loop)
        if start < i and inner and sum(line.startswith("vfma") for line in loop) >= FRAMES // 2:
            loops.append(loop[:-1])
    return loops


def cycles(loop: list[str], times: int = 100) -> float:
    """Cycles of one turn of a loop, as llvm-mca has it.

    It takes a `vldm` for one load whatever its length; the M7 loads two registers a cycle, so it
    is given loads of two.
    """
    machine = ("-mtriple=thumbv7em-none-eabihf", "-mcpu=cortex-m7")
    command = ["llvm-mca", *machine, f"-iterations={times}"]
    source = "\n".join([".syntax unified", *(part for line in loop for part in _loads(line))])
    done = subprocess.run(command, input=source + "\n", capture_output=True, text=True)
    found = re.search(r"Total Cycles:\s+(\d+)", done.stdout)
    assert found, done.stderr
    return int(found[1]) / times


def _loads(line: str) -> list[str]:
    """A load or store of many registers, or a load that steps on, taken apart; else the line."""
    if step := re.match(r"(ldr\S*\t\w+, \[(\w+)\]), (#\d+)", line):
        return [step[1], f"add {step[2]}, {step[2]}, {step[3]}"]  # llvm-mca 14 crashes over it
    many = re.match(r"v(ld|st)mia\t(\w+)(!?), \{s(\d+)(?:-s(\d+))?\}", line)
    if not many:
        return [line]
    what, base, first, last = many[1] + "r", many[2], int(many[4]), int(many[5] or many[4])
    parts, at = [], first
    while at <= last:
        pair = at % 2 == 0 and at < last
        name = f"d{at // 2}" if pair else f"s{at}"
        parts.append(f"v{what} {name}, [{base}, #{4 * (at - first)}]")
        at += 2 if pair else 1
    return [*parts, f"add {base}, {base}, #{4 * (last - first + 1)}"] if many[3] else parts
