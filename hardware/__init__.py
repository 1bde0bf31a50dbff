"""What to build and what to buy: the knob rig and the pedal, generated from their parameters."""
