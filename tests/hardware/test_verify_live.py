"""`ampsweep hardware verify` on a pedal behind an audio server: the host engine in its place."""

import re
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from jack_server import jack_server
from scipy import signal

from ampsweep.app import run
from rigs.knobs import Knob, KnobTable
from tests.training import amp_on_disk
from tests.training.random_nets import SMALL, random_net
from training.exports.pedal import ModelFacts, to_pedal
from training.run import train_model

pytestmark = pytest.mark.realtime

TWO = KnobTable((Knob("Gain"), Knob("Tone")))
PATIENCE = 90.0
"""Seconds for a pedal to go: it leaves the server, then Python; a busy machine takes its time."""
LEVELS = (12.0, 6.0)
"""dBu of the rig and of the model alike, so that the pedal's level is its model's."""
RIG = """
name = "bench"
device = "pedal"

[actuator]
type = "midi"
api = "jack"
port = "{name}:knobs"
settle = 0.0
knobs.Gain.control = 20
knobs.Tone.control = 21

[path]
type = "audio-interface"
host_api = "JACK"
device = "{name}"
ramp = 0.5
latency = 288.0

[levels]
input_dbu = 12.0
output_dbu = 6.0

[knobs.Gain]
minimum = 0.0
maximum = 10.0
default = 5.0

[knobs.Tone]
minimum = 0.0
maximum = 10.0
default = 5.0
"""


def amp(dry, knobs, at):
    """One whose knobs do not just set the level."""
    gain, tone = knobs.to_unit(at)[0]
    dark = signal.lfilter([0.4], [1, -0.6], dry)
    mix = (1 + tone) / 2 * dry + (1 - tone) / 2 * dark
    return 0.5 * np.tanh((9 + 8 * gain) * mix)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """With the images of a net that learned a little of an amp, and of any other net."""
    folder = tmp_path_factory.mktemp("pedal")
    facts = ModelFacts("Amp", "amp", TWO, 48_000, *LEVELS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(amp_on_disk, "play", amp)
        dataset = amp_on_disk.write(folder / "data", amp_on_disk.settings(16, TWO), TWO)
    choices = amp_on_disk.options(steps=500)
    net = train_model(folder / "model", dataset, choices, lambda _: None).net
    (folder / "amp.pedal").write_bytes(to_pedal(net, facts))
    (folder / "other.pedal").write_bytes(to_pedal(random_net(SMALL, 2), facts))
    return folder


@pytest.fixture(scope="module")
def server():
    with jack_server() as server:
        yield server


@contextmanager
def pedal(server, name, image, faults):
    """A pedal that plays ``image``, for as long as this lasts."""
    program = [sys.executable, str(Path(__file__).parent / "engine_pedal.py"), name, str(image)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    process = subprocess.Popen([*program, *faults], **pipes)
    try:
        assert process.stdout.readline() == "ready\n"
        server.until_there(f"{name}:knobs")
        yield
    finally:
        process.stdin.close()
        try:
            process.wait(PATIENCE)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


@pytest.mark.parametrize(
    ("name", "faults", "model", "said"),
    [
        ("right", [], "amp.pedal", None),
        ("tapered", ["--taper=1.6"], "amp.pedal", "pot Gain"),
        ("noisy", ["--noise=1e-3", "--level=0.7"], "amp.pedal", "noise, level against the model"),
        ("another", [], "other.pedal", "worst ESR, pots where they are"),
    ],
)
def test_a_pedal_passes_unless_it_has_a_fault(server, folder, capsys, name, faults, model, said):
    """And each fault fails on its own line: the page has what is wrong, and by how much."""
    rig = folder / f"{name}.toml"
    rig.write_text(RIG.format(name=name))
    command = ["hardware", "verify", str(folder / model), str(rig), "--out", str(folder / name)]
    with pedal(server, name, folder / "amp.pedal", faults), server.freewheel():
        code = run([*command, "--seconds", "1", "--settings", "1"])
    out, err = capsys.readouterr()
    blamed = re.search(r"does not pass: (.*);", err)
    if said is None:
        assert code == 0, err
        assert "The pedal passes." in out
    else:
        assert code == 2
        assert blamed, err
        assert said in blamed[1]
    page = (folder / name / "verify.md").read_text("utf-8")
    assert ("**PASS**" if said is None else f"**FAIL**: {blamed[1]}.") in page
    if name == "another":
        return
    assert said is None or blamed[1] == said  # nothing else is blamed
    gain, tone = (places(page, knob) for knob in TWO.names)
    taper = 1.6 if name == "tapered" else 1.0
    assert gain == pytest.approx(10 * np.linspace(0, 1, 5) ** taper, abs=0.15)
    assert tone == pytest.approx(np.linspace(0, 10, 5), abs=0.15)
    level = float(re.search(r"([-+]\d+\.\d+) dB \|", page)[1])
    assert level == pytest.approx(20 * np.log10(0.7 if name == "noisy" else 0.9), abs=0.06)
    corner = float(re.search(r"corner ([\d.]+) kHz", page)[1])
    assert corner == pytest.approx(21.9, rel=0.05)


def places(page, knob):
    row = next(line for line in page.splitlines() if line.startswith(f"| {knob} | 0, "))
    return [float(place) for place in row.split("|")[3].split(",")]
