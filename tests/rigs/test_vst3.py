"""The VST3 host, and the same plugin as LV2 and as VST3."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from rigs.audio import SAMPLE_RATE
from rigs.errors import UserError
from rigs.lv2.catalogue import describe as describe_lv2
from rigs.paths.lv2 import Lv2Options, Lv2Path
from rigs.paths.vst3 import Vst3Options, Vst3Path
from rigs.registry import PATHS, find
from rigs.rig import Motion, nobody
from rigs.trajectory import Trajectory
from rigs.vst3.catalogue import describe, installed, locate
from rigs.vst3.parameters import controls_of

ROOT = Path(__file__).parents[2]
DRY = (0.1 * np.random.default_rng(0).standard_normal(SAMPLE_RATE // 2)).astype(np.float32)


def opened(made):
    made.open(nobody)
    return made


@pytest.fixture(scope="module")
def vst3():
    made = opened(Vst3Path(Vst3Options(file=Path("ZamTube")), Path()))
    yield made
    made.close()


@pytest.fixture(scope="module")
def lv2():
    made = opened(Lv2Path(Lv2Options(uri="urn:zamaudio:ZamTube"), Path()))
    yield made
    made.close()


def play(path, trajectory, dry=DRY):
    return path.play(dry, Motion({}, trajectory), lambda _: None).wet


# ZamTube solves its tube to a tolerance: the next float32 to a position changes its sound by
# 1e-3. VST3 has positions from 0 to 1 in float32, so these are the ones that both formats have.
SETTINGS = [
    {},
    {"Tube Drive": 11.0, "Tone Stack Model": 6},
    {"Tube Drive": 2.825, "Bass": 2.5, "Mids": 7.5, "Treble": 10.0, "Tone Stack Model": 18},
    {"Input level": 15.0, "Insane Boost": 1, "Bass": 0.0, "Treble": 7.5},
    {"Input level": -15.0, "Mids": 0.0, "Tone Stack Model": 24},
]


@pytest.mark.parametrize("setting", SETTINGS)
def test_one_plugin_sounds_the_same_in_both_formats(vst3, lv2, setting):
    still = Trajectory.still(vst3.knobs, {**vst3.knobs.default, **setting})
    a, b = play(vst3, still), play(lv2, still)
    assert np.abs(b).max() > 0.001
    assert np.abs(a - b).max() <= 1e-6 * np.abs(b).max()


def test_one_plugin_has_the_same_knobs_in_both_formats():
    """And not those that its VST3 has beside them: buffer size, sample rate, program."""
    assert describe(Path("ZamTube")) == describe_lv2("urn:zamaudio:ZamTube")


def test_a_switch_that_moves_is_heard_at_the_same_block(vst3, lv2):
    moving = np.repeat(Trajectory.still(vst3.knobs, vst3.knobs.default).positions, 300, axis=0)
    moving[100:, vst3.knobs.names.index("Insane Boost")] = 1
    a, b = play(vst3, Trajectory(moving)), play(lv2, Trajectory(moving))
    assert np.abs(a - b).max() <= 1e-6 * np.abs(b).max()
    unmoved = play(lv2, Trajectory(moving[:2]))
    assert np.abs(b - unmoved)[:4700].max() <= 1e-6
    assert np.abs(b - unmoved)[4800:].max() > 1e-3


TRIED_OUT = """
import numpy as np, pedalboard
from pedalboard_native import ExternalPluginReloadType
from rigs.vst3.instance import Vst3Instance, Vst3Plugin

heard = []
for noise in (0.0, 1.0):
    loaded = pedalboard.VST3Plugin("/usr/lib/vst3/ZamTube.vst3")
    loaded.process(noise * np.ones((1, 512), np.float32), 48000, buffer_size=512, reset=False)
    loaded._reload_type = ExternalPluginReloadType.ClearsAudioOnReset
    instance = Vst3Instance(Vst3Plugin(loaded, 512, 0, []), 512)
    heard.append(instance.run(np.zeros(4096, np.float32), np.zeros((1, 0), np.float32)))
assert np.array_equal(*heard), np.abs(heard[0] - heard[1]).max()
"""


def test_a_plugin_forgets_what_it_was_tried_out_with():
    """Pedalboard plays random noise to it, and sometimes believes that it has forgotten it."""
    subprocess.run([sys.executable, "-c", TRIED_OUT], cwd=ROOT, check=True, capture_output=True)


def test_the_same_knobs_give_the_same_bits():
    vst3 = opened(Vst3Path(Vst3Options(file=Path("ZamTube"), preroll=0.1), Path()))
    knobs = vst3.knobs
    random = Trajectory(knobs.from_unit(np.random.default_rng(1).uniform(-1, 1, (2, len(knobs)))))
    takes = [Trajectory.still(knobs, knobs.default), random, Trajectory(random.positions[:1])]
    first = [play(vst3, take, DRY[:4800]) for take in takes]
    for _ in range(2):
        vst3.open(nobody)
        again = [play(vst3, take, DRY[:4800]) for take in reversed(takes)][::-1]
        assert all(map(np.array_equal, first, again))
    vst3.close()


def test_a_delay_that_it_tells_of_is_removed():
    """A limiter that looks 480 frames ahead, in stereo, below its threshold."""
    wet, latency = {}, {}
    for kind, made in {
        "vst3": Vst3Path(Vst3Options(file=Path("ZaMaximX2")), Path()),
        "lv2": Lv2Path(Lv2Options(uri="urn:zamaudio:ZaMaximX2"), Path()),
    }.items():
        opened(made)
        still = Trajectory.still(made.knobs, made.knobs.default)
        recording = made.play(DRY, Motion({}, still), lambda _: None)
        wet[kind], latency[kind] = recording.wet, recording.latency
        made.close()
    assert latency == {"vst3": 480, "lv2": 480}
    assert np.abs(wet["vst3"] - wet["lv2"]).max() <= 1e-6
    assert np.abs(wet["vst3"] - DRY).max() <= 1e-6


def test_a_rig_is_tied_to_the_plugin_s_code(vst3):
    bundle = Path("/usr/lib/vst3/ZamTube.vst3")
    assert vst3.sources == tuple(bundle.glob("Contents/*-linux/ZamTube.so"))
    assert len(vst3.sources) == 1


def test_the_list_holds_what_is_in_the_folder():
    assert Path("/usr/lib/vst3/ZamTube.vst3") in installed()
    assert locate(Path("zamtube"), Path()).name == "ZamTube.vst3"
    assert locate(Path("ZamTube.vst3"), Path("/usr/lib/vst3")).exists()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"file": "ZamTub"}, r"no VST3 plugin ZamTub \(did you mean /.*ZamTube.vst3\?\)"),
        ({"file": "/nowhere/x.vst3"}, "no VST3 plugin /nowhere/x.vst3"),
        ({"file": "empty.vst3"}, "empty.vst3 cannot be loaded as a VST3 plugin"),
        (
            {"file": "ZamTube", "plugin": "Other"},
            "holds no plugin 'Other'; say in `plugin` one of ZamTube",
        ),
        ({"file": "ZamTube", "knobs": ["Bas"]}, "no control 'Bas'.*Did you mean Bass"),
    ],
)
def test_what_cannot_be_is_said(tmp_path, given, sentence):
    (tmp_path / "empty.vst3").write_bytes(b"")
    with pytest.raises(UserError, match=sentence):
        Vst3Path(Vst3Options(**given), tmp_path)


def test_without_pedalboard_it_says_how_to_get_it(monkeypatch):
    usual = importlib.util.find_spec

    def without(name, *rest):
        return None if name == "pedalboard" else usual(name, *rest)

    monkeypatch.setattr(importlib.util, "find_spec", without)
    monkeypatch.delitem(sys.modules, "rigs.paths.vst3")
    with pytest.raises(UserError, match=r'needs pedalboard.*pip install "ampsweep\[plugins\]"'):
        find(PATHS, "vst3")


@dataclass(frozen=True)
class Scale:
    """A parameter as pedalboard has it, with any scale."""

    name: str
    text: object
    num_steps: int = 0x7FFFFFFF
    default_raw_value: float = 0.5
    label: str = ""
    is_automatable: bool = True
    is_boolean: bool = False

    def get_text_for_raw_value(self, raw):
        return self.text(raw)


def knob_of(scale):
    (control,) = controls_of([scale])
    return control, control.knob


def value_at(control, position):
    return control.to_values(np.array([position], np.float32))[0]


def test_a_linear_scale_in_coarse_digits():
    control, knob = knob_of(Scale("Bass", lambda r: f"{-12 + 24 * r:.1f} dB"))
    assert (knob.minimum, knob.maximum, knob.default, knob.unit) == (-12, 12, 0, "dB")
    assert value_at(control, 6) == 0.75


def test_a_bent_scale_is_followed():
    control, knob = knob_of(Scale("Tone", lambda r: f"{20 * 1000**r:.3f}", label="Hz"))
    assert (knob.minimum, knob.maximum, knob.unit) == (20, 20000, "Hz")
    assert knob.default == pytest.approx(632.456)
    for raw in (0.1, 0.33, 0.8):
        assert value_at(control, 20 * 1000**raw) == pytest.approx(raw, abs=1e-3)


def test_a_scale_that_falls_is_turned_round():
    control, knob = knob_of(Scale("Damp", lambda r: f"{10 - 10 * r:.2f}", default_raw_value=0.2))
    assert (knob.minimum, knob.maximum, knob.default) == (0, 10, 8)
    assert value_at(control, 8) == pytest.approx(0.2)


@pytest.mark.parametrize(
    "text",
    [
        lambda r: "-inf dB" if r == 0 else f"{40 * r - 40:.1f} dB",
        lambda r: f"{1000 * r:.0f} Hz" if r < 0.9 else f"{r:.2f} kHz",
        lambda r: f"{abs(r - 0.5):.2f}",
        lambda r: "a bit" if r < 0.5 else "a lot",
    ],
)
def test_a_scale_that_cannot_be_read_is_the_travel_itself(text):
    control, knob = knob_of(Scale("Odd", text, default_raw_value=0.25))
    assert (knob.minimum, knob.maximum, knob.default) == (0, 1, 0.25)
    assert value_at(control, 0.3) == np.float32(0.3)


def test_positions_with_names_make_a_switch():
    names = ("Clean", "Crunch", "Lead")
    control, knob = knob_of(Scale("Channel", lambda r: names[round(2 * r)], 3, 1.0))
    assert (knob.detents, knob.default) == (names, 2)
    assert [value_at(control, k) for k in range(3)] == [0, 0.5, 1]


def test_positions_with_numbers_make_a_knob_with_steps():
    control, knob = knob_of(Scale("Voices", lambda r: f"{1 + 4 * r:.0f}", 5, 0.25))
    assert (knob.minimum, knob.maximum, knob.default, knob.detents) == (1, 5, 2, ())
    assert control.step == 1
    assert value_at(control, 3.4) == 0.5


def test_two_positions_are_off_and_on():
    assert knob_of(Scale("Boost", lambda r: f"{round(r)}", 2, 0.0))[1].detents == ("off", "on")
    assert knob_of(Scale("Boost", lambda r: "yes" if r else "no", 2))[1].detents == ("no", "yes")


def test_what_is_no_knob_is_hidden_or_left_out():
    def plain(r):
        return f"{r:.3f}"

    controls = controls_of(
        [
            Scale("MIDI CC 0|7", plain),
            Scale("Only", lambda r: "one"),
            Scale("Bypass", plain, 2),
            Scale("Meter", plain, is_automatable=False),
            Scale("", plain),
            Scale("Gain", plain),
            Scale("gain", plain),
        ]
    )
    assert [(c.key, c.knob.name, c.hidden) for c in controls] == [
        (2, "Bypass", True),
        (3, "Meter", True),
        (4, "Parameter 5", False),
        (5, "Gain", False),
        (6, "gain 2", False),
    ]
