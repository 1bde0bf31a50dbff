"""Decoded audio in memory-mapped files, from which windows are read at random."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataset.store import Dataset
from rigs.audio import SAMPLE_RATE, Audio
from rigs.errors import UserError
from rigs.files import make_folder, only_one, sha256_of, sync_folder
from rigs.knobs import KnobTable
from rigs.trajectory import CONTROL_RATE, Trajectory

CONTROL_EVERY = round(SAMPLE_RATE / CONTROL_RATE)
"""Samples from one control frame to the next: 48."""


@dataclass(frozen=True, eq=False)
class Window:
    """``dry``: (lead + frames,). ``wet``: (frames,). ``positions``: (control frames, knobs).

    Control frame k is where the knobs stand at dry sample 48 k, in panel positions; the last one
    is at or after the last sample.
    """

    dry: Audio
    wet: Audio
    positions: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Span:
    """Where a capture lies in the flat files, and how its knobs move."""

    dry_start: int
    wet_start: int
    frames: int
    trajectory: Trajectory


def control_frames(samples: int) -> int:
    """How many control frames cover ``samples``, the one at or after the last among them."""
    return -(-samples // CONTROL_EVERY) + 1


@dataclass(frozen=True, eq=False)
class Cache:
    """The dataset's dry and wet as two flat float32 arrays, and a span for each of its rows."""

    knobs: KnobTable
    dry: Audio
    wet: Audio
    spans: tuple[Span, ...]

    @classmethod
    def open(cls, dataset: Dataset) -> Cache:
        """Map the cache under the dataset's folder; build it first if it is not of these parts.

        It holds the whole folder, so all selections of a dataset share it. Raises UserError if a
        part is damaged or the disk is full.
        """
        root = make_folder(dataset.folder / "cache")
        with only_one(root, wait=True):  # a second process waits, and finds it built
            home = root / _fingerprint(dataset, root)[:16]
            if not (home / "index.json").exists():
                _build(dataset, root, home)
            index = json.loads((home / "index.json").read_text("utf-8"))
            dry = np.memmap(home / "dry.f32", "<f4", "r")
            wet = np.memmap(home / "wet.f32", "<f4", "r")
        spans = []
        for row in dataset.rows():
            dry_start, wet_start = index[row["capture_id"]]
            spans.append(Span(dry_start, wet_start, int(row["frames"]), dataset.trajectory(row)))
        return cls(dataset.knobs, dry, wet, tuple(spans))

    def window(self, row: int, start: int, frames: int, lead: int = 0) -> Window:
        """``frames`` of capture ``row`` from ``start``, with ``lead`` of the dry before them.

        Before the capture's first sample the dry is silent. Raises IndexError if the window does
        not end within the capture.
        """
        span = self.spans[row]
        if start < 0 or frames < 1 or lead < 0 or start + frames > span.frames:
            raise IndexError(f"frames {start} to {start + frames} of {span.frames}")
        first = start - lead
        dry = np.zeros(lead + frames, np.float32)
        begin = max(first, 0)
        dry[begin - first :] = self.dry[span.dry_start + begin : span.dry_start + start + frames]
        wet_from = span.wet_start + start
        wet = np.array(self.wet[wet_from : wet_from + frames])
        return Window(dry, wet, self.positions(row, first, lead + frames))

    def positions(self, row: int, first: int, samples: int) -> NDArray[np.float32]:
        """The knobs every 48 samples from sample ``first`` of a capture, (control frames, knobs).

        Before sample 0 they stand where the capture begins.
        """
        trajectory = self.spans[row].trajectory
        count = control_frames(samples)
        if not trajectory.moves:
            return np.repeat(trajectory.positions, count, axis=0)
        return trajectory.at((first + CONTROL_EVERY * np.arange(count)) / SAMPLE_RATE)


class WindowSampler:
    """Batches of random windows: every moment of every capture equally likely.

    ``rows`` are positions in the dataset that the cache was opened with (all, if None). Windows
    begin, lead included, on a multiple of 48 samples of their capture, where control frames stand.
    A batch depends on the seed and its number alone, so training resumes where it was. Raises
    UserError if no capture is as long as a window.
    """

    def __init__(
        self,
        cache: Cache,
        *,
        frames: int,
        lead: int,
        batch: int,
        seed: int,
        rows: NDArray[np.integer[Any]] | None = None,
    ) -> None:
        self._cache, self._frames, self._lead = cache, frames, lead
        self._batch, self._seed = batch, seed
        chosen = np.arange(len(cache.spans)) if rows is None else np.asarray(rows)
        # Starts s with (s - lead) a multiple of 48 and s + frames within the capture.
        self._phase = lead % CONTROL_EVERY
        room = np.array([cache.spans[r].frames - frames - self._phase for r in chosen])
        starts = np.where(room >= 0, room // CONTROL_EVERY + 1, 0)
        if not starts.sum():
            raise UserError(
                f"No capture lasts as long as a window of {frames} frames; capture longer ones or "
                "train on shorter windows."
            )
        self._rows, self._ends = chosen, np.cumsum(starts)

    def picks(self, number: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The rows and starts, shape (B,) each, of the windows in batch ``number``."""
        rng = np.random.default_rng([self._seed, number])
        drawn = rng.integers(self._ends[-1], size=self._batch)
        which = np.searchsorted(self._ends, drawn, side="right")
        before = np.where(which > 0, self._ends[which - 1], 0)
        return self._rows[which], self._phase + CONTROL_EVERY * (drawn - before)

    def batch(
        self, number: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Batch ``number``: dry (B, lead + frames), wet (B, frames), positions (B, C, knobs)."""
        windows = [
            self._cache.window(row, start, self._frames, self._lead)
            for row, start in zip(*(x.tolist() for x in self.picks(number)), strict=True)
        ]
        return (
            np.stack([w.dry for w in windows]),
            np.stack([w.wet for w in windows]),
            np.stack([w.positions for w in windows]),
        )


def _fingerprint(dataset: Dataset, root: Path) -> str:
    """sha256 over the parts' and dries' names and contents.

    Contents are read again only if a file's size or time differs from the last look's.
    """
    notes = root / "files.json"
    try:
        known = json.loads(notes.read_text("utf-8"))
    except (OSError, ValueError):
        known = {}
    captures, dries = dataset.folder / "captures", dataset.folder / "dry"
    seen = {}
    for path in [*sorted(captures.glob("*.parquet")), *sorted(dries.glob("*.parquet"))]:
        stat, name = path.stat(), f"{path.parent.name}/{path.name}"
        look = [stat.st_size, stat.st_mtime_ns]
        old = known.get(name) if isinstance(known, dict) else None
        same = isinstance(old, list) and len(old) == 3 and old[:2] == look
        seen[name] = [*look, old[2] if same and old is not None else sha256_of(path)]
    if seen != known:
        # The notes only save time, so they need not survive a power cut.
        temporary = root / ".files.json.tmp"
        temporary.write_text(json.dumps(seen), "utf-8")
        temporary.replace(notes)
    contents = {name: digest for name, (_, _, digest) in seen.items()}
    return hashlib.sha256(json.dumps(contents, sort_keys=True).encode()).hexdigest()


def _build(dataset: Dataset, root: Path, home: Path) -> None:
    """Decode the whole folder into ``home``, and remove what else is in ``root``."""
    everything = Dataset.open(dataset.folder)
    for old in root.iterdir():  # of other parts, or left by a builder that was killed
        if old.is_dir():
            shutil.rmtree(old)
    temporary = Path(tempfile.mkdtemp(prefix=".", suffix=".tmp", dir=root))
    try:
        index: dict[str, tuple[int, int]] = {}
        dry_starts: dict[str, int] = {}
        dry_end = wet_end = 0
        with (temporary / "dry.f32").open("wb") as dry, (temporary / "wet.f32").open("wb") as wet:
            for row, audio in zip(everything.rows(), everything.decoded(), strict=True):
                dry_id, offset = str(row["dry_id"]), int(row["dry_offset"])
                whole = everything.whole_dry(dry_id)
                everything.dry(row)  # raises if the capture ends after its dry
                if dry_id not in dry_starts:
                    dry_starts[dry_id] = dry_end
                    dry.write(whole.audio.astype("<f4").tobytes())
                    dry_end += whole.frames
                wet.write(audio.astype("<f4").tobytes())
                index[str(row["capture_id"])] = (dry_starts[dry_id] + offset, wet_end)
                wet_end += len(audio)
        (temporary / "index.json").write_text(json.dumps(index), "utf-8")
        temporary.replace(home)
        sync_folder(root)
    except OSError as error:
        raise UserError(
            f"The cache {home} could not be written ({error.strerror or error}); make room on "
            "that disk."
        ) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
