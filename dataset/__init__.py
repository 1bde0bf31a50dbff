"""Dry signals, plans, the capture session, checks, and the Parquet store."""
