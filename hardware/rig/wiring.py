"""The wiring of the knob rig: supply, emergency stop, controller, motors, and the audio."""

from __future__ import annotations

from hardware.diagram import Diagram, Part, Wire
from rigs.actuators.grbl.protocol import AXES

COILS = {"A+": ("black", "#000"), "A-": ("green", "#0a0"), "B+": ("red", "#c00"),
         "B-": ("blue", "#04c")}  # fmt: skip
"""The colours of StepperOnline's leads; other makers have others: measure which two are a coil."""
POWER, GROUND, SIGNAL, USB = "#c00", "#000", "#08a", "#a0a"


def wiring(knobs: int) -> Diagram:
    """For so many motors."""
    motors = [
        Part(f"Motor {axis}", 900, 60 + 144 * n, 130, tuple(COILS), about="NEMA 11")
        for n, axis in enumerate(AXES[:knobs])
    ]
    drivers = tuple(f"{axis} {coil}" for axis in AXES[:knobs] for coil in COILS)
    parts = (
        Part("Supply", 20, 60, 130, right=("+24 V", "0 V"), about="24 V, 2.5 A"),
        Part("Fuse", 230, 60, 90, ("in",), ("out",), about="3 A slow"),
        Part("E-stop", 400, 60, 110, ("1 in", "2 in"), ("1 out", "2 out"), about="latching, NC"),
        Part(
            "Controller",
            600,
            60,
            190,
            ("POWER +", "RESET", "USB", "GND", "POWER -", "FAN0 + (5 V)", "FAN0 -", "GND 2"),
            drivers,
            about="Octopus Pro, TMC2209",
        ),
        Part("USB isolator", 230, 250, 120, ("computer",), ("device",)),
        Part("Computer", 20, 250, 130, right=("USB", "sound card")),
        Part("Pull-up", 400, 300, 110, ("+",), ("-",), about="4.7 kΩ"),
        Part("Attenuator", 230, 340, 120, ("tip", "sleeve"), ("in", "0 V"), about="10 kΩ, 1 kΩ"),
        Part("Sound card", 20, 420, 140, (), ("USB", "input 2", "input 2 sleeve", "output 1",
             "input 1")),
        Part("Amp", 230, 520, 120, ("input", "line out"), about="what is captured"),
        *motors,
    )  # fmt: skip
    wires = [
        Wire("Supply/+24 V", "Fuse/in", 190, POWER),
        Wire("Fuse/out", "E-stop/1 in", 360, POWER),
        Wire("E-stop/1 out", "Controller/POWER +", 556, POWER),
        Wire("Supply/0 V", "Controller/POWER -", 170, GROUND),
        Wire("Controller/RESET", "E-stop/2 out", 546, SIGNAL),
        Wire("Controller/GND", "E-stop/2 in", 380, GROUND),
        Wire("Computer/USB", "USB isolator/computer", 190, USB),
        Wire("USB isolator/device", "Controller/USB", 566, USB),
        Wire("Controller/FAN0 + (5 V)", "Pull-up/+", 385, POWER),
        Wire("Controller/FAN0 -", "Pull-up/-", 576, SIGNAL),
        Wire("Attenuator/in", "Pull-up/-", 535, SIGNAL),
        Wire("Controller/GND 2", "Attenuator/0 V", 586, GROUND),
        Wire("Attenuator/tip", "Sound card/input 2", 200, SIGNAL),
        Wire("Attenuator/sleeve", "Sound card/input 2 sleeve", 210, GROUND),
        Wire("Computer/sound card", "Sound card/USB", 180, USB),
        Wire("Sound card/output 1", "Amp/input", 200, SIGNAL),
        Wire("Amp/line out", "Sound card/input 1", 190, SIGNAL),
    ]
    for n, axis in enumerate(AXES[:knobs]):
        for m, (coil, (_, colour)) in enumerate(COILS.items()):
            lane = 800 + 4 * n + 15 * m
            wires.append(Wire(f"Controller/{axis} {coil}", f"Motor {axis}/{coil}", lane, colour))
    notes = (
        "Motor leads, by their maker's colours: "
        + ", ".join(f"{coil} {name}" for coil, (name, _) in COILS.items())
        + ". Never plug or unplug a motor under power.",
        "The emergency stop takes the motors' power; its second contact resets the controller, "
        "which has lost its positions. It opens then: if that is no reset, add 1 to $14.",
        "Pull-up and attenuator are for the synchronised output only; leave them out and sweeps "
        "are timed by polling. Set the fan voltage jumper to 5 V.",
        "A tube amp's line out or load only: never the speaker socket without a load.",
    )
    return Diagram("Knob rig wiring", parts, tuple(wires), notes)
