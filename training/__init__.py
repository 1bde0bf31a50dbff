"""Knob-conditioned models: fit, evaluate, export. PyTorch lives only here."""
