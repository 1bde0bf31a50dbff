"""Knobs that are set by MIDI: control changes and program changes to a modeller or digital amp."""

from rigs.actuators.midi.actuator import Midi
from rigs.actuators.midi.controls import MidiOptions

__all__ = ["Midi", "MidiOptions"]
