"""How hard a device is to model: what no linear filter can do of it, and what each knob changes.

    python benchmarks/hardness.py RIG.toml KNOB

plays six seconds of made guitar with KNOB at a tenth, a half and the whole of its range, then each
knob at its two ends, all others at their defaults; for rigs that are simulated.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from scipy.linalg import solve_toeplitz

from dataset.signals import make
from rigs.audio import esr, peak_dbfs
from rigs.config import load_rig
from rigs.trajectory import Trajectory

TAPS = 512


def linear_residual(dry, wet):
    """ESR that the best linear filter of 512 taps leaves, by its normal equations."""
    size = 2 * len(dry)
    spectrum = np.fft.rfft(dry.astype(np.float64), size)
    own = np.fft.irfft(np.abs(spectrum) ** 2)[:TAPS]
    cross = np.fft.irfft(np.conj(spectrum) * np.fft.rfft(wet.astype(np.float64), size))[:TAPS]
    own[0] *= 1 + 1e-9
    filtered = np.fft.irfft(np.fft.rfft(solve_toeplitz(own, cross), size) * spectrum)
    return esr(wet, filtered[: len(wet)])


def main() -> None:
    rig = load_rig(Path(sys.argv[1]))
    if not rig.path.simulated:
        sys.exit("This rig turns real knobs; name a simulated one.")
    first = rig.knobs[sys.argv[2]]
    dry = make("test", 6.0, 1).audio[12_000:]

    def play(setting):
        full = rig.knobs.check(setting)
        return rig.take(dry, Trajectory.still(rig.knobs, full))[0].wet

    rig.open()
    try:
        for share in (0.1, 0.5, 1.0):
            at = first.minimum + share * (first.maximum - first.minimum)
            wet = play({first.name: at})
            left = linear_residual(dry, wet)
            print(
                f"{first.name} {at:g}: linear filter leaves {left:.3g}, {peak_dbfs(wet):.0f} dBFS"
            )
        for knob in rig.knobs:
            low, high = play({knob.name: knob.minimum}), play({knob.name: knob.maximum})
            print(f"{knob.name}: ESR between its ends {esr(high, low):.2g}")
    finally:
        rig.close()


if __name__ == "__main__":
    main()
