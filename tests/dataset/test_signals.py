from __future__ import annotations

import hashlib
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from scipy import signal

from dataset import signals
from dataset.signals import PARTS, Dry
from dataset.strings import Guitar, Note, pluck
from rigs import clicks
from rigs.audio import SAMPLE_RATE, peak_dbfs, quantise24, rms_dbfs, write_wav
from rigs.errors import UserError

GOLDEN = "b551a184fd25458e196426b23a5e3a345480be5cc2c15bc5ee50a385b45be35f"


@pytest.fixture(scope="module")
def dries() -> dict[str, Dry]:
    """Three parts of one seed."""
    return {part: signals.make(part, 24 if part == "train" else 8, seed=1) for part in PARTS}


def bands(x: np.ndarray) -> np.ndarray:
    """Third-octave levels from 40 Hz to 8 kHz, in dB."""
    f, power = signal.welch(x.astype(np.float64), SAMPLE_RATE, nperseg=16384)
    centres = 1000 * 2.0 ** (np.arange(-14, 10) / 3)
    edges = np.stack([centres * 2 ** (-1 / 6), centres * 2 ** (1 / 6)], 1)
    return np.array([10 * np.log10(power[(f >= a) & (f < b)].sum()) for a, b in edges])


def frames_of(x: np.ndarray, seconds: float = 0.05) -> np.ndarray:
    n = round(seconds * SAMPLE_RATE)
    return x[: len(x) // n * n].reshape(-1, n)


def test_same_seed_same_bytes() -> None:
    dry = signals.make("test", 2.0, seed=1)
    assert dry.dry_id == signals.make("test", 2.0, seed=1).dry_id == GOLDEN
    assert dry.dry_id != signals.make("test", 2.0, seed=2).dry_id


def test_dry_id_is_the_hash_of_what_the_converter_gets() -> None:
    dry = Dry("a", "file", "", np.array([0.5, -1.0, 2**-23], np.float32))
    steps = np.array([1 << 22, -(1 << 23), 1], "<i4")
    assert dry.dry_id == hashlib.sha256(steps.tobytes()).hexdigest()
    assert dry.frames == 3


@pytest.mark.parametrize("seconds", [1.0, 1.23456, 4.00001])
@pytest.mark.parametrize("part", PARTS)
def test_made_to_the_frame(part: str, seconds: float) -> None:
    dry = signals.make(part, seconds, seed=3)
    assert dry.frames == round(seconds * SAMPLE_RATE)
    assert (dry.kind, dry.licence) == ("made", "CC0-1.0")


def test_made_dries_begin_with_clicks_and_peak_near_full_scale(dries: dict[str, Dry]) -> None:
    for dry in dries.values():
        assert dry.has_clicks
        assert dry.audio.dtype == np.float32
        assert np.array_equal(dry.audio, quantise24(dry.audio))
        assert -1.5 < peak_dbfs(dry.audio) < -0.5


def test_spectrum_is_covered(dries: dict[str, Dry]) -> None:
    levels = bands(dries["train"].audio)
    assert levels.min() > levels.max() - 40


def test_playing_alone_has_the_spectrum_of_a_guitar() -> None:
    """Within what 13 recordings of direct guitars, measured once, have between them."""
    levels = bands(signals.playing(40, np.random.default_rng(1)))
    levels -= levels.max()
    centres = 1000 * 2.0 ** (np.arange(-14, 10) / 3)
    lows = {160: -16, 250: -9, 400: -14, 630: -11, 1000: -20, 1600: -18, 2500: -27, 5000: -47}
    highs = {160: 0, 250: 0, 400: 0, 630: 0, 1000: 0, 1600: 0, 2500: -8, 5000: -18, 8000: -30}
    for hertz, low in lows.items():
        assert levels[np.argmin(np.abs(centres - hertz))] >= low, hertz
    for hertz, high in highs.items():
        assert levels[np.argmin(np.abs(centres - hertz))] <= high, hertz


@pytest.mark.parametrize("part", PARTS)
def test_levels_are_covered(dries: dict[str, Dry], part: str) -> None:
    frames = frames_of(dries[part].audio[clicks.FRAMES :])
    peaks = np.array([peak_dbfs(frame) for frame in frames])
    rms = np.array([rms_dbfs(frame) for frame in frames])
    assert peaks.max() > -1.5
    assert rms.max() > -13
    for low in range(-45, -15, 5):  # every 5 dB has its share
        assert np.mean((rms >= low) & (rms < low + 5)) > 0.02, low


def test_training_is_for_three_quarters_playing(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def spy(seconds: float, *args: object, **kwargs: object) -> np.ndarray:
        asked.append(seconds)
        return np.zeros(round(seconds * SAMPLE_RATE))

    monkeypatch.setattr(signals, "playing", spy)
    for seconds in (2, 30, 200):
        signals.make("train", seconds, seed=0)
        assert asked.pop() >= 0.75 * seconds
        signals.make("test", seconds, seed=0)
        assert asked.pop() == pytest.approx(seconds - 0.25)


def test_training_has_sweeps_and_noise_at_several_levels(dries: dict[str, Dry]) -> None:
    start = clicks.FRAMES
    for seconds, levels in ((0.64, (-1, -13, -25)), (0.32, (-3, -15, -27))):
        for level in levels:
            piece = dries["train"].audio[start : start + round(seconds * SAMPLE_RATE)]
            assert peak_dbfs(piece) == pytest.approx(level, abs=0.05)
            start += len(piece)


def test_parts_draw_from_their_own_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[float] = []

    def spy(seconds: float, rng: np.random.Generator, **kwargs: object) -> np.ndarray:
        drawn.append(rng.random())
        return np.zeros(round(seconds * SAMPLE_RATE))

    monkeypatch.setattr(signals, "noise", lambda seconds, level, rng: np.zeros(10))
    monkeypatch.setattr(signals, "playing", spy)
    for seed in (0, 1, 2):
        for part in PARTS:
            signals.make(part, 2, seed)
    assert len(set(drawn)) == 9


def test_four_seconds_hold_a_loud_strum_a_quiet_lead_and_a_palm_mute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opening = dict(signals._OPENING)
    for seed in range(3):
        dealt = signals._phrases(np.random.default_rng(seed))
        assert dict(next(dealt) for _ in range(3)) == opening
    assert max(opening.values()) == -1
    assert min(opening.values()) < -25
    counted: list[object] = []
    render = signals._rendered
    monkeypatch.setattr(signals, "_rendered", lambda *a: (counted.append(a[0]), render(*a))[1])
    signals.make("test", 4.0, seed=5)
    assert len(counted) >= 5


def alike(part: np.ndarray, other: np.ndarray, rng: np.random.Generator) -> float:
    """The largest correlation of sampled 100 ms of ``part`` with any 100 ms of ``other``.

    Of their differences: two low notes that have decayed to a hum are alike in any music.
    """
    width = SAMPLE_RATE // 10
    a, b = (np.diff(x[clicks.FRAMES :].astype(np.float64)) for x in (part, other))
    energy = np.cumsum(np.concatenate([[0.0], b**2]))
    energy = np.maximum(energy[width:] - energy[:-width], 1e-9 * width)
    worst = 0.0
    for start in rng.integers(0, len(a) - width, 12):
        piece = a[start : start + width]
        if np.mean(piece**2) > 1e-9:
            fit = np.abs(signal.correlate(b, piece, "valid", method="fft"))
            worst = max(worst, float(np.max(fit / np.sqrt(energy * np.dot(piece, piece)))))
    return worst


def test_parts_and_seeds_share_nothing(dries: dict[str, Dry]) -> None:
    rng = np.random.default_rng(0)
    for a, b in permutations(PARTS, 2):
        assert alike(dries[a].audio, dries[b].audio, rng) < 0.95, (a, b)
    again = signals.make("test", 8, seed=2).audio
    assert alike(again, dries["test"].audio, rng) < 0.95
    assert alike(dries["test"].audio, dries["test"].audio, rng) > 0.99


@pytest.mark.parametrize(
    ("part", "seconds", "seed", "says"),
    [
        ("exam", 2, 0, "'exam'; the parts are train"),
        ("test", 0.5, 0, "0.5 seconds"),
        ("test", float("nan"), 0, "nan seconds"),
        ("test", 1e6, 0, "1 to 1800"),
        ("test", 2, -1, "seed -1"),
    ],
)
def test_what_cannot_be_made_is_refused(part: str, seconds: float, seed: int, says: str) -> None:
    with pytest.raises(UserError, match=says):
        signals.make(part, seconds, seed)


def test_sweep_spends_as_long_in_each_octave() -> None:
    sweep = signals.log_sweep(2.0, -6)
    assert peak_dbfs(sweep) == pytest.approx(-6, abs=0.05)
    half = np.count_nonzero(np.diff(np.signbit(sweep[:SAMPLE_RATE])))
    # Half of the time goes by from 20 Hz to the geometric mean of 20 and 20,000.
    turns = 2 * (np.sqrt(20 * 20_000) - 20) * 2 / np.log(1000)
    assert half == pytest.approx(turns, abs=2)


GUITAR = Guitar(0.2, 0.15, 3000, 3500, 1.2, 4.0, 4e-5)


def pitch_of(x: np.ndarray, low: float, high: float) -> float:
    """The fundamental, in Hz, by the strongest bin of a long transform between the two."""
    power = np.abs(np.fft.rfft(x * np.hanning(len(x)), 1 << 19))
    f = np.fft.rfftfreq(1 << 19, 1 / SAMPLE_RATE)
    near = (f > low) & (f < high)
    return float(f[near][np.argmax(power[near])])


@pytest.mark.parametrize("pitch", [23, 40, 57, 76])
def test_strings_are_in_tune(pitch: int) -> None:
    hertz = 440 * 2 ** ((pitch - 69) / 12)
    sound = pluck(Note(0, 2.0, pitch), GUITAR, 440, np.random.default_rng(0))
    assert pitch_of(sound, hertz * 0.8, hertz * 1.2) == pytest.approx(hertz, rel=2e-3)


def test_glides_arrive_at_their_pitch() -> None:
    bend = Note(0, 2.0, 57, glide=2, glide_at=0.2, glide_seconds=0.2)
    sound = pluck(bend, GUITAR, 440, np.random.default_rng(0))
    assert pitch_of(sound[SAMPLE_RATE:], 180, 300) == pytest.approx(220 * 2 ** (2 / 12), rel=2e-3)


def test_the_palm_and_a_soft_touch_do_what_they_do() -> None:
    def sound(**how: float) -> np.ndarray:
        return pluck(Note(0, 1.0, 45, **how), GUITAR, 440, np.random.default_rng(0))

    def fall(x: np.ndarray) -> float:
        return rms_dbfs(x[:4800]) - rms_dbfs(x[19200:24000])

    def treble(x: np.ndarray) -> float:
        return rms_dbfs(np.diff(x[:9600])) - rms_dbfs(x[:9600])

    assert fall(sound(mute=0.8)) > fall(sound()) + 20
    assert treble(sound(mute=0.8)) < treble(sound())
    assert treble(sound(velocity=0.2)) < treble(sound(velocity=1.0))
    assert rms_dbfs(sound(velocity=0.2)) < rms_dbfs(sound(velocity=1.0)) - 6


def test_files_are_quantised_once_and_get_clicks(tmp_path: Path) -> None:
    x = quantise24(signals.playing(1.0, np.random.default_rng(0)))
    write_wav(tmp_path / "mine.wav", x)
    plain = signals.load(tmp_path / "mine.wav", "CC-BY-4.0", clicks_first=False)
    assert (plain.name, plain.kind, plain.licence) == ("mine", "file", "CC-BY-4.0")
    assert np.array_equal(plain.audio, x)
    assert not plain.has_clicks
    dry = signals.load(tmp_path / "mine.wav")
    assert dry.has_clicks
    assert np.array_equal(dry.audio[clicks.FRAMES :], x)
    write_wav(tmp_path / "again.wav", dry.audio)
    assert signals.load(tmp_path / "again.wav").dry_id == dry.dry_id


def test_files_that_would_clip_are_refused(tmp_path: Path) -> None:
    import soundfile

    soundfile.write(tmp_path / "a.wav", np.full(100, 1.5), SAMPLE_RATE, subtype="FLOAT")
    with pytest.raises(UserError, match=r"\+3.5 dBFS"):
        signals.load(tmp_path / "a.wav")


def test_a_file_is_cut_where_it_is_silent(tmp_path: Path) -> None:
    x = np.random.default_rng(0).uniform(-0.5, 0.5, 20 * SAMPLE_RATE).astype(np.float32)
    rests = (13.6, 17.3)
    for rest in rests:
        x[round((rest - 0.1) * SAMPLE_RATE) : round((rest + 0.1) * SAMPLE_RATE)] = 0
    x = quantise24(x)
    write_wav(tmp_path / "a.wav", x)
    parts = signals.split_file(
        tmp_path / "a.wav", seconds_validation=4, seconds_test=3, clicks_first=False
    )
    assert list(parts) == list(PARTS)
    assert np.array_equal(np.concatenate([dry.audio for dry in parts.values()]), x)
    assert parts["train"].frames == pytest.approx(rests[0] * SAMPLE_RATE, abs=0.1 * SAMPLE_RATE)
    assert parts["test"].frames == pytest.approx(2.7 * SAMPLE_RATE, abs=0.1 * SAMPLE_RATE)
    for dry in parts.values():
        assert np.abs(dry.audio[:100]).max() * np.abs(dry.audio[-100:]).max() == 0
    assert all(dry.has_clicks for dry in signals.split_file(tmp_path / "a.wav").values())
    assert parts["test"].name == "a-test"


@pytest.mark.parametrize(("validation", "test"), [(0, 1), (1, 0), (-1, 1), (1.2, 1)])
def test_a_file_too_short_to_split_is_refused(
    tmp_path: Path, validation: float, test: float
) -> None:
    write_wav(tmp_path / "a.wav", np.zeros(4 * SAMPLE_RATE))
    with pytest.raises(UserError, match="cannot give"):
        signals.split_file(tmp_path / "a.wav", seconds_validation=validation, seconds_test=test)
