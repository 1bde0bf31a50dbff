from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from rigs import audio
from rigs.audio import SAMPLE_RATE
from rigs.errors import UserError

SINE = np.sin(2 * np.pi * 1000 * np.arange(SAMPLE_RATE) / SAMPLE_RATE).astype(np.float32)


def test_a_full_scale_sine_peaks_at_0_and_has_minus_3_dbfs_rms() -> None:
    assert audio.peak_dbfs(SINE) == pytest.approx(0.0, abs=1e-6)
    assert audio.rms_dbfs(SINE) == pytest.approx(-3.0103, abs=1e-4)
    assert audio.peak_dbfs(-0.5 * SINE) == pytest.approx(-6.0206, abs=1e-4)


@pytest.mark.parametrize("x", [np.zeros(3), np.zeros(0)])
def test_silence_has_no_level(x: np.ndarray) -> None:
    assert audio.peak_dbfs(x) == audio.rms_dbfs(x) == -np.inf


def test_esr() -> None:
    assert audio.esr(SINE, SINE) == 0
    assert audio.esr(SINE, 0 * SINE) == pytest.approx(1)
    assert audio.esr(SINE, np.float32(0.9) * SINE) == pytest.approx(0.01, rel=1e-5)
    assert np.isnan(audio.esr(np.zeros(4), np.ones(4)))
    with pytest.raises(ValueError, match="shape"):
        audio.esr(np.zeros(4), np.zeros(1))


def test_esr_sums_in_float64() -> None:
    many = np.full(1 << 22, 0.1, np.float32)
    many[0] = 1e4
    error = many.copy()
    error[1:] = 0
    assert audio.esr(many, error) == pytest.approx((many.size - 1) * 0.01 / 1.00041943e8, rel=1e-5)


def test_24_bits_round_half_to_even_and_clip() -> None:
    steps = np.array([0.5, 1.5, 2.5, -0.5, -1.5, 8388607.4]) / (1 << 23)
    assert audio.to_int24(steps).tolist() == [0, 2, 2, 0, -2, 8388607]
    assert audio.to_int24(np.array([1.0, -1.0, 2.0])).tolist() == [8388607, -8388608, 8388607]


def test_24_bits_survive_float32() -> None:
    steps = np.random.default_rng(0).integers(-(1 << 23), 1 << 23, 100_000)
    assert np.array_equal(audio.to_int24(audio.from_int24(steps)), steps)
    assert audio.from_int24(steps).dtype == np.float32


def test_wav_returns_what_was_written(tmp_path: Path) -> None:
    x = audio.quantise24(np.random.default_rng(0).uniform(-1, 1, 1000))
    assert audio.write_wav(tmp_path / "a.wav", x) == 0
    read, rate = audio.read_wav(tmp_path / "a.wav")
    assert rate == SAMPLE_RATE
    assert np.array_equal(read, x)
    assert soundfile.info(tmp_path / "a.wav").subtype == "PCM_24"
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


def test_wav_counts_clipped_samples(tmp_path: Path) -> None:
    x = np.array([1.0, -1.0, 1.1, -1.1, 0.0])
    assert audio.write_wav(tmp_path / "a.wav", x) == 3
    assert np.abs(audio.read_wav(tmp_path / "a.wav")[0]).max() <= 1


def test_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    audio.write_wav(tmp_path / "a.wav", SINE)
    before = (tmp_path / "a.wav").read_bytes()

    def full(_: int) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UserError, match="No space left"):
        audio.write_wav(tmp_path / "a.wav", 0 * SINE)
    assert (tmp_path / "a.wav").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_other_rates_are_resampled_and_told(tmp_path: Path) -> None:
    x = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(44_100) / 44_100)
    soundfile.write(tmp_path / "a.flac", x, 44_100)
    read, rate = audio.read_wav(tmp_path / "a.flac")
    assert (rate, len(read)) == (44_100, SAMPLE_RATE)
    middle = slice(1000, -1000)
    assert np.allclose(read[middle], 0.5 * SINE[middle], atol=1e-4)


def test_equal_channels_are_mono(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.stack([SINE, SINE], 1), SAMPLE_RATE, subtype="FLOAT")
    assert np.array_equal(audio.read_wav(tmp_path / "a.wav")[0], SINE)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (np.stack([SINE, -SINE], 1), "2 channels that differ"),
        (np.array([0.0, np.nan]), "NaN"),
        (np.array([0.0, np.inf]), "NaN or inf"),
        (np.zeros(0), "no audio"),
    ],
)
def test_unfit_audio_is_refused(tmp_path: Path, content: np.ndarray, says: str) -> None:
    soundfile.write(tmp_path / "a.wav", content, SAMPLE_RATE, subtype="FLOAT")
    with pytest.raises(UserError, match=says):
        audio.read_wav(tmp_path / "a.wav")


def test_files_that_are_not_audio_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("not audio")
    (tmp_path / "b.wav").touch()
    for name, says in [("a.wav", "WAV or FLAC"), ("b.wav", "WAV or FLAC"), ("c.wav", "no file")]:
        with pytest.raises(UserError, match=says):
            audio.read_wav(tmp_path / name)


def test_long_files_are_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(8 * (30 * 60 + 1), np.int16), 8)
    monkeypatch.setattr(soundfile.SoundFile, "read", None)
    with pytest.raises(UserError, match="at most 30"):
        audio.read_wav(tmp_path / "a.wav")
