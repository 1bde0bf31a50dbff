"""The knob rig: its motors and their torque, its parts as solids, its wiring and its settings."""
