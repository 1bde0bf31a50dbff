"""Rigs set a device's knobs and pass audio through it."""
