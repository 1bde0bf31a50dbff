"""The page beside a model that is played live: what it says, and what it is told."""

from __future__ import annotations

import json
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from ampsweep.live_panel import Panel


class Asked(BaseModel):
    """What was turned on the page: knobs and then the two levels, counted from 0; bypass."""

    model_config = ConfigDict(extra="forbid")

    turns: dict[Annotated[int, Field(ge=0)], FiniteFloat]
    bypassed: bool | None = None


class Remote:
    """Lets a page turn what ``panel`` turns, and shows it how that stands.

    ``between`` says what is played, for people.
    """

    def __init__(self, panel: Panel, between: str) -> None:
        self._panel, self._between = panel, between

    def __call__(self, said: bytes) -> bytes:
        """The answer to what a page posts; raises ValueError if that makes no sense."""
        asked = Asked.model_validate_json(said)
        if any(index >= len(self._panel.knobs) for index in asked.turns):
            raise ValueError("there is no such knob")
        for index, position in asked.turns.items():
            self._panel.turn(index, position)
        if asked.bypassed is not None:
            self._panel.bypass(asked.bypassed)
        return json.dumps({**self._panel.state(), "between": self._between}).encode()
