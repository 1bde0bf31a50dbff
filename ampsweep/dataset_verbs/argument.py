"""What the verbs take: a device's folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[Path, typer.Argument(metavar="DATA", help="The device's folder, data/DEVICE.")]
