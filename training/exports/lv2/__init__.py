"""The LV2 bundle: a model as a plugin whose ports are the device's knobs (`docs/lv2.md`)."""

from __future__ import annotations

from training.exports.lv2.bundle import write_bundle
from training.exports.lv2.description import Description, describe

__all__ = ["Description", "describe", "write_bundle"]
