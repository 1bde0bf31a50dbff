"""LV2 plugins, hosted offline."""
