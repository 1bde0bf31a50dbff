"""The low-pass at the pedal's audio output that takes out the noise of the Daisy Seed Rev7.

Its codec leaves noise above the audio band on the output, which an amp's input folds down or
squeals with. A resistor in series and a capacitor to ground take it out, and a little of the top of
the band too: how much depends on what the output is plugged into.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from rigs.svg import INK, LINE, Axis, Panel, document, text

SERIES, SHUNT = 3.3e3, 2.2e-9
"""Ohms and farads."""
LOADS = {"an amp's input, 1 MΩ": 1e6, "a line input, 10 kΩ": 1e4}
COLOURS = (LINE, "#06b")
CORNER = 1 / (2 * np.pi * SERIES * SHUNT)
"""Hertz of the -3 dB point with nothing plugged in: R. C. Dorf and J. A. Svoboda, Introduction to
Electric Circuits, 9th ed., 2013, on first-order circuits."""


def response(hertz: NDArray[np.float64], load: float) -> NDArray[np.float64]:
    """dB at each of ``hertz``, shape (frequencies,), into a load of so many ohms.

    V_out / V_in = R_L / (R + R_L + s R R_L C).
    """
    _, h = signal.freqs(
        [load], [SERIES * load * SHUNT, SERIES + load], worN=2 * np.pi * np.asarray(hertz)
    )
    return np.asarray(20 * np.log10(np.abs(h)))


def netlist() -> str:
    """The same as ngspice reads it, into both loads: dB from 20 Hz to 200 kHz."""
    lines = ["* The Rev7 noise filter at the pedal's output: made by `ampsweep hardware draw`"]
    for number, load in enumerate(LOADS.values(), 1):
        lines += [
            f"V{number} in{number} 0 DC 0 AC 1",
            f"R{number} in{number} out{number} {SERIES:g}",
            f"C{number} out{number} 0 {SHUNT:g}",
            f"RL{number} out{number} 0 {load:g}",
        ]
    lines += [".ac dec 100 20 200k", ".print ac vdb(out1) vdb(out2)", ".end"]
    return "\n".join(lines) + "\n"


def plot() -> str:
    """An SVG: the response into each load, and what is lost at 10 kHz."""
    hertz = np.geomspace(20, 200e3, 400)
    ticks = [20, 100, 1e3, 1e4, 1e5]
    names = {20: "20", 100: "100", 1e3: "1 k", 1e4: "10 k", 1e5: "100 k"}
    x = Axis(20, 200e3, ticks, lambda f: names[f], log=True)
    y = Axis(-24, 3, [-24, -18, -12, -6, -3, 0, 3])
    panel = Panel("level at the output, dB, against Hz", 70, 80, 660, 320, x, y)
    parts = [
        text(20, 34, "Rev7 noise filter: 3.3 kΩ in series, 2.2 nF to ground", "title"),
        text(20, 54, f"Corner, with nothing plugged in: {CORNER / 1e3:.1f} kHz"),
        *panel.frame(),
    ]
    for row, ((name, load), colour) in enumerate(zip(LOADS.items(), COLOURS, strict=True)):
        parts.append(panel.curve(hertz, response(hertz, load), colour))
        low, high = response(np.array([100.0, 10e3]), load)
        said = f"into {name}: {low:.2f} dB at 100 Hz, {high:.2f} dB at 10 kHz"
        at = 350 + 22 * row
        parts.append(f'<rect x="90" y="{at - 9}" width="18" height="4" fill="{colour}"/>')
        parts.append(text(116, at - 3, said))
    parts.append(panel.curve(np.full(2, CORNER), np.array([y.low, y.high]), INK))
    across = 70 + 660 * float(x.place(np.array(CORNER)))
    parts.append(text(across - 6, 96, f"{CORNER / 1e3:.1f} kHz", "end"))
    return document(760, 440, parts)
