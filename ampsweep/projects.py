"""What verbs share: the recipe in params.yaml, and where things lie in a project."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from rigs.errors import UserError

PLAN = Path("plan.parquet")
DRY = Path("dry")
DATA = Path("data")


def read_section(path: Path, name: str) -> Any:
    """One section of a params.yaml; raises UserError if the file is not YAML or lacks it."""
    try:
        params = yaml.safe_load(path.read_text("utf-8"))
    except FileNotFoundError:
        raise UserError(
            f"There is no {path} here; run this in a project's folder (`ampsweep init` makes one), "
            "or name the file with --params."
        ) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{path} cannot be read as YAML: {' '.join(str(error).split())}.") from None
    if not isinstance(params, dict) or name not in params:
        raise UserError(f"{path} has no section {name!r}; add one.")
    return params[name]
