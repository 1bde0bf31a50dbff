"""Audio interfaces: their devices, one stream that plays and records, and what may go wrong."""
