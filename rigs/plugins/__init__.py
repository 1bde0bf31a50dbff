"""What all kinds of plugins share: their knobs, their takes, and a process of their own."""
