"""The pedal: what to order, drill and wire, and which pin is whose."""
