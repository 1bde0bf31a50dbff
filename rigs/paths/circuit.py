"""An ngspice netlist as a signal path: its knobs are parameters of the circuit."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from rigs.audio import SAMPLE_RATE
from rigs.circuits.chunks import (
    SHORTEST_OVERLAP,
    Chunk,
    in_parallel,
    lowered,
    raised,
    split,
)
from rigs.circuits.deck import Array, Job
from rigs.circuits.netlist import BUILTIN, NODE, Level, load
from rigs.circuits.spice import Ngspice, NgspiceFailed, find_ngspice
from rigs.errors import UserError
from rigs.rig import Ask, Audio, Motion, Options, Progress, Reach, Recording, SignalPath
from rigs.trajectory import Trajectory


class CircuitOptions(Options):
    """What a rig's TOML says of a circuit; what it leaves out, the netlist says."""

    netlist: str = Field(min_length=1, max_length=1000)
    """`builtin:ts808`, or a file relative to the TOML's folder."""
    input: str | None = Field(default=None, pattern=f"^{NODE}$")
    output: str | None = Field(default=None, pattern=f"^{NODE}$")
    input_volts: float | None = Field(default=None, gt=0, le=10_000)
    """Volts that a sample of 1 is at the input, and that are a sample of 1 at the output."""
    output_volts: float | None = Field(default=None, gt=0, le=10_000)
    overlap: float | None = Field(default=None, ge=SHORTEST_OVERLAP, le=10)
    """Seconds simulated before each chunk but the first, and thrown away."""
    chunk: float = Field(default=2.0, ge=0.05, le=10)
    """Seconds. The wet depends on it (far below hearing), so it is no matter of the machine's."""
    oversample: int = Field(default=8, ge=2, le=32)
    """Steps of the simulation in a sample."""
    jobs: int | None = Field(default=None, ge=1, le=256)
    """Chunks simulated at a time; else one for each processor. The wet is the same."""
    time_limit: float = Field(default=900.0, gt=0, le=86_400)
    """Seconds that ngspice may take for a chunk."""


class Circuit(SignalPath):
    """Simulates an ngspice netlist; latency is zero by construction."""

    options_type = CircuitOptions
    options: CircuitOptions
    simulated = True

    def __init__(self, options: CircuitOptions, folder: Path) -> None:
        super().__init__(options, folder)
        self._netlist = load(options.netlist, folder)
        self.knobs = self._netlist.knobs
        self._input = self._level("input", options.input, options.input_volts, self._netlist.input)
        self._output = self._level(
            "output", options.output, options.output_volts, self._netlist.output
        )
        settle = self._netlist.settle if options.overlap is None else options.overlap
        self._overlap = max(settle, SHORTEST_OVERLAP)

    def sounding(self) -> dict[str, Any]:
        said = super().sounding()
        for name in ("jobs", "time_limit", *(["netlist"] if self.sources else [])):
            said.pop(name, None)
        return said

    @property
    def sources(self) -> tuple[Path, ...]:
        name = self.options.netlist
        return () if name.startswith(BUILTIN) else (self.folder / name,)

    def _level(self, what: str, node: str | None, volts: float | None, own: Level) -> Level:
        level = Level(node or own.node, volts or own.volts)
        if not self._netlist.has_node(level.node):
            raise UserError(
                f"{self._netlist.name} has no node {level.node!r} to be its {what}: no part is "
                "connected to it; name another."
            )
        return level

    @property
    def reach(self) -> Reach:
        return Reach(sweeps=self._netlist.sweeps)

    def open(self, ask: Ask) -> None:
        """Raises UserError if there is no ngspice."""
        find_ngspice()

    def play(self, dry: Audio, motion: Motion, progress: Progress) -> Recording:
        """Raises UserError if ngspice finds no solution, or takes too long over it."""
        knobs = motion.parameters
        if knobs is None:
            raise UserError(
                "A circuit has no panel to turn; give its rig [actuator] type = 'parameters'."
            )
        ngspice = Ngspice(self.options.time_limit)
        job, moving = self._job(knobs)
        factor = self.options.oversample
        finished = 0

        def simulate(chunk: Chunk) -> Array:
            seconds = (chunk.start + np.arange(chunk.frames * factor) / factor) / SAMPLE_RATE
            columns = np.empty((len(seconds), 1 + len(moving)))
            columns[:, 0] = raised(dry, chunk, factor)
            if moving:
                columns[:, 1:] = knobs.at(seconds)[:, moving]
            try:
                fine = ngspice.run(job, columns)
            except NgspiceFailed as failed:
                raise self._failure(failed, chunk, knobs) from None
            return lowered(fine, chunk, factor) / self._output.volts

        def done(chunk: Chunk) -> None:
            nonlocal finished
            finished += chunk.end - chunk.begin
            progress(finished / SAMPLE_RATE)

        chunks = split(
            len(dry),
            round(self.options.chunk * SAMPLE_RATE),
            round(self._overlap * SAMPLE_RATE),
        )
        jobs = self.options.jobs or _processors()
        wet = in_parallel(simulate, chunks, jobs, done, ngspice.kill)
        return Recording(wet.astype(np.float32))

    def _job(self, knobs: Trajectory) -> tuple[Job, list[int]]:
        """The circuit with its resting knobs set, and the columns of those that move."""
        table = self._netlist.knobs
        # A float32 end of the range may be beyond it.
        first = np.clip(knobs.positions[0].astype(np.float64), table.minimum, table.maximum)
        moves = (knobs.positions != knobs.positions[0]).any(axis=0)
        if moves.any() and not self._netlist.sweeps:
            raise UserError(
                f"{self._netlist.name} uses its knobs elsewhere than in resistors, so they cannot "
                "move while audio plays; plan without sweeps."
            )
        names = self._netlist.names
        job = Job(
            self._netlist,
            self._input.node,
            self._output.node,
            self._input.volts,
            self.options.oversample,
            # Those that move too: a part may still need the name.
            dict(zip(names, map(float, first), strict=True)),
            tuple(name for name, moving in zip(names, moves, strict=True) if moving),
        )
        return job, [int(i) for i in np.flatnonzero(moves)]

    def _failure(self, failed: NgspiceFailed, chunk: Chunk, knobs: Trajectory) -> UserError:
        seconds = max(0.0, chunk.start / SAMPLE_RATE + (failed.time or 0.0))
        setting = knobs.at(np.array([seconds]))[0]
        panel = ", ".join(
            f"{name} = {value:.3g}"
            for name, value in zip(self._netlist.knobs.names, setting, strict=True)
        )
        return UserError(
            f"ngspice found no solution for {self._netlist.name} {seconds:.3f} s into the audio, "
            f"with {panel} (it says: {failed.line}); mend the netlist, or raise oversample in the "
            "rig's [path]."
            if failed.time is not None
            else f"ngspice could not begin with {self._netlist.name} at {panel} (it says: "
            f"{failed.line}); mend the netlist."
        )


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
