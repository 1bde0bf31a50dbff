"""VST3 plugins, hosted offline through pedalboard."""
