"""What two of our processes tell each other: a line of JSON, then float32 samples."""

from __future__ import annotations

import json
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

LONGEST_LINE = 1 << 24
MOST_SAMPLES = 1 << 30
Header = dict[str, Any]
Samples = NDArray[np.float32]


def send(file: IO[bytes], header: Header, *arrays: Samples) -> None:
    """Write one message, whole; raises OSError or ValueError if nobody reads any more."""
    shapes = [array.shape for array in arrays]
    file.write(json.dumps({**header, "shapes": shapes}).encode() + b"\n")
    for array in arrays:
        if array.size:
            file.write(np.ascontiguousarray(array, np.float32).reshape(-1).data.cast("B"))
    file.flush()


def receive(file: IO[bytes]) -> tuple[Header, list[Samples]]:
    """Read one message; raises EOFError if there is no whole one, or if it is none at all."""
    line = file.readline(LONGEST_LINE)
    if not line.endswith(b"\n"):
        raise EOFError
    try:
        header = json.loads(line)
        shapes = [tuple(map(int, shape)) for shape in header.pop("shapes")]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise EOFError from None
    return header, [_samples(file, shape) for shape in shapes]


def _samples(file: IO[bytes], shape: tuple[int, ...]) -> Samples:
    count = int(np.prod(shape, dtype=object))
    if min(shape, default=0) < 0 or count > MOST_SAMPLES:
        raise EOFError
    samples = np.empty(shape, np.float32)
    view = samples.reshape(-1).data.cast("B") if count else memoryview(b"")
    while view:
        got = file.readinto(view)  # type: ignore[attr-defined]
        if not got:
            raise EOFError
        view = view[got:]
    return samples
