"""Audio inside the page."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from rigs.audio import peak_dbfs
from training.evaluate import Result

LONGEST_SECONDS = 15
QUIET_DBFS = -24.0
"""A peak under this is raised to LOUD_DBFS, by at most MOST_DB."""
LOUD_DBFS = -6.0
MOST_DB = 60.0


@dataclass(frozen=True)
class Listening:
    """Data URIs of 16-bit FLAC; ``gain_db`` was applied to amp and model alike."""

    dry: str
    amp: str
    model: str
    gain_db: float


def listening(result: Result, sample_rate: int, longest: float = LONGEST_SECONDS) -> Listening:
    """Dry, amp and model of one setting; the part with the most playing if it lasts long."""
    place = _most_playing(result.capture.dry, round(longest * sample_rate))
    dry, wet, output = result.capture.dry[place], result.capture.wet[place], result.output[place]
    gain_db = gain_for(max(peak_dbfs(wet), peak_dbfs(output)))
    gain = 10 ** (gain_db / 20)
    return Listening(
        dry=flac_uri(dry, sample_rate),
        amp=flac_uri(gain * wet, sample_rate),
        model=flac_uri(gain * output, sample_rate),
        gain_db=gain_db,
    )


def gain_for(peak: float) -> float:
    """The gain, in dB, that makes a peak in dBFS fit: 0 unless it is too loud or very quiet."""
    if peak > 0:
        return -peak
    if np.isfinite(peak) and peak < QUIET_DBFS:
        return min(LOUD_DBFS - peak, MOST_DB)
    return 0.0


def flac_uri(audio: NDArray[Any], sample_rate: int) -> str:
    """``audio``, shape (frames,), as 16-bit FLAC in a data URI."""
    steps = np.clip(np.rint(np.asarray(audio, np.float64) * 32768), -32768, 32767)
    sink = io.BytesIO()
    soundfile.write(sink, steps.astype(np.int16), sample_rate, format="FLAC", subtype="PCM_16")
    return "data:audio/flac;base64," + base64.b64encode(sink.getvalue()).decode("ascii")


def _most_playing(dry: NDArray[np.float32], longest: int) -> slice:
    if len(dry) <= longest:
        return slice(0, len(dry))
    energy = np.concatenate([[0.0], np.cumsum(np.square(dry, dtype=np.float64))])
    start = int(np.argmax(energy[longest:] - energy[:-longest]))
    return slice(start, start + longest)
