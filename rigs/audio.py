"""Mono audio: levels, the error-to-signal ratio, 24 bits, and WAV files.

In memory audio is float32, shape (frames,), with ±1.0 as 0 dBFS, at 48 kHz.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from rigs.errors import UserError

SAMPLE_RATE = 48_000
LONGEST_SECONDS = 30 * 60

Audio = NDArray[np.float32]
FULL_SCALE_24 = 1 << 23
FULL_SCALE = 1.0 - 2.0**-20
"""A little below ±1, where converters stop: their largest positive step is 1 − 2^-23."""


def _db(ratio: float) -> float:
    return 20 * float(np.log10(ratio)) if ratio > 0 else -np.inf


def peak_dbfs(x: NDArray[Any]) -> float:
    """The largest magnitude in ``x``, shape (frames,), in dB re ±1.0; -inf if silent or empty."""
    return _db(float(np.max(np.abs(x), initial=0.0)))


def rms_dbfs(x: NDArray[Any]) -> float:
    """The RMS of ``x``, shape (frames,), in dB re an RMS of 1.0; -inf if silent or empty.

    So a sine at full scale reads -3.01 dBFS, not 0 as under AES17.
    """
    if x.size == 0:
        return -np.inf
    return _db(float(np.sqrt(np.mean(np.square(x, dtype=np.float64)))))


def count_clipped(x: NDArray[Any], run: int = 2) -> int:
    """How many samples of ``x``, shape (frames,), stand at full scale, ``run`` or more in a row."""
    full = np.abs(x) >= FULL_SCALE
    edges = np.flatnonzero(np.diff(np.concatenate([[False], full, [False]]).astype(np.int8)))
    lengths = edges[1::2] - edges[::2]
    return int(lengths[lengths >= run].sum())


def esr(target: NDArray[Any], output: NDArray[Any]) -> float:
    """sum((target - output)^2) / sum(target^2), both of shape (frames,), summed in float64.

    Nothing is normalised or trimmed. A target of zeros has no ESR: nan.
    """
    if target.shape != output.shape:
        raise ValueError(f"target has shape {target.shape}, output {output.shape}")
    y = target.astype(np.float64)
    energy = float(np.dot(y, y))
    error = y - output
    return float(np.dot(error, error)) / energy if energy > 0 else np.nan


def to_int24(x: NDArray[Any]) -> NDArray[np.int32]:
    """``x`` in steps of 2^-23: half to even, clipped to -2^23…2^23 - 1."""
    steps = np.rint(np.asarray(x, np.float64) * FULL_SCALE_24)
    return np.clip(steps, -FULL_SCALE_24, FULL_SCALE_24 - 1).astype(np.int32)


def from_int24(steps: NDArray[Any]) -> Audio:
    """The inverse of :func:`to_int24`; float32 holds every 24-bit step exactly."""
    return np.asarray(steps).astype(np.float32) / np.float32(FULL_SCALE_24)


def quantise24(x: NDArray[Any]) -> Audio:
    """``x`` as a 24-bit converter is given it, as float32."""
    return from_int24(to_int24(x))


def read_wav(path: str | Path) -> tuple[Audio, int]:
    """The mono audio of a WAV, FLAC or AIFF file at 48 kHz, and the file's own sample rate.

    A stereo file whose channels are the same counts as mono. Raises UserError if the file is
    missing, is not audio, is empty or longer than 30 minutes, holds NaN or infinity, or has
    channels that differ.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"There is no file {path}; check its name.")
    try:
        with soundfile.SoundFile(path) as file:
            rate = int(file.samplerate)
            # A header can announce any length: check it before any memory is asked for.
            if file.frames > LONGEST_SECONDS * rate:
                raise UserError(
                    f"{path} lasts {file.frames / rate / 60:.0f} minutes; "
                    f"cut it to at most {LONGEST_SECONDS // 60}."
                )
            channels = file.read(dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError) as error:
        raise UserError(
            f"{path} cannot be read as audio ({str(error).rstrip('.')}); give a WAV or FLAC file."
        ) from None
    if len(channels) == 0:
        raise UserError(f"{path} holds no audio; give a file with at least one sample.")
    if not np.isfinite(channels).all():
        raise UserError(f"{path} holds samples that are not numbers (NaN or inf); export it again.")
    if (channels != channels[:, :1]).any():
        raise UserError(
            f"{path} has {channels.shape[1]} channels that differ; export one of them as mono."
        )
    x: Audio = np.ascontiguousarray(channels[:, 0])
    if rate != SAMPLE_RATE:
        x = np.asarray(soxr.resample(x, rate, SAMPLE_RATE, quality="VHQ"), np.float32)
    return x, rate


def write_wav(path: str | Path, x: NDArray[Any], *, floating: bool = False) -> int:
    """Write ``x``, shape (frames,), as a mono WAV at 48 kHz, whole or not at all.

    It has 24 bits; with ``floating`` 32-bit floating point, which clips nothing. Returns how many
    samples were clipped. Raises UserError if the file cannot be written.
    """
    path = Path(path)
    steps = np.rint(np.asarray(x, np.float64) * FULL_SCALE_24)
    clipped = int(np.count_nonzero((steps < -FULL_SCALE_24) | (steps > FULL_SCALE_24 - 1)))
    temporary: Path | None = None
    try:
        # In the same folder, because a rename is atomic only within one file system.
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        temporary = Path(name)
        with os.fdopen(handle, "w+b") as file:
            if floating:
                # libsndfile would write down when, and the same audio has to be the same file.
                from scipy.io import wavfile

                wavfile.write(file, SAMPLE_RATE, np.asarray(x, np.float32))
            else:
                # libsndfile keeps the upper 24 bits of an int32, so no rounding is left to it.
                samples = to_int24(x) << 8
                soundfile.write(file, samples, SAMPLE_RATE, format="WAV", subtype="PCM_24")
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)  # mkstemp's files are private
        temporary.replace(path)
    except (OSError, soundfile.SoundFileError) as error:
        raise UserError(
            f"{path} cannot be written ({error}); check the folder and its space."
        ) from None
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
    return 0 if floating else clipped
