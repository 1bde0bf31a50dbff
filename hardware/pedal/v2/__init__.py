"""The board of our own, as far as it is: its netlist, its rules and its block diagram."""
