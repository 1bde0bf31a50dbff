"""A pedal that is not there: its image in the host engine, as a client of the JACK server.

Run as a program of its own. It says "ready" and plays until its input ends. Its knobs are set by
the control changes that the pedal takes, from 20 on. Its first pot has the taper that the command
line says, the power of its position; its output has the Rev7 filter, a level and noise. It is LATE
samples late, as converters are.
"""

import argparse
import sys
from pathlib import Path

import jack
import numpy as np
from scipy import signal

from hardware.pedal.output_filter import CORNER
from training.exports.pedal import read_pedal
from training.native.engine import NativeEngine

LATE, FIRST = 32, 20
CONTROL_CHANGE = 0xB0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("image", type=Path)
    for fault, right in (("--taper", 1.0), ("--level", 0.9), ("--noise", 1e-5)):
        parser.add_argument(fault, type=float, default=right)
    said = parser.parse_args()
    image = said.image.read_bytes()
    knobs = list(read_pedal(image).facts.knobs)
    engine = NativeEngine(image)
    for number, knob in enumerate(knobs):
        engine.set(number, knob.default)
    client = jack.Client(said.name)
    ins, outs = client.inports.register("in"), client.outports.register("out")
    wires = client.midi_inports.register("knobs")
    # The analogue filter, by its response.
    hertz = np.fft.rfftfreq(512, 1 / 48_000)
    late = np.exp(-2j * np.pi * hertz * LATE / 48_000)
    taps = said.level * np.fft.irfft(late / (1 + 1j * hertz / CORNER))[: 2 * LATE]
    state = np.zeros(len(taps) - 1)
    rng = np.random.default_rng(0)

    @client.set_process_callback
    def process(frames: int) -> None:
        nonlocal state
        for _, message in wires.incoming_midi_events():
            kind, control, value = (int(byte[0]) for byte in message)
            number = control - FIRST
            if kind == CONTROL_CHANGE and 0 <= number < len(knobs):
                share = (value / 127) ** (said.taper if number == 0 else 1.0)
                knob = knobs[number]
                engine.set(number, knob.minimum + share * (knob.maximum - knob.minimum))
        wet = engine.process(ins.get_array().copy())
        wet, state = signal.lfilter(taps, 1, wet, zi=state)
        outs.get_array()[:] = wet + said.noise * rng.standard_normal(frames)

    with client:
        print("ready", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
