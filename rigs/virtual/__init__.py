"""The virtual amp: a six-knob tube combo, simulated from its circuit."""

from rigs.virtual.amp import KNOBS, SAMPLE_RATE, VirtualAmp

__all__ = ["KNOBS", "SAMPLE_RATE", "VirtualAmp"]
