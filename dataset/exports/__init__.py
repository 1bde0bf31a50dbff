"""Layouts that other programs read. A new one is one file here and one line in EXPORTS."""

from __future__ import annotations

from dataset.exports.base import Export, Exported
from dataset.exports.huggingface import export_huggingface
from dataset.exports.nam import export_nam
from dataset.exports.wav import export_wav

EXPORTS: dict[str, Export] = {
    "nam": export_nam,
    "huggingface": export_huggingface,
    "wav": export_wav,
}

__all__ = ["EXPORTS", "Export", "Exported"]
