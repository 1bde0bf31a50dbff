"""The actuator: brings knobs to a setting by MIDI, and sweeps them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import ClassVar

from rigs.actuators.midi.controls import Control, MidiOptions, controls_of
from rigs.actuators.midi.port import Port
from rigs.actuators.midi.sweep import Standing, Sweep, Sweeping
from rigs.actuators.midi.travel import MessageTravel
from rigs.errors import DeviceLost, UserError
from rigs.knobs import KnobTable
from rigs.rig import Actuator, Ask, Motion, Options, Reach
from rigs.trajectory import Trajectory


class Midi(Actuator):
    """Sets knobs by control changes, and switches by these or by program changes."""

    options_type: ClassVar[type[Options]] = MidiOptions
    options: MidiOptions

    def __init__(self, options: MidiOptions, folder: Path) -> None:
        super().__init__(options, folder)
        self._controls: tuple[Control, ...] = ()
        self._port: Port | None = None
        self._sweep: Sweep | None = None
        self._program: int | None = None

    @property
    def reach(self) -> Reach:
        """Known once the knobs are: a knob stands only where a MIDI value does."""
        return Reach(
            steps={c.knob.name: c.step for c in self._controls if not c.knob.detents},
            travel=self._travel if self._controls else None,
        )

    @property
    def _travel(self) -> MessageTravel:
        return MessageTravel(
            self._controls, 1 / self.options.messages_per_second, self.options.settle
        )

    def check(self, knobs: KnobTable) -> None:
        self._controls = controls_of(self.options, knobs)

    def open(self, knobs: KnobTable, ask: Ask) -> None:
        self.check(knobs)
        self._port = Port(self.options.port, self.options.api, self.options.messages_per_second)

    def go(self, knobs: KnobTable, trajectory: Trajectory) -> Motion:
        port = self._port
        if port is None:
            raise DeviceLost("The MIDI output is not open; run the command again.")
        port.check()
        row = trajectory.positions[0].astype(float)
        states = [control.state(p) for control, p in zip(self._controls, row, strict=True)]
        self._choose_program(port, states, trajectory)
        for control, state in zip(self._controls, states, strict=True):
            if not control.program:
                for message in control.messages(state):
                    port.send(message)
        time.sleep(self.options.settle)
        port.check()
        reached = {
            control.knob.name: control.position(state)
            for control, state in zip(self._controls, states, strict=True)
        }
        if not trajectory.moves:
            return Standing(reached, port=port)
        self._sweep = Sweep(port, self._controls, states, trajectory, self.options.delay)
        return Sweeping(reached, sweep=self._sweep)

    def _choose_program(self, port: Port, states: list[int], trajectory: Trajectory) -> None:
        """First of all, and only if it is another one: a program brings knobs of its own."""
        for column, control in enumerate(self._controls):
            if not control.program:
                continue
            if (trajectory.positions[:, column] != trajectory.positions[0, column]).any():
                raise UserError(
                    f"{control.knob.name} is set by program changes, which set every other knob "
                    "too; it cannot move while audio plays."
                )
            if self._program != states[column]:
                self._program = None  # until it is known to have been sent
                for message in control.messages(states[column]):
                    port.send(message)
                time.sleep(self.options.settle)
                self._program = states[column]

    def stop(self) -> None:
        if self._sweep is not None:
            self._sweep.stop()

    def close(self) -> None:
        self.stop()
        self._sweep = self._program = None
        if self._port is not None:
            self._port.close()
            self._port = None
