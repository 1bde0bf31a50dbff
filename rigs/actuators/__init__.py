"""What sets knobs."""
