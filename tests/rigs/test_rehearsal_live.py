"""A rehearsal on a real audio server, with an amp behind it: what it reports is what is there."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from jack_server import STUDIO, jack_server

from dataset.checks import THRESHOLDS, judge
from dataset.signals import make
from rigs.audio import esr, rms_dbfs
from rigs.config import load_rig
from rigs.findings import faults, remarks
from rigs.knobs import Knob, KnobTable
from rigs.paths.interface import AudioInterface, InterfaceOptions
from rigs.rehearsal import rehearse
from rigs.rig import Actuator, Motion, Options, Rig
from rigs.trajectory import Trajectory

pytestmark = pytest.mark.realtime

PERIOD = 256


class Ghost(Actuator):
    """Turns a knob that is connected to nothing."""

    def go(self, knobs, trajectory):
        return Motion(knobs.to_setting(trajectory.positions[0]))


def test_a_rehearsal_over_an_audio_server(tmp_path: Path) -> None:
    offline = tmp_path / "offline.toml"
    offline.write_text(
        'name = "o"\ndevice = "d"\n[actuator]\ntype = "parameters"\n[path]\ntype = "lv2"\n'
        f'uri = "{STUDIO}"\n'
    )
    dry = make("validation", 1.0, 0).audio
    simulated = load_rig(offline)
    simulated.open()
    still = Trajectory.still(simulated.knobs, simulated.knobs.default)
    expected = simulated.take(dry, still)[0].wet
    simulated.close()
    knobs = KnobTable((Knob("Ghost"),))
    path = AudioInterface(InterfaceOptions(host_api="JACK", device="amp", ramp=0.5), tmp_path)
    rig = Rig("live", "d", knobs, Ghost(Options(), tmp_path), path)
    with jack_server(period=PERIOD) as server:
        server.host(STUDIO, "amp", "in")
        with server.freewheel():
            found = rehearse(rig, dry, partial(judge, simulated=False, limits=THRESHOLDS))
    assert faults(found) == []
    assert [remark.partition(" from end to end")[0] for remark in remarks(found)] == [
        "Turning Ghost"
    ]
    for take in found.heard:
        assert take.latency == pytest.approx(PERIOD, abs=0.01)
        assert take.verdict.rms_dbfs == pytest.approx(rms_dbfs(expected), abs=0.01)
        assert esr(expected, take.wet) < 1e-6
    assert max(found.at_once, found.after_all) < -80
    assert found.noises[0].dbfs < -120
