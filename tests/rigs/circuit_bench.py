"""What the tests of circuits share: small netlists, and playing through one."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np

from rigs.audio import Audio
from rigs.circuits.deck import Array
from rigs.circuits.netlist import Netlist, load
from rigs.paths.circuit import Circuit, CircuitOptions
from rigs.rig import Motion
from rigs.trajectory import Trajectory

HEAD = """\
a title
* input in 1 V
* output out 1 V
* settle 0.05 s
.param turn=5 ; knob "Turn" 0..10
"""
DIVIDER = """\
Rtop in out {1 + 10k*(1 - turn/10)}
Rbottom out 0 {1 + 10k*turn/10}
"""


def circuit(tmp_path: Path, body: str, head: str = HEAD, **options: object) -> Circuit:
    (tmp_path / "made.cir").write_text(head + body)
    return Circuit(CircuitOptions.model_validate({"netlist": "made.cir", **options}), tmp_path)


def built_in(name: str, **options: object) -> Circuit:
    return Circuit(CircuitOptions.model_validate({"netlist": f"builtin:{name}", **options}), Path())


def play(
    path: Circuit, dry: Audio, trajectory: Trajectory | None = None, **setting: float
) -> Audio:
    """The wet at ``setting``, defaults elsewhere, or along ``trajectory``."""
    assert path.knobs is not None
    knobs = trajectory or Trajectory.still(path.knobs, path.knobs.check(setting))
    return path.play(dry, Motion({}, knobs), lambda _: None).wet


def response(
    tmp_path: Path,
    name: str,
    frequencies: tuple[float, float, int],
    outputs: tuple[str, ...],
    swaps: dict[str, str] | None = None,
    **setting: float,
) -> tuple[Array, Array]:
    """The built-in circuit's small signals, by ngspice's own AC analysis, not by this project's
    simulation: frequencies, shape (n,), and complex gains from the input, (outputs, n)."""
    netlist: Netlist = load(f"builtin:{name}", Path())
    values = netlist.knobs.check(setting)
    lines = [f".param {p}={values[k]}" for p, k in zip(netlist.names, values, strict=True)]
    statements = "\n".join(netlist.statements)
    for old, new in (swaps or {}).items():
        assert old in statements
        statements = statements.replace(old, new)
    low, high, decade = frequencies
    deck = [
        "* ac", *lines, statements, f"Vac {netlist.input.node} 0 AC 1",
        f".save {' '.join(f'v({node})' for node in outputs)}",
        f".ac dec {decade} {low} {high}", ".end\n",
    ]  # fmt: skip
    (tmp_path / "ac.cir").write_text("\n".join(deck))
    done = subprocess.run(
        ["ngspice", "-n", "-b", "-r", "ac.raw", "ac.cir"],
        cwd=tmp_path, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    _, _, values_read = (tmp_path / "ac.raw").read_bytes().partition(b"Binary:\n")
    table = np.frombuffer(values_read, "<c16").reshape(-1, 1 + len(outputs))
    return table[:, 0].real.copy(), table[:, 1:].T.copy()


def decibels(x: Array) -> Array:
    return 20 * np.log10(np.abs(x))


def sine(frequency: float, level: float, seconds: float) -> Audio:
    """It swells in 5 ms, and fades so: what breaks off has frequencies that 48 kHz has not."""
    t = np.arange(round(seconds * 48000)) / 48000
    edge = np.clip(np.minimum(t, t[-1] - t) / 0.005, 0, 1)
    smooth = edge * edge * (3 - 2 * edge)
    return (level * smooth * np.sin(2 * np.pi * frequency * t)).astype(np.float32)


def bursts(seconds: float, seed: int = 0) -> Audio:
    """Decaying tones and a little noise that peak at about 0.9: what a guitar might send."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * 48000)) / 48000
    x = 0.002 * rng.standard_normal(len(t))
    for start in np.arange(0.01, seconds, 0.17):
        after = np.maximum(t - start, 0)
        attack = np.minimum(1, after / 0.002)
        for k in range(1, 9):
            x += attack * np.exp(-after * 4 * k) * np.sin(2 * np.pi * 110 * k * after) / k
    return np.asarray(0.9 * x / np.abs(x).max(), np.float32)
