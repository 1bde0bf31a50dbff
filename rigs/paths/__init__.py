"""What passes audio."""
