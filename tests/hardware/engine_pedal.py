"""A pedal that is not there: its image in the host engine, as a client of the JACK server.

Run as a program of its own. It says "ready", then takes lines "KNOB POSITION" on its input, KNOB
counted from 0, and answers each. Its first pot has the taper that the command line says, the power
of its position; its output has the Rev7 filter, a little less level, and noise. It is LATE samples
late, as converters are.
"""

import sys
from pathlib import Path

import jack
import numpy as np
from scipy import signal

from hardware.pedal.output_filter import CORNER
from training.exports.pedal import read_pedal
from training.native.engine import NativeEngine

LEVEL, NOISE, LATE = 0.9, 1e-5, 32


def main() -> None:
    name, image, taper = sys.argv[1], Path(sys.argv[2]).read_bytes(), float(sys.argv[3])
    knobs = read_pedal(image).facts.knobs
    engine = NativeEngine(image)
    for number, knob in enumerate(knobs):
        engine.set(number, knob.default)
    client = jack.Client(name)
    ins, outs = client.inports.register("in"), client.outports.register("out")
    # The analogue filter, by its response.
    hertz = np.fft.rfftfreq(512, 1 / 48_000)
    late = np.exp(-2j * np.pi * hertz * LATE / 48_000)
    taps = LEVEL * np.fft.irfft(late / (1 + 1j * hertz / CORNER))[: 2 * LATE]
    state = np.zeros(len(taps) - 1)
    rng = np.random.default_rng(0)

    @client.set_process_callback
    def process(frames: int) -> None:
        nonlocal state
        wet = engine.process(ins.get_array().copy())
        wet, state = signal.lfilter(taps, 1, wet, zi=state)
        outs.get_array()[:] = wet + NOISE * rng.standard_normal(frames)

    with client:
        print("ready", flush=True)
        for line in sys.stdin:
            number, position = int(line.split()[0]), float(line.split()[1])
            knob = list(knobs)[number]
            span = knob.maximum - knob.minimum
            share = (position - knob.minimum) / span
            engine.set(number, knob.minimum + span * share ** (taper if number == 0 else 1.0))
            print("set", flush=True)


if __name__ == "__main__":
    main()
