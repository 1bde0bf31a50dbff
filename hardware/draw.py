"""All files under `hardware/` that are made of parameters: drawings, templates, netlists, a header.

They are kept beside their parameters, so that nobody needs Python to look at them; a test holds
them to be what would be made now.
"""

from __future__ import annotations

from pathlib import Path

from hardware.pedal import drill, output_filter, panel, pins
from hardware.pedal.v2.blocks import blocks
from hardware.pedal.v2.board import board
from hardware.pedal.wiring import latching, momentary
from hardware.rig import control, parameters
from hardware.rig.panel import parse, stations
from hardware.rig.wiring import wiring as rig_wiring
from rigs.errors import UserError

ROOT = Path(__file__).parents[1]
MOTORS = 6
"""In the wiring diagram and in the rig's files that are here: as many as there may be."""


def texts() -> dict[str, str]:
    """What is text, by its place from the root of the repository; the same every time.

    Raises UserError if the v2 board breaks an electrical rule.
    """
    layout, boards, rig = panel.read(), pins.read(), parameters.read()
    six = stations(rig, parse(",".join(f"Knob {n}:D@{30 * n}" for n in range(1, MOTORS + 1))))
    circuit = board(boards["v2"])
    if wrong := circuit.faults():
        raise UserError(f"The v2 board breaks a rule: {wrong[0]}; mend hardware/pedal/v2/board.py.")
    made = {
        "hardware/pedal/terrarium/output-filter.cir": output_filter.netlist(),
        "hardware/pedal/terrarium/output-filter.svg": output_filter.plot(),
        "hardware/pedal/terrarium/wiring.svg": latching(boards["terrarium"]).svg(),
        "hardware/pedal/terrarium/wiring-momentary.svg": momentary(boards["terrarium"]).svg(),
        "hardware/pedal/v2/blocks.svg": blocks().svg(),
        "hardware/pedal/v2/board.net": circuit.kicad(),
        "hardware/rig/wiring.svg": rig_wiring(MOTORS).svg(),
        "hardware/rig/rig.toml": control.toml(rig, six, "amp", "change me"),
        "hardware/rig/grblhal-settings.txt": control.settings(rig, six),
        "firmware/daisy/pins.h": pins.header(boards),
    }
    for name in layout.enclosures:
        sheet = drill.sheet(layout, name)
        stem = f"hardware/pedal/terrarium/drill-{name.lower()}"
        made[f"{stem}.dxf"] = drill.to_dxf(sheet)
        made[f"{stem}.svg"] = drill.to_page(sheet, "svg").decode()
    return made


def sheets() -> dict[str, bytes]:
    """The drill templates as PDF, for printing."""
    layout = panel.read()
    return {
        f"hardware/pedal/terrarium/drill-{name.lower()}.pdf": drill.to_page(
            drill.sheet(layout, name), "pdf"
        )
        for name in layout.enclosures
    }


def pictures() -> dict[str, bytes]:
    """The rig as the guide shows it, as PNG; this takes a while."""
    from hardware.rig import assembly, files, picture

    p = parameters.read()
    wide = stations(p, parse("Gain:25mm@0,Bass:25mm@42,Treble:D@84"))
    narrow = stations(p, parse(",".join(f"K{n}:D@{19 * n}" for n in range(6))))
    return {
        "hardware/rig/rig.png": picture.render(assembly.assemble(p, wide, 16.0), files.CORNER),
        "hardware/rig/two-tiers.png": picture.render(
            assembly.assemble(p, narrow, 16.0), files.CORNER
        ),
        "hardware/rig/side.png": picture.render(
            assembly.assemble(p, wide[:1], 16.0), picture.axes(0, 0), 640, 560
        ),
        "hardware/rig/coupler.png": picture.render(
            assembly.coupler(p, 25.0, 14.0), picture.axes(-60, 25), 450, 630
        ),
        "hardware/rig/parts.png": files.overview(p),
    }
