"""What an actuator with motors can do beyond setting knobs; those that have none lack these.

A verb asks ``isinstance(rig.actuator, Homes)``, so that no list of types is kept anywhere.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from rigs.knobs import Setting


@runtime_checkable
class Homes(Protocol):
    """Finds its knobs' end stops by itself."""

    def home(self) -> None:
        """Drive every knob to its stop, and know where it is. Raises UserError if one is lost."""


@runtime_checkable
class Jogs(Protocol):
    """Turns one shaft by hand."""

    def jog(self, name: str, degrees: float) -> None:
        """Turn the shaft of the knob ``name``, and wait. Raises UserError at a limit."""

    def position(self) -> Setting:
        """Where the knobs stand, in panel positions."""


@runtime_checkable
class Slack(Protocol):
    """Has play between motor and shaft, and can turn the motor without minding it."""

    def travel(self, name: str) -> float:
        """Degrees of the knob ``name`` from end stop to end stop."""

    def turn_motor(self, name: str, degrees: float) -> float:
        """Turn the motor of the knob ``name`` straight to so many degrees from home, and wait.

        Returns where it stands, for it has steps. Raises UserError beyond the travel.
        """


@runtime_checkable
class Quiet(Protocol):
    """Can let its motors go while the rig stays open: what they add to the noise is heard."""

    def de_energise(self) -> None:
        """Take the current off the motors. Nothing moves before :meth:`energise`."""

    def energise(self) -> None:
        """Hold the knobs again, where they stand."""
