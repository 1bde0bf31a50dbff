"""What the knob rig is made of, from `parameters.toml`."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rigs.config import explain
from rigs.errors import UserError

FILE = Path(__file__).parent / "parameters.toml"
LARGEST = 1 << 20

Positive = Annotated[float, Field(gt=0, lt=1e5)]
Length = Annotated[float, Field(gt=0, le=500)]
"""Millimetres."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class Motor(_Model):
    name: str
    frame: Length
    length: Length
    shaft: Length
    shaft_length: Length
    pilot: Length
    screws: Length
    screw: Length
    torque: Positive
    current: Positive
    resistance: Positive
    spread: float = Field(ge=0, le=0.5)
    detent: Positive
    inertia: Positive
    load: Positive
    full_steps: int = Field(ge=20, le=800)


class Drive(_Model):
    run_current: int = Field(ge=10, le=3000)
    homing_current: int = Field(ge=10, le=3000)
    microsteps: int = Field(ge=1, le=256)
    speed: Positive
    homing_speed: Positive
    acceleration: Positive
    travel: Positive
    supply: Positive


class Rail(_Model):
    size: Length
    bolt: Length


class Carrier(_Model):
    thickness: Length
    slot: Length
    gap: Length


class Coupler(_Model):
    diameter: Length
    bore_depth: Length
    grip_depth: Length
    grip_wall: Length
    hub: Length
    floor: Length
    dog: Length
    dog_radius: Length
    dog_length: Length
    reach: Length
    slide: Length
    cross: Length
    misalignment: Length
    screw: Length


class Standoff(_Model):
    width: Length
    thickness: Length
    foot: Length


class Print(_Model):
    fit: Length
    wall: Length
    overhang: float = Field(gt=0, lt=90)
    clearance: Length


class Pot(_Model):
    name: str
    stop: Positive
    turn: Positive | None = None
    source: str


class Parameters(_Model):
    """All that the file says."""

    motor: Motor
    drive: Drive
    rail: Rail
    carrier: Carrier
    coupler: Coupler
    standoff: Standoff
    print: Print
    pots: tuple[Pot, ...] = Field(min_length=1)


def read(path: Path = FILE) -> Parameters:
    """Raises UserError if the file cannot be read, or says what cannot be."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
        return Parameters.model_validate(tomllib.loads(data.decode("utf-8")))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UserError(f"{path} cannot be read ({reason}); name a rig's parameters.") from None
    except ValidationError as error:
        raise UserError(f"{path}: {explain(error)}; mend it.") from None
    except ValueError as error:
        raise UserError(f"{path} cannot be read as TOML ({error}); mend it.") from None
