"""Prints how well sweeps and settings are known, against the fake controller, in real time.

Run from the repository's root: python tests/rigs/grbl_accuracy.py
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
from grbl_rig import TWO, Watched

from rigs.trajectory import Trajectory


def slow_line(seconds):
    """Answers that lie in an adapter's buffer for ``seconds``."""
    waiting = []

    def hold(data):
        now = time.monotonic()
        if data:
            waiting.append((now + seconds, data))
        ready = [d for t, d in waiting if t <= now]
        waiting[:] = [(t, d) for t, d in waiting if t > now]
        return b"".join(ready)

    return hold


def sweeps(name, line=0.0, pulses=False, count=6):
    """Sweeps as a plan has them: Sobol-like corners 1.5 s apart, 300 degrees of travel."""
    rng = np.random.default_rng(0)
    watched = Watched(Path(tempfile.mkdtemp()), sync_output=0 if pulses else None)
    if line:
        watched.bench.to_host = slow_line(line)
    if pulses:
        play = watched.rig.path.play

        def listen(dry, motion, progress):
            recording = play(dry, motion, progress)
            motion.sweep.finish()
            edges = np.array([t for t, _ in watched.bench.controller.edges[-len(edge(motion)) :]])
            motion.pulses(edges - watched.bench.at(watched.rig.path.began))
            return recording

        def edge(motion):
            return motion.sweep.edges

        watched.rig.path.play = listen
    wrong, speeds, said = [], [], []
    for _ in range(count):
        points = np.clip(rng.uniform(-0.5, 10.5, (7, 2)), 0, 10).astype(np.float32)
        moved = watched.take(Trajectory(points, 1 / 1.5))
        true = watched.true(moved.trajectory)
        wrong.append((moved.trajectory.positions - true) * 30)
        speeds.append(np.gradient(true * 30, axis=0) * moved.trajectory.rate)
        said.append(watched.rig.actuator.clock.seconds)
    wrong, speeds = np.concatenate(wrong), np.concatenate(speeds)
    rms = np.sqrt((wrong**2).mean())
    lag = -(wrong * speeds).sum() / (speeds**2).sum()
    print(
        f"{name:34} {rms:5.2f} deg rms, {np.abs(wrong).max():4.1f} at worst; "
        f"{1e3 * rms / np.sqrt((speeds**2).mean()):4.1f} ms, {1e3 * lag:+4.1f} of it throughout; "
        f"residual {1e3 * np.mean(said):.1f} ms; queued {watched.bench.controller.longest:.2f} s"
    )
    watched.close()


def settings(count=40):
    """Time beyond motion, and where shafts stand."""
    rng = np.random.default_rng(1)
    watched = Watched(Path(tempfile.mkdtemp()))
    controller, grbl = watched.bench.controller, watched.rig.actuator
    spent, away = [], []
    for setting in rng.uniform(0.5, 9.5, (count, 2)):
        moving = []
        tick = controller._tick

        def note(step, tick=tick, moving=moving):
            if controller.queue:
                moving.append(step)
            tick(step)

        controller._tick = note
        begun = time.monotonic()
        grbl.go(TWO, Trajectory(setting[None].astype(np.float32))).end()
        spent.append(time.monotonic() - begun - sum(moving))
        controller._tick = tick
        shafts = [controller.mechanics[i].knob - controller.home("XY"[i]) for i in range(2)]
        away.append(np.array(shafts) - 30 * setting)
    print(
        f"{count} settings: {1e3 * np.median(spent):.0f} ms beyond motion (worst "
        f"{1e3 * max(spent):.0f}); shafts {np.abs(away).max():.3f} deg off at worst"
    )
    watched.close()


if __name__ == "__main__":
    settings()
    sweeps("polled, native USB")
    sweeps("polled, adapter holding 16 ms", 0.016)
    sweeps("sync output, native USB", pulses=True)
    sweeps("sync output, 16 ms", 0.016, pulses=True)
