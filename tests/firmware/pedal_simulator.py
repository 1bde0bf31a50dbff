"""The pedal without a board: firmware/tests/pedal, compiled, and played by script or by MIDI."""

from __future__ import annotations

import functools
import os
import queue
import subprocess
import tempfile
import threading
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from rigs.errors import DeviceLost
from rigs.pedal.messages import ANY_SLOT, BLOCK, Request, encode, text

ROOT = Path(__file__).parent.parent.parent
SOURCES = ROOT / "firmware" / "tests" / "pedal"
ENGINE = sorted((ROOT / "firmware" / "engine").glob("*.cpp"))
FLAGS = [
    *("-std=c++17", "-g1", "-fno-exceptions", "-fno-rtti"),
    *("-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror"),
    *("-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
]
ENGINE_FLAGS = ["-std=c++17", "-O1", "-fno-exceptions", "-fno-rtti"]
"""Its own tests look into it more closely; here it only has to be there soon."""
BUILT = tempfile.TemporaryDirectory(prefix="ampsweep-pedal-")
PATIENCE = 120.0
CLICK_MS = 8
"""What a click of the encoder takes."""


def _compile(source: Path, *flags: str) -> Path:
    out = Path(BUILT.name) / (source.stem + (".o" if "-c" in flags else ""))
    command = ["g++", *flags, str(source), "-o", str(out)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return out


@functools.cache
def program(name: str) -> Path:
    """A program of firmware/tests/pedal; the simulator has the engine in it."""
    if name != "simulator":
        return _compile(SOURCES / f"{name}.cpp", *FLAGS)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        app = pool.submit(_compile, SOURCES / "simulator.cpp", *FLAGS, "-c")
        engine = list(pool.map(lambda source: _compile(source, *ENGINE_FLAGS, "-c"), ENGINE))
        objects = [app.result(), *engine]
    out = Path(BUILT.name) / "simulator"
    link = ["g++", *FLAGS, *map(str, objects), "-o", str(out)]
    subprocess.run(link, check=True, capture_output=True)
    return out


def upload(data: bytes, name: str, slot: int = ANY_SLOT, kind: int = 1) -> Iterator[bytes]:
    """The messages that bring a file, for a wire on which nothing is lost."""
    crc = zlib.crc32(data)
    size = len(data).to_bytes(4, "little")
    check = crc.to_bytes(4, "little")
    yield encode(Request.BEGIN, bytes([kind, slot]) + size + check + text(name))
    for at in range(0, len(data), BLOCK):
        block = check + at.to_bytes(4, "little") + data[at : at + BLOCK]
        yield encode(Request.BLOCK, block)
    yield encode(Request.END, check)


@dataclass
class Script:
    """What hands, feet and wires do, in milliseconds from the start."""

    now: int = 10

    def __post_init__(self) -> None:
        self.lines: list[str] = []

    def wait(self, ms: int) -> Script:
        self.now += ms
        return self

    def do(self, what: str, ms: int = 0) -> Script:
        """Do it, and wait for so long."""
        self.lines.append(f"{self.now} {what}")
        return self.wait(ms)

    def press(self, foot: int, ms: int = 50) -> Script:
        return self.do(f"foot {foot} down", ms).do(f"foot {foot} up", 50)

    def push(self, ms: int = 50) -> Script:
        return self.do("push down", ms).do("push up", 50)

    def turn(self, clicks: int) -> Script:
        return self.do(f"turn {clicks}", abs(clicks) * CLICK_MS + 50)

    def midi(self, messages: Iterable[bytes], port: str = "usb") -> Script:
        for message in messages:
            self.do(f"midi {port} {message.hex()}", 1)
        return self

    def send(self, data: bytes, name: str, slot: int = ANY_SLOT, kind: int = 1) -> Script:
        """And wait until flash that takes its time has taken it."""
        return self.midi(upload(data, name, slot, kind)).wait(300 + 80 * (len(data) // 4096 + 1))


@dataclass
class Played:
    """What came out of a run of the simulator."""

    folder: Path
    dry: np.ndarray
    wet: np.ndarray
    log: list[tuple[int, str]]

    def frame(self, name: str) -> bytes:
        return (self.folder / f"{name}.png").read_bytes()

    def lights(self, led: int, start: int, end: int) -> list[bool]:
        """One state a millisecond."""
        state, states, events = False, [], dict[int, bool]()
        for at, what in self.log:
            if what.startswith(f"light {led} "):
                events[at] = what.endswith("on")
        for ms in range(end):
            state = events.get(ms, state)
            states.append(state)
        return states[start:]

    def level(self, start: int, end: int) -> float:
        """RMS."""
        return float(np.sqrt(np.mean(self.wet[48 * start : 48 * end].astype(np.float64) ** 2)))


def play(folder: Path, script: Script, dry: np.ndarray | None = None) -> Played:
    """Run the script to its end; ``folder`` keeps the flash from run to run."""
    folder.mkdir(exist_ok=True)
    if dry is None:
        dry = (0.1 * np.sin(2 * np.pi * 220 * np.arange(script.now * 48) / 48000)).astype("f4")
    dry = dry[: script.now * 48]
    soundfile.write(folder / "in.wav", dry, 48000, subtype="FLOAT")
    (folder / "script").write_text("\n".join(script.lines) + "\n")
    names = [folder / name for name in ("script", ".", "in.wav", "out.wav")]
    done = subprocess.run(
        [program("simulator"), *names], capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr
    wet, _ = soundfile.read(folder / "out.wav", dtype="float32")
    lines = (folder / "log.txt").read_text().splitlines()
    log = [(int(at), what) for at, _, what in (line.partition(" ") for line in lines)]
    return Played(folder, dry[: len(wet)], wet, log)


class PipeLink:
    """A simulated pedal at the end of a pipe, which may lose messages and can be pulled."""

    name = "pipe"

    def __init__(self, folder: Path, script: str = "") -> None:
        folder.mkdir(exist_ok=True)
        (folder / "script").write_text(script)
        self.sent = 0
        self.lose: set[int] = set()
        """Which messages get lost on their way there, counted from 0."""
        self.left: int | None = None
        """After how many more messages the cable is pulled; None: never."""
        self._process = subprocess.Popen(
            [program("simulator"), folder / "script", folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        self._heard: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        message = b""
        while byte := self._process.stdout.read(1):
            message = byte if byte == b"\xf0" else message + byte
            if byte == b"\xf7":
                self._heard.put(message)

    def send(self, message: bytes) -> None:
        if self.left == 0:
            raise DeviceLost("The cable is pulled; plug it in.")
        if self.left is not None:
            self.left -= 1
        self.sent += 1
        if self.sent - 1 not in self.lose:
            self.write(message)

    def write(self, raw: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(raw)

    def receive(self, seconds: float) -> bytes | None:
        try:
            return self._heard.get(timeout=seconds)
        except queue.Empty:
            return None

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        assert self._process.wait(PATIENCE) == 0
        self._reader.join()
        self._process.stdout.close()
