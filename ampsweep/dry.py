"""The dry signals of a project: dry/*.wav, and what they are in dry/dry.json."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from dataset.signals import Dry
from rigs.audio import read_wav, write_wav
from rigs.errors import UserError
from rigs.files import make_folder, write_whole

_INDEX = "dry.json"


def write_dries(folder: Path, dries: Iterable[Dry]) -> None:
    """Write them, and remove those of an earlier plan."""
    make_folder(folder)
    for old in folder.glob("*.wav"):
        old.unlink()
    index = {}
    for dry in dries:
        write_wav(folder / f"{dry.name}.wav", dry.audio)
        index[dry.name] = {"kind": dry.kind, "licence": dry.licence}
    write_whole(folder / _INDEX, (json.dumps(index, indent=2) + "\n").encode())


def read_dries(folder: Path) -> list[Dry]:
    """Raises UserError if there are none, or one is damaged."""
    path = folder / _INDEX
    try:
        index = json.loads(path.read_text("utf-8"))
        facts = [(name, str(row["kind"]), str(row["licence"])) for name, row in index.items()]
    except FileNotFoundError:
        raise UserError(f"There is no dry signal in {folder}; run `ampsweep plan` first.") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path} cannot be read ({error}); run `ampsweep plan` again.") from None
    return [
        Dry(name, kind, licence, read_wav(folder / f"{Path(name).name}.wav")[0])
        for name, kind, licence in facts
    ]
