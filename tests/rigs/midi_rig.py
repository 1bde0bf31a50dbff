"""MIDI as the tests of it have it: what steers the modeller of jack_midi.py."""

from jack_midi import KNOBS, OPTIONS

from rigs.actuators.midi import Midi, MidiOptions


def options(**changes):
    return MidiOptions.model_validate({**OPTIONS, **changes})


def midi(tmp_path, **changes):
    actuator = Midi(options(**changes), tmp_path)
    actuator.check(KNOBS)
    return actuator
