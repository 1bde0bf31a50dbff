"""Impulse responses behind a model: `ampsweep render --ir`, and what the page makes of one."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from ampsweep.app import run
from ampsweep.cabinet import loudness_of, read_cabinet
from ampsweep.firmware import contents
from ampsweep.page import WEB
from rigs.audio import esr
from rigs.errors import UserError
from rigs.pedal import FileKind
from tests.players import nam_core
from tests.training.models_at_random import random_model
from tests.training.random_nets import plucked
from training.checkpoint import save_model
from training.native.cabinet import MOST_TAPS, Cabinet

PLAYERS = Path(nam_core.__file__).parent
DRY = plucked(9_600)


def speaker(frames: int = 1_200, rate: int = 48_000) -> NDArray[np.float64]:
    """Nothing at first, then a resonance and the cone, and nothing near the Nyquist frequency."""
    t = np.arange(frames) / rate - 0.003
    rung = 0.3 * np.exp(-180 * t) * np.sin(2 * np.pi * 120 * t)
    cone = np.exp(-900 * t) * np.sin(2 * np.pi * 2_400 * t)
    return np.where(t > 0, (1 - np.exp(-4_000 * np.maximum(t, 0))) ** 2 * (rung + cone), 0)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a model `m` and a dry `in.wav`, in which verbs run."""
    monkeypatch.chdir(tmp_path)
    save_model(tmp_path / "m", random_model())
    soundfile.write(tmp_path / "in.wav", DRY, 48_000, "FLOAT")
    return tmp_path


def rendered(name: str, *args: str) -> NDArray[np.float32]:
    assert run(["render", "m", "in.wav", name, "--float", *args]) == 0
    return soundfile.read(name, dtype="float32")[0]


@pytest.mark.parametrize("engine", ["native", "torch"])
def test_a_cabinet_is_a_convolution(here: Path, engine: str) -> None:
    """With scipy's, of the file scaled to be as loud as no cabinet."""
    taps = speaker()
    soundfile.write("cab.wav", taps, 48_000, "FLOAT")
    bare = rendered("bare.wav", "--engine", engine)
    boxed = rendered("boxed.wav", "--engine", engine, "--ir", "cab.wav")
    spectrum = np.fft.rfft(taps, 1 << 16)
    at = np.geomspace(80, 5_120, 48) / 48_000 * (1 << 16)
    power = np.interp(at, np.arange(len(spectrum)), np.abs(spectrum) ** 2).mean()
    expected = fftconvolve(bare, taps / np.sqrt(power))[: len(bare)]
    assert np.abs(expected).max() > 0.1
    assert esr(expected, boxed) < 1e-6  # the spectrum between two bins
    exact = fftconvolve(bare, read_cabinet(Path("cab.wav")).astype(np.float64))[: len(bare)]
    assert np.abs(boxed - exact).max() < 2e-6 * np.abs(exact).max()


@pytest.mark.parametrize("rate", [44_100, 96_000, 22_050])
def test_any_sample_rate(here: Path, rate: int) -> None:
    """The same speaker, recorded at another rate, sounds the same, and is as loud."""
    there = speaker(960 * rate // 48_000, rate)  # 20 ms, which fit at any of them
    soundfile.write("cab.wav", speaker(960), 48_000, "FLOAT")
    soundfile.write("other.wav", there, rate, "FLOAT")
    usual = read_cabinet(Path("cab.wav"))
    assert same(usual, read_cabinet(Path("other.wav"))) < 1e-4
    there = (there / loudness_of(there.astype(np.float32), rate)).astype(np.float32)
    assert same(there, read_cabinet(Path("cab.wav"), rate)) < 1e-4


def same(wanted: NDArray[np.float32], found: NDArray[np.float32]) -> float:
    """The ESR of all but the end: how long it is after resampling is soxr's to say."""
    assert abs(len(wanted) - len(found)) <= 1
    return esr(wanted[:-20], found[: len(wanted) - 20])


def test_what_is_too_long_ends_softly(here: Path) -> None:
    long = np.random.default_rng(1).normal(0, 0.1, 5_000) * np.exp(-np.arange(5_000) / 1_500)
    soundfile.write("long.wav", long, 48_000, "FLOAT")
    taps = read_cabinet(Path("long.wav"))
    assert len(taps) == MOST_TAPS
    kept = taps / long[:MOST_TAPS] * long[0] / taps[0]
    assert np.allclose(kept[:1_792], 1, atol=1e-5)
    assert (np.diff(kept[1_792:]) < 0).all()
    assert abs(kept[-1]) < 1e-6


def test_the_page_has_it_as_loud(here: Path) -> None:
    taps = speaker().astype("<f4")
    soundfile.write("cab.wav", taps, 48_000, "FLOAT")
    command = ["node", PLAYERS / "cabinet.mjs", WEB, "48000"]
    done = subprocess.run(command, input=taps.tobytes(), capture_output=True, check=True)
    page = np.frombuffer(done.stdout, "<f4")
    assert np.allclose(page, read_cabinet(Path("cab.wav")), rtol=1e-4, atol=1e-7)


def test_blocks_of_any_size_and_silence_after(here: Path) -> None:
    taps = speaker().astype(np.float32)
    cabinet, whole = Cabinet(taps), Cabinet(taps).process(DRY)
    parts = [cabinet.process(part) for part in np.split(DRY, [1, 48, 777, 5_000])]
    assert np.abs(np.concatenate(parts) - whole).max() < 1e-6
    assert np.abs(cabinet.process(np.zeros(4_800, np.float32))[1_248:]).max() < 1e-7
    with pytest.raises(ValueError, match="at most 2048"):
        Cabinet(np.ones(MOST_TAPS + 1, np.float32))


@pytest.mark.parametrize(
    ("taps", "sentence"),
    [
        (np.zeros(100), "cab.wav lets no sound through"),
        (np.eye(1, 3_000, 2_500)[0], "cab.wav is loudest after 2500 samples, and a cabinet has"),
        (np.eye(300, 2), "cab.wav has 2 channels that differ"),
        (np.array([1, np.nan]), "cab.wav holds samples that are not numbers"),
    ],
)
def test_what_is_no_cabinet_is_said(
    here: Path, taps: np.ndarray, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    soundfile.write("cab.wav", taps, 48_000, "FLOAT")
    assert run(["render", "m", "in.wav", "x.wav", "--ir", "cab.wav"]) == 2
    assert sentence in capsys.readouterr().err
    assert not Path("x.wav").exists()
    with pytest.raises(UserError, match="There is no file"):
        read_cabinet(Path("none.wav"))


@pytest.mark.parametrize("rate", [48_000, 96_000])
def test_what_is_sent_to_the_pedal_is_what_is_rendered_through(tmp_path, rate):
    path = tmp_path / "V30.wav"
    soundfile.write(path, speaker(rate // 40, rate), rate, subtype="FLOAT")
    kind, sent, name = contents(path)
    assert (kind, name) == (FileKind.CABINET, "V30")
    taps = np.frombuffer(sent, "<f4")
    assert np.array_equal(taps, read_cabinet(path))
    assert loudness_of(taps, 48_000) == pytest.approx(1.0, rel=1e-4)
