"""The simulation of a circuit, on circuits whose answer is known."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from circuit_bench import DIVIDER, built_in, bursts, circuit, play, sine
from pydantic import ValidationError
from scipy.signal import firwin

from rigs.audio import esr
from rigs.circuits import spice
from rigs.circuits.chunks import FADE, MARGIN, split
from rigs.circuits.deck import PHASE, SOURCE, write_source
from rigs.errors import UserError
from rigs.paths.circuit import CircuitOptions
from rigs.rig import Motion, nobody
from rigs.trajectory import Trajectory

CLIPPER = (
    "R1 in out {1k + 1k*turn}\nC1 out 0 10n\nD1 out 0 d1\nD2 0 out d1\n.model d1 d(is=2.5n n=1.8)\n"
)
LOWPASS = "R1 in out 1k\nC1 out 0 {turn*20n}\n"
MOVED = np.array([[10.0], [1.0], [4.0], [4.0]])


def test_a_divider_divides_and_delays_nothing(tmp_path: Path) -> None:
    """Across three chunks, from the first sample to the last."""
    rng = np.random.default_rng(1)
    below_20_khz = firwin(255, 0.8, window=("kaiser", 12))
    noise = np.convolve(rng.uniform(-0.9, 0.9, 7000), below_20_khz, "same")
    dry = (noise * np.hanning(7000)).astype(np.float32)
    wet = play(circuit(tmp_path, DIVIDER, chunk=0.05), dry, Turn=2.5)
    assert wet.shape == dry.shape
    assert wet.dtype == np.float32
    np.testing.assert_allclose(wet, dry * 2501 / 10002, atol=1e-6)


def test_volts(tmp_path: Path) -> None:
    path = circuit(tmp_path, DIVIDER, input_volts=9.0, output_volts=0.5)
    dry = sine(1000, 0.5, 0.02)
    np.testing.assert_allclose(play(path, dry, Turn=5), dry * 9, atol=1e-4)


def test_other_nodes(tmp_path: Path) -> None:
    path = circuit(tmp_path, DIVIDER + "R3 out 0 1G\nR4 far in 1\nR5 far 0 1", input="far")
    np.testing.assert_allclose(
        play(path, sine(1000, 0.5, 0.01))[200], 0.25 * sine(1000, 1, 0.01)[200], rtol=0.05
    )
    with pytest.raises(UserError, match="no node 'near' to be its output"):
        circuit(tmp_path, DIVIDER, output="near")
    with pytest.raises(UserError, match="no node 'hidden'"):
        circuit(tmp_path, DIVIDER + ".subckt s a\nR1 a hidden 1\n.ends\n", output="hidden")


@pytest.mark.parametrize("frequency", [100.0, 1000.0, 9000.0])
def test_a_low_pass_is_the_one_of_the_books(tmp_path: Path, frequency: float) -> None:
    path = circuit(tmp_path, LOWPASS)
    wet = play(path, sine(frequency, 0.9, 0.06), Turn=8).astype(np.float64)[1440:2640]
    t = np.arange(1440, 2640) / 48000
    gain = 2 * np.mean(wet * np.exp(-2j * np.pi * frequency * t)) * 1j / 0.9
    expected = 1 / (1 + 2j * np.pi * frequency * 1e3 * 160e-9)
    # The trapezoidal rule squeezes frequencies by (pi f / 384 kHz)^2 / 3.
    assert abs(gain - expected) < 2e-3 * abs(expected)


def test_the_wet_converges_as_steps_become_finer(tmp_path: Path) -> None:
    """The trapezoidal rule is of second order: twice the steps, a sixteenth of the ESR."""
    dry = bursts(0.06)
    exact = play(circuit(tmp_path, CLIPPER, oversample=32), dry, Turn=0)
    errors = [
        esr(exact, play(circuit(tmp_path, CLIPPER, oversample=n), dry, Turn=0)) for n in (2, 4, 8)
    ]
    assert errors[0] > 8 * errors[1] > 64 * errors[2]
    assert errors[2] < 1e-7


def test_every_step_is_the_same(tmp_path: Path) -> None:
    """Also where diodes clip: one grid for all chunks, and a sample of the dry at each point."""
    path = circuit(tmp_path, CLIPPER)
    job, moving = path._job(Trajectory.still(path._netlist.knobs, {"Turn": 0.0}))
    dry = np.repeat(bursts(0.04), 8).astype(np.float64)
    (tmp_path / "circuit.cir").write_text(job.deck(len(dry)))
    with (tmp_path / SOURCE).open("w") as file:
        write_source(file, dry[:, None])
    subprocess.run(
        ["ngspice", "-n", "-b", "-r", "out.raw", "circuit.cir"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    times, _ = spice._read(tmp_path / "out.raw")
    assert moving == []
    inner = times[20:-2] / job.step
    np.testing.assert_allclose(inner, np.round(inner - PHASE) + PHASE, atol=1e-6)
    np.testing.assert_allclose(np.diff(inner), 1, atol=1e-6)


def test_the_number_of_jobs_does_not_matter(tmp_path: Path) -> None:
    dry = bursts(0.2)
    one = play(circuit(tmp_path, CLIPPER, chunk=0.05, jobs=1, oversample=2), dry)
    four = play(circuit(tmp_path, CLIPPER, chunk=0.05, jobs=4, oversample=2), dry)
    assert one.tobytes() == four.tobytes()


def test_seams_are_80_db_below() -> None:
    """The second chunk of the amp, by the netlist's own overlap, 50 ms into the playing."""
    dry, loud = bursts(0.6), {"Volume": 7, "Treble": 8, "Bass": 9, "Middle": 9}
    whole = play(built_in("fender", oversample=2), dry, **loud)
    pieces = play(built_in("fender", oversample=2, chunk=0.45), dry, **loud)
    second = slice(round(0.45 * 48000), None)
    assert 0 < esr(whole[second], pieces[second]) < 1e-8
    assert np.abs(whole - pieces).max() < 1e-4 * np.abs(whole).max()


def test_a_short_overlap_is_heard(tmp_path: Path) -> None:
    """So the test of the seams can fail: this circuit remembers a second."""
    slow = "C1 in out 1u\nR1 out 0 1Meg\nD1 out 0 d1\n.model d1 d(is=1n)\n"
    dry = bursts(0.3)
    whole = play(circuit(tmp_path, slow, oversample=2), dry)
    pieces = play(circuit(tmp_path, slow, oversample=2, chunk=0.15), dry)
    assert esr(whole, pieces) > 1e-4


def test_split() -> None:
    chunks = split(100_000, 30_000, 40_000)
    assert [(c.begin, c.end) for c in chunks] == [
        (0, 30_000),
        (30_000, 60_000),
        (60_000, 90_000),
        (90_000, 100_000),
    ]
    assert [c.start + MARGIN for c in chunks] == [0, 0, 20_000, 50_000]
    assert [c.fades for c in chunks] == [False, False, True, True]
    assert all(c.stop == c.end + MARGIN for c in chunks)
    assert all(c.begin - c.start > FADE for c in chunks if c.fades)
    assert split(0, 10, 10) == []


@pytest.mark.parametrize("frames", [0, 1, 47])
def test_short_dries(tmp_path: Path, frames: int) -> None:
    wet = play(circuit(tmp_path, DIVIDER), np.full(frames, 0.1, np.float32), Turn=10)
    assert wet.shape == (frames,)


# --- knobs that move ------------------------------------------------------------------------


def test_a_moving_pot(tmp_path: Path) -> None:
    dry = sine(1000, 0.5, 0.15)
    path = circuit(tmp_path, DIVIDER, chunk=0.05)
    assert path.reach.sweeps
    trajectory = Trajectory(MOVED, 20.0)
    wet = play(path, dry, trajectory)
    turn = trajectory.at(np.arange(len(dry)) / 48000)[:, 0]
    np.testing.assert_allclose(wet, dry * (1 + 1000 * turn) / 10002, atol=2e-5)
    again = circuit(tmp_path, DIVIDER, chunk=0.05, jobs=3)
    assert wet.tobytes() == play(again, dry, trajectory).tobytes()


def test_a_pot_that_moves_within_a_subcircuit(tmp_path: Path) -> None:
    boxed = (
        "X1 in out pot\n.subckt pot a b\n"
        + DIVIDER.replace("in out", "a b").replace("out 0", "b 0")
        + ".ends\n"
    )
    dry, trajectory = sine(1000, 0.5, 0.05), Trajectory(MOVED, 60.0)
    plain = play(circuit(tmp_path, DIVIDER), dry, trajectory)
    np.testing.assert_allclose(play(circuit(tmp_path, boxed), dry, trajectory), plain, atol=1e-6)


def test_where_nothing_moves_a_sweep_is_a_still() -> None:
    """Drive goes from 3 to 3.001; Tone and Level rest."""
    dry = bursts(0.06)
    path = built_in("ts808", oversample=4)
    moving = Trajectory(np.array([[3.0, 7.0, 8.0], [3.001, 7.0, 8.0]]), 10.0)
    still = play(path, dry, Drive=3.0, Tone=7, Level=8)
    assert 0 < esr(still, play(path, dry, moving)) < 1e-6


def test_knobs_that_cannot_move_say_so(tmp_path: Path) -> None:
    path = circuit(tmp_path, LOWPASS)
    assert not path.reach.sweeps
    dry = sine(1000, 0.5, 0.01)
    assert play(path, dry, Trajectory(np.full((2, 1), 5.0))).any()  # it does not move
    with pytest.raises(UserError, match="elsewhere than in resistors"):
        play(path, dry, Trajectory(MOVED))


# --- what goes wrong ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("R1 in out {lost}", "could not begin with made.cir at Turn = 5 .*Undefined parameter"),
        ("R1 in 0 1k\nX1 out 0 lost", "could not begin with .*unknown subckt"),
        ("R1 in 0 1k\nB1 out 0 V=v(out)*v(out)+1\nR2 out 0 1k", "could not begin with .*too small"),
        (
            "R1 in 0 1k\nB1 out 0 V=v(in)>0.5 ? v(out)*v(out)+1 : 0\nR2 out 0 1k",
            "no solution for made.cir 0.00[0-9] s into the audio, with Turn = 5 .*step too small",
        ),
    ],
)
def test_no_solution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, why: str) -> None:
    monkeypatch.chdir(tmp_path)
    path = circuit(Path(), body + "\n")
    with pytest.raises(UserError, match=why) as raised:
        play(path, sine(100, 0.9, 0.02))
    assert "\n" not in str(raised.value)


def test_a_take_that_lasts_too_long(tmp_path: Path) -> None:
    path = circuit(tmp_path, CLIPPER, time_limit=0.02)
    with pytest.raises(UserError, match=r"not done with a chunk after 0.02 s.*time_limit"):
        play(path, bursts(0.4))


def test_no_ngspice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = circuit(tmp_path, DIVIDER)
    path.open(nobody)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="apt install ngspice"):
        path.open(nobody)
    with pytest.raises(UserError, match="apt install ngspice"):
        play(path, bursts(0.1))


def test_a_panel_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"type = 'parameters'"):
        circuit(tmp_path, DIVIDER).play(bursts(0.1), Motion({}), lambda _: None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"netlist": ""},
        {"overlap": 0.01},
        {"chunk": 100},
        {"input": "a b"},
        {"output": "a)\n.control"},
        {"jobs": 0},
        {"oversample": 1000},
        {"input_volts": 0},
        {"speed": 1},
    ],
)
def test_options(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        CircuitOptions.model_validate({"netlist": "x.cir", **wrong})


def test_nobodys_spiceinit_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".spiceinit").write_text(f"shell touch {tmp_path / 'ran'}\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    play(circuit(tmp_path, DIVIDER), bursts(0.05))
    assert not (tmp_path / "ran").exists()


def test_the_memory_of_a_process_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A subcircuit of ten of ten of … would take all there is."""
    levels = [
        f".subckt s{k} a b\n" + "".join(f"X{i} a b s{k + 1}\n" for i in range(10)) + ".ends\n"
        for k in range(7)
    ]
    body = "R1 in out 1k\nX1 out 0 s0\n" + "".join(levels) + ".subckt s7 a b\nR1 a b 1k\n.ends\n"
    monkeypatch.setattr(spice, "MEMORY", 200 << 20)
    with pytest.raises(UserError, match="could not begin"):
        play(circuit(tmp_path, body), bursts(0.05))


INTERRUPTED = """\
from pathlib import Path
import numpy as np
from rigs.paths.circuit import Circuit, CircuitOptions
from rigs.rig import Motion
from rigs.trajectory import Trajectory

path = Circuit(CircuitOptions(netlist="builtin:fender", oversample=2, chunk=10, jobs=2), Path())
still = Trajectory.still(path.knobs, path.knobs.default)
path.play(np.zeros(25 * 48000, np.float32), Motion({}, still), lambda s: print(s, flush=True))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_ctrl_c_ends_ngspice_and_leaves_nothing(tmp_path: Path) -> None:
    """Two of three chunks, minutes of work, are begun: their pids come through a pipe."""
    found = shutil.which("ngspice")
    begun = tmp_path / "begun"
    os.mkfifo(begun)
    wrapper = tmp_path / "bin/ngspice"
    wrapper.parent.mkdir()
    wrapper.write_text(f'#!/bin/sh\necho $$ > {begun}\nexec {found} "$@"\n')
    wrapper.chmod(0o755)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    path = f"{wrapper.parent}{os.pathsep}{os.environ['PATH']}"
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED],
        env=os.environ | {"TMPDIR": str(temporary), "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        pids: list[str] = []
        while len(pids) < 2:
            pids += begun.read_text().split()
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=15)
    finally:
        process.kill()
    assert out == ""
    assert said.strip().endswith("KeyboardInterrupt")
    assert list(temporary.iterdir()) == []
    assert not any(Path("/proc", pid).exists() for pid in pids)
