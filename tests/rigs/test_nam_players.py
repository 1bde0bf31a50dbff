"""Our players of `.nam` files against NeuralAmpModelerCore."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from rigs import nam
from rigs.errors import UserError
from tests.players import nam_core
from tests.rigs import nam_files
from tests.rigs.nam_files import DATA, EXAMPLES

HALF_SECOND = 9952
"""The block that makes the core warm up for exactly 24000 frames where a file names no rate.

It plays 4096 frames and two blocks then, and how long it does is heard in an LSTM's rounding.
"""

REFUSED = {
    "wavenet_a2_max": "WaveNet with FiLM",
    "wavenet_condition_dsp": "WaveNet with a condition_dsp",
    "slimmable_wavenet": "slimmable WaveNet",
}

GATES = {
    "gated": {"gating_mode": "gated", "secondary_activation": "Sigmoid"},
    "blended": {"gating_mode": "blended", "secondary_activation": "Hardtanh"},
    "mixed": {
        "gating_mode": ["gated", "none", "blended"],
        "secondary_activation": ["SiLU", None, {"type": "Softsign"}],
    },
}
BOTTLENECK = {
    "channels": 6,
    "bottleneck": 4,
    "groups_input": 2,
    "layer1x1": {"active": True, "groups": 2},
    "head1x1": {"active": True, "out_channels": 3, "groups": 1},
}
ALL_ACTIVATIONS = [
    "Tanh",
    "Hardtanh",
    "Fasttanh",
    "ReLU",
    "LeakyReLU",
    {"type": "LeakyReLU", "negative_slope": 1.5},
    {"type": "PReLU", "negative_slope": 0.3},
    {"type": "PReLU", "negative_slopes": [0.1, 0.2, -0.3, 0.4, 1.5, 0.6]},
    "Sigmoid",
    "SiLU",
    "Hardswish",
    "Softsign",
    {"type": "LeakyHardtanh", "min_val": -0.2, "max_val": 0.3, "min_slope": 0.1, "max_slope": 0.2},
    {"type": "LeakyHardTanh"},
]
TAIL = {"channels": 4, "out_channels": 1, "kernel_sizes": [3, 5], "activation": "Tanh"}

MADE = {
    "A1": nam_files.a1(),
    "A1 gated": nam_files.a1(gated=True, activation="ReLU"),
    "A1 sixteen": nam_files.a1(channels=16),
    "A2": nam_files.a2(),
    "A2 short head": nam_files.a2(head={"out_channels": 1, "kernel_size": 4, "bias": False}),
    "A2 no residual": nam_files.a2(layer1x1={"active": False, "groups": 1}),
    "A2 depthwise": nam_files.a2(groups_input=6),
    "A2 bottleneck": nam_files.a2(**BOTTLENECK),
    **{f"A2 {name}": nam_files.a2(**gate, **BOTTLENECK) for name, gate in GATES.items()},
    "activations": nam_files.a2(
        size=0.25,
        activation=ALL_ACTIVATIONS,
        kernel_sizes=[2] * len(ALL_ACTIVATIONS),
        dilations=[1] * len(ALL_ACTIVATIONS),
        gating_mode="none",
    ),
    "tail": nam_files.wavenet(
        {
            "layers": [nam_files.array(head={"out_channels": 5, "kernel_size": 2, "bias": True})],
            "head": TAIL,
        }
    ),
    "LSTM": nam_files.lstm(),
    "LSTM sixteen": nam_files.lstm(hidden=16, layers=1),
    "container": nam_files.container(nam_files.lstm(), nam_files.a2(), nam_files.a1()),
}


def worst(path: Path, dry: np.ndarray) -> float:
    """The largest difference to the core, on audio that is heard."""
    wet = nam.load(path).play(dry)
    core = nam_core.play(path, dry, block=HALF_SECOND)
    assert wet.dtype == np.float32
    assert wet.shape == dry.shape
    assert np.abs(core).max() > 0.02
    assert np.ptp(core) > 0.02
    return float(np.abs(wet - core).max())


def guitar() -> np.ndarray:
    """A quarter of a second of playing.

    The core computes in single precision. Where a capture has much gain, its rounding reaches
    1.4e-5 (the examples' A1 standard, on other moments of these takes).
    """
    path = DATA / "di/hammer-lead.flac"
    if not path.is_file():
        pytest.skip(f"test material absent: {path}")
    dry, rate = soundfile.read(path, dtype="float32", start=24_000, stop=36_000)
    assert rate == 48_000
    return dry


def examples() -> list[str]:
    return sorted(path.stem for path in EXAMPLES.glob("*.nam")) or ["absent"]


@pytest.mark.parametrize("name", MADE)
def test_the_same_sound_as_the_core(name, tmp_path):
    path = nam_files.write(tmp_path / "made.nam", MADE[name])
    assert worst(path, nam_files.plucks(12_000)) < 1e-5


@pytest.mark.parametrize("name", examples())
def test_examples(name):
    if name == "absent":
        pytest.skip(f"test material absent: {EXAMPLES}")
    path = EXAMPLES / f"{name}.nam"
    if name in REFUSED:
        with pytest.raises(UserError, match=f"{name}.nam.* this is a {REFUSED[name]}"):
            nam.load(path)
    else:
        assert worst(path, guitar()) < 1e-5


@pytest.mark.parametrize("pack", ["jcm900-channel-a", "suhr-rl-pack"])
def test_a_capture_of_each_pack(pack):
    files = sorted((DATA / "nam" / pack).glob("*.nam"), key=lambda path: path.stat().st_size)
    if not files:
        pytest.skip(f"test material absent: {DATA / 'nam' / pack}")
    assert worst(files[0], guitar()) < 1e-5


@pytest.mark.parametrize("name", ["A2", "LSTM sixteen"])
def test_it_begins_in_the_state_that_silence_leaves(name, tmp_path):
    capture = nam.load(nam_files.write(tmp_path / "made.nam", MADE[name]))
    dry = nam_files.plucks(3000)
    silence = np.zeros(8_000, np.float32)
    wet = capture.play(np.concatenate([silence, dry]))
    assert np.abs(wet[len(silence) :] - capture.play(dry)).max() < 1e-6
    assert np.ptp(wet[: len(silence)]) < 1e-6


@pytest.mark.parametrize("name", ["A1", "LSTM sixteen"])
def test_the_same_bits_whatever_was_played_before(name, tmp_path):
    path = nam_files.write(tmp_path / "made.nam", MADE[name])
    dry = nam_files.plucks(4000)
    capture = nam.load(path)
    first = capture.play(dry)
    capture.play(0.7 * dry[::-1])
    assert np.array_equal(capture.play(dry), first)
    assert np.array_equal(nam.load(path).play(dry), first)


def test_receptive_field(tmp_path):
    capture = nam.load(nam_files.write(tmp_path / "a2.nam", MADE["A2"]))
    field = 1 + 5 * 1 + 2 * 41 + 14 * 7 + 15
    assert capture.receptive_field == field
    impulse = np.zeros(2 * field, np.float32)
    impulse[0] = 1
    moved = np.flatnonzero(capture.play(impulse) != capture.play(0 * impulse))
    assert moved.max() == field - 1
    assert nam.load(nam_files.write(tmp_path / "l.nam", MADE["LSTM"])).receptive_field is None


def test_progress_ends_with_the_audio(tmp_path):
    capture = nam.load(nam_files.write(tmp_path / "a1.nam", MADE["A1"]))
    told: list[float] = []
    assert len(capture.play(np.zeros(60_000, np.float32), told.append)) == 60_000
    assert told == sorted(told)
    assert len(told) > 1
    assert told[-1] == 60_000 / 48_000
    assert capture.play(np.zeros(0, np.float32)).shape == (0,)


def test_what_a_file_says_of_itself(tmp_path):
    content = nam_files.a2()
    content["metadata"] = {"ampsweep": {"setting": {"Gain": 5}}, "input_level_dbu": 12.5}
    capture = nam.load(nam_files.write(tmp_path / "s.nam", content))
    assert capture.metadata["ampsweep"]["setting"] == {"Gain": 5}
    assert (capture.input_level_dbu, capture.output_level_dbu) == (12.5, None)
    assert (capture.name, capture.architecture) == ("s.nam", "WaveNet")
