"""The verbs of `ampsweep dataset`, one file each."""
