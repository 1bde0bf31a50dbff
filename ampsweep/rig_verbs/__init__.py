"""The verbs of `ampsweep rigs`, one file each."""
