"""Impulse responses of cabinets, rooms and loop-backs, measured with an exponential sweep."""
