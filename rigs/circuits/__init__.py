"""Devices given as ngspice netlists.

``netlist`` reads and checks the file, ``deck`` puts a setting or a trajectory into it, ``spice``
runs ngspice, ``chunks`` splits the dry so that several can run at once. See ``docs/circuits.md``.
"""
