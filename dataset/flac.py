"""The wet and the dry as 24-bit FLAC."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from dataset.schema import MAX_FRAMES
from rigs.audio import SAMPLE_RATE, Audio, to_int24

COMPRESSION = 0.25
"""FLAC's level 2 of 8: the last with fixed predictors only. Those are whole-number arithmetic, so
the bytes are the same on every processor; a fitted predictor's depend on how it rounds floats."""


def encode(steps: NDArray[np.int32]) -> bytes:
    """24-bit ``steps``, shape (frames,), as mono FLAC at 48 kHz."""
    sink = io.BytesIO()
    soundfile.write(
        sink,
        steps << 8,  # libsndfile keeps the upper 24 bits
        SAMPLE_RATE,
        format="FLAC",
        subtype="PCM_24",
        compression_level=COMPRESSION,
    )
    return sink.getvalue()


def decode(data: bytes, frames: int, sample_rate: int) -> Audio:
    """The audio, shape (frames,) float32, exactly as encoded.

    Raises ValueError if it is not mono FLAC of just that length and rate: that is checked before
    any memory is asked for.
    """
    audio: Audio = _read(data, frames, sample_rate, "float32")
    return audio


def decode_steps(data: bytes, frames: int, sample_rate: int) -> NDArray[np.int32]:
    """The same in whole 24-bit steps, as :func:`encode` was given them; raises ValueError."""
    steps: NDArray[np.int32] = _read(data, frames, sample_rate, "int32")
    steps >>= 8  # libsndfile gives the upper 24 bits
    return steps


def _read(data: bytes, frames: int, sample_rate: int, kind: str) -> NDArray[Any]:
    if not 0 < frames <= MAX_FRAMES:
        raise ValueError(f"{frames} frames are none, or more than an hour")
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            found = (file.format, file.channels, file.samplerate, file.frames)
            if found != ("FLAC", 1, sample_rate, frames):
                raise ValueError(
                    f"the audio is {found[0]} with {found[1]} channels, {found[2]} Hz, {found[3]} "
                    f"frames, and not mono FLAC with {sample_rate} Hz, {frames} frames"
                )
            audio: NDArray[Any] = file.read(dtype=kind)
    except (soundfile.SoundFileError, RuntimeError) as error:
        raise ValueError(f"the audio is not whole FLAC: {error}") from None
    if audio.shape != (frames,):
        raise ValueError(f"the audio breaks off after {len(audio)} of {frames} frames")
    return audio


def pack(wet: NDArray[Any]) -> tuple[bytes, float]:
    """``wet``, shape (frames,), as FLAC, and what decoded audio is to be multiplied by.

    That is 1 unless ``wet`` exceeds full scale, and then the smallest float32 that covers it.
    """
    peak = float(np.max(np.abs(wet), initial=0.0))
    if peak <= 1.0:
        return encode(to_int24(wet)), 1.0
    scale = np.float32(peak)
    if float(scale) < peak:
        scale = np.nextafter(scale, np.float32(np.inf))
    return encode(to_int24(np.asarray(wet, np.float64) / float(scale))), float(scale)


def unpack(data: bytes, wet_scale: float, frames: int, sample_rate: int) -> Audio:
    """The inverse of :func:`pack`, to half a 24-bit step of ``wet_scale``; raises ValueError."""
    audio = decode(data, frames, sample_rate)
    return audio if wet_scale == 1.0 else audio * np.float32(wet_scale)
