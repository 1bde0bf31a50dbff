"""How fast and how exactly the built-in circuits are simulated.

Run as ``python benchmarks/circuits.py [seconds]``: each circuit at its defaults and at its hottest,
playing at -1 dBFS. Speed is audio per processor time of one core, with the knobs still and moving;
the error is against 32 steps a sample, on 0.2 s of the playing; the seam's is that of the second of
two chunks, by the circuit's own overlap, against one whole.
"""

import resource
import sys
from pathlib import Path

import numpy as np

from dataset import signals
from rigs.audio import SAMPLE_RATE, esr
from rigs.paths.circuit import Circuit, CircuitOptions
from rigs.rig import Motion
from rigs.trajectory import Trajectory

HOT = {
    "ts808": {"Drive": 10, "Tone": 10, "Level": 10},
    "fender": {"Volume": 10, "Treble": 10, "Bass": 10, "Middle": 10, "Bright": 1},
}


def processor_time():
    """Seconds, with those of the processes that have ended."""
    uses = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(use.ru_utime + use.ru_stime for use in uses)


def play(name, dry, setting=None, trajectory=None, **options):
    """The wet and the processor time it took."""
    options = {"netlist": f"builtin:{name}", "jobs": 1, "chunk": 10.0, **options}
    path = Circuit(CircuitOptions.model_validate(options), Path())
    knobs = trajectory or Trajectory.still(path.knobs, path.knobs.check(setting or {}))
    start = processor_time()
    wet = path.play(dry, Motion({}, knobs), lambda _: None).wet
    return wet, processor_time() - start


def db(exact, wet):
    return 10 * np.log10(esr(exact, wet))


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 2.0
    made = signals.playing(seconds + 4, np.random.default_rng(1))[-int(seconds * SAMPLE_RATE) :]
    loud = np.asarray(made * 10 ** (-1 / 20) / np.abs(made).max(), np.float32)
    middle = int(np.argmax(np.abs(loud)))
    part = np.array(loud[max(0, middle - 2400) : middle + 7200])
    part *= np.minimum(1, np.minimum(np.arange(len(part)), np.arange(len(part))[::-1]) / 480)
    for name, hot in HOT.items():
        for setting in ({}, hot):
            whole, took = play(name, loud, setting)
            exact, _ = play(name, part, setting, oversample=32)
            errors = [db(exact, play(name, part, setting, oversample=n)[0]) for n in (4, 8)]
            half = seconds / 2
            pieces, _ = play(name, loud, setting, chunk=half)
            seam = slice(round(half * SAMPLE_RATE), None)
            print(
                f"{name:7}{'hot' if setting else 'defaults':9}{seconds / took:6.3f} x real time, "
                f"error {errors[0]:6.1f} dB at 4 steps a sample, {errors[1]:6.1f} dB at 8, "
                f"seam {db(whole[seam], pieces[seam]):6.1f} dB"
            )
        table = Circuit(CircuitOptions(netlist=f"builtin:{name}"), Path()).knobs
        positions = np.random.default_rng(2).uniform(table.minimum, table.maximum, (8, len(table)))
        _, took = play(name, loud, trajectory=Trajectory(positions, 8 / seconds))
        print(f"{name:7}moving   {seconds / took:6.3f} x real time")


if __name__ == "__main__":
    main()
