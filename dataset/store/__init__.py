"""Reading a dataset: its rows, chosen and in order, and the audio of those that are wanted."""

from __future__ import annotations

from dataset.store.reader import Dataset

__all__ = ["Dataset"]
