"""What a person sees of a capture session, and how it is stopped."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import yaml
from rich.console import Console

from ampsweep.app import run
from ampsweep.session_view import Shown, View, clean, duration
from ampsweep.stopping import NOTICE, Stop
from dataset.plan import PlanEntry
from dataset.session import (
    Decided,
    Event,
    Facts,
    Heard,
    Kept,
    Paused,
    Planned,
    Progressed,
    Resumed,
    Retrying,
    SetAside,
    Started,
    Waiting,
)
from dataset.store import Dataset
from rigs.knobs import Knob, KnobTable
from rigs.trajectory import Trajectory

KNOBS = KnobTable((Knob("Gain"), Knob("Voice", 0, 1, 0, detents=("vintage", "modern"))))
FACTS = Facts(-3.2, -18.4, -np.inf, 312.44, 5.3, 1.5e-4)


def entry(index: int, seconds: float = 10.0) -> PlanEntry:
    positions = np.array([[6.25, 1]], np.float32)
    return PlanEntry(index, "train", Trajectory(positions), "dry", 0, round(48_000 * seconds))


def kept(index: int, *flags: str) -> Kept:
    return Kept(entry(index), Path(f"s-{index:06d}.parquet"), flags, 1, FACTS)


STORY: list[Event] = [
    Planned(40, 10, 400.0, 100.0),
    Waiting("two takes that agree (warm-up)"),
    Heard("warm-up", 3, FACTS, 8e-4, 2e-3),
    Decided("Warmed up."),
    Started(entry(10), 1),
    Progressed(entry(10), 5.0),
    Retrying(entry(10), 1, ("xrun",)),
    Started(entry(10), 2),
    kept(10),
    Paused(entry(11), "The cable \x1b[2J was pulled"),
    Resumed(entry(11), 75.0),
    kept(11, "silent"),
    SetAside(Path("a.parquet"), Path("damaged/a.parquet")),
]


class Watch:
    """A clock that a test turns."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def drawn(view: View, width: int = 80) -> list[str]:
    console = Console(file=StringIO(), width=width, force_terminal=True, color_system=None)
    console.print(view)
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    return [line.rstrip() for line in shown.splitlines()]


def test_the_display_says_what_one_wants_to_know(tmp_path: Path) -> None:
    watch = Watch()
    view = View(KNOBS, tmp_path, clock=watch)
    for event in STORY[:2]:
        view.event(event)
    watch.now = 65.0
    view.event(STORY[2])
    lines = drawn(view)
    assert lines[0].startswith("10 of 40 captures")
    assert "time left: not known yet" in lines[0]
    assert lines[2] == "last     RMS -18.4, peak -3.2, quiet silent dBFS, latency 312.4"
    assert lines[3] == "sentinel -27.0 dB from the first"
    assert lines[4].startswith("waiting  1:05 for two takes that agree (warm-up): take 3, -31.0 dB")
    assert re.fullmatch(r"disk     \d+\.\d GB free", lines[5])
    for event in STORY[4:6]:
        view.event(event)
    watch.now += 10.0
    lines = drawn(view)
    assert lines[1] == "now      train 10, 5.0 of 10.0 s, Gain 6.25, Voice modern"
    assert lines[4] == "waiting  -"
    # 5 s of audio took 10 s, and 295 are left.
    assert lines[0].endswith("9:50 left")
    for event in STORY[6:]:
        view.event(event)
    lines = drawn(view)
    assert lines[0].startswith("12 of 40 captures")
    assert "take 2" in lines[1]
    assert lines[3] == "sentinel -38.2 dB from the first (capture 11)"
    assert lines[6] == "flags    11: silent"
    assert lines[7] == "         10, take 1: xrun"


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_display_is_always_as_high(tmp_path: Path, width: int) -> None:
    asked: list[bool] = []
    view = View(KNOBS, tmp_path, lambda: bool(asked))
    heights = {len(drawn(view, width))}
    for event in STORY:
        view.event(event)
        heights.add(len(drawn(view, width)))
    assert NOTICE not in drawn(view, 200)
    asked.append(True)
    heights.add(len(drawn(view, width)))
    assert NOTICE in drawn(view, 200)
    assert len(heights) == 1
    assert all(len(line) <= width for line in drawn(view, width))


def test_without_a_terminal_there_are_plain_lines(tmp_path: Path) -> None:
    console = Console(file=StringIO(), width=40, force_terminal=False)
    with Shown(console, View(KNOBS, tmp_path)) as shown:
        for event in STORY:
            shown.event(event)
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert "\x1b" not in said
    assert said.splitlines()[:4] == [
        "waiting for two takes that agree (warm-up)",
        "Warmed up.",
        "capture 10 again: xrun",
        "train 10 captured: RMS -18.4, peak -3.2, quiet silent dBFS, latency 312.4; "
        + said.splitlines()[3].rpartition("; ")[2],
    ]
    assert "paused at capture 11: The cable \N{REPLACEMENT CHARACTER}[2J was pulled" in said
    assert "the rig is back after 1:15" in said
    assert "s-000011: silent" in said
    assert "a.parquet was cut short" in said


def test_many_captures_are_few_lines(tmp_path: Path) -> None:
    console = Console(file=StringIO(), force_terminal=False)
    shown = Shown(console, View(KNOBS, tmp_path))
    for index in range(1000):
        shown.event(kept(index))
    assert console.file.getvalue().count("\n") < 100  # type: ignore[attr-defined]


def test_durations_and_strange_names() -> None:
    assert [duration(s) for s in (-1, 59.6, 61, 3723)] == ["0:00", "1:00", "1:01", "1:02:03"]
    assert clean("a\n\x1b[2J\tb") == "a \N{REPLACEMENT CHARACTER}[2J b"


def test_ctrl_c_asks_first_and_then_raises(capfd: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGINT)
    with Stop(notice=True) as stop:
        assert not stop()
        signal.raise_signal(signal.SIGINT)
        assert stop()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
    assert capfd.readouterr().err == f"{NOTICE}\n"


def test_elsewhere_than_in_the_main_thread_ctrl_c_is_left_alone() -> None:
    before = signal.getsignal(signal.SIGINT)
    found: list[object] = []

    def session() -> None:
        with Stop(notice=False):
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=session)
    thread.start()
    thread.join()
    assert found == [before]


# --- the verb -------------------------------------------------------------------------------

RIG = """
name = "bench"
device = "amp"
[actuator]
type = "parameters"
[path]
type = "virtual-amp"
"""
RECIPE = {
    "plan": {
        "train": [{"design": "sobol", "settings": 60, "seconds": 1}],
        "validation": {"settings": 1, "seconds": 1},
        "test": {"settings": 1, "seconds": 1},
    }
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rig.toml").write_text(RIG)
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(RECIPE))
    assert run(["plan", "rig.toml"]) == 0
    return tmp_path


@contextmanager
def at_a_terminal(project: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """`ampsweep capture` in a terminal of 80 by 24, which it does not own: signals are sent."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    code = "import sys; from ampsweep.app import main; main()"
    command = [sys.executable, "-c", code, "capture", "rig.toml"]
    process = subprocess.Popen(
        command, cwd=project, stdin=slave, stdout=slave, stderr=slave,
        env={**os.environ, "TERM": "xterm"}, start_new_session=True,
    )  # fmt: skip
    os.close(slave)
    try:
        yield process, master
    finally:
        process.kill()
        process.wait()
        os.close(master)


def hear(master: int, until: bytes = b"", patience: float = 120.0) -> str:
    """What the terminal is sent until something is in it, or until it is closed."""
    shown, end = b"", time.monotonic() + patience
    while not until or until not in shown:
        assert time.monotonic() < end, shown.decode()
        if select.select([master], [], [], 0.1)[0]:
            try:
                shown += os.read(master, 65536)
            except OSError:
                break
    return shown.decode()


def test_ctrl_c_once_finishes_the_capture_and_twice_stops(project: Path) -> None:
    with at_a_terminal(project) as (process, master):
        hear(master, b"3 of 62 captures")
        process.send_signal(signal.SIGINT)
        said = " ".join(hear(master).split())
        assert process.wait(60) == 130
    assert re.search(r"Stopped after \d+ captures, each of them whole", said), said
    assert "Traceback" not in said
    done = len(Dataset.open(project / "data/amp"))
    assert 3 <= done < 62
    (summary,) = (project / "data/amp/sessions").glob("*.md")
    assert "it was asked to stop; the capture in hand was finished" in summary.read_text()

    with at_a_terminal(project) as (process, master):
        hear(master, f"{done} of 62 captures".encode())
        process.send_signal(signal.SIGINT)
        said = hear(master, b"Ctrl-C again")
        process.send_signal(signal.SIGINT)
        said += hear(master)
        assert process.wait(60) == 130, said
    assert "Stopped" in said
    assert "Traceback" not in said


def test_without_a_terminal_it_says_what_it_left(
    project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["capture", "rig.toml"]) == 0
    said = capfd.readouterr().out
    assert "62 captures written to data/amp; what happened is in data/amp/sessions/" in said
    assert "\x1b" not in said
    assert run(["capture", "rig.toml"]) == 0
    assert "0 captures written to data/amp (62 were there already)." in capfd.readouterr().out
