"""Processes of our own, in which foreign code may hang, print or crash: drivers and plugins."""
