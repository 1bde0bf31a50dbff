"""A folder for each setting with a pair of WAVs, as `export --to nam` writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dataset.exports.nam import SETTING
from dataset.imports.base import Imported, Options, Target, adding_to, read_about, read_text
from dataset.imports.wav import checked, exact
from dataset.signals import Dry
from rigs.errors import UserError


def import_pairs(folder: Path, source: Path, options: Options) -> Imported:
    """Add what `export --to nam` wrote to a device's ``folder``.

    Settings, columns and samples are as they were exported. Of a dry there is only what each
    capture played, so each gets a dry of its own; equal ones are one.
    """
    about = read_about(source)
    knobs = about.table
    with adding_to(folder), Target(folder, about.device, knobs, source) as target:
        done = 0
        for own in sorted(path.parent for path in source.glob(f"*/{SETTING}")):
            dries, wets = exact(own / "dry.wav"), exact(own / "wet.wav")
            if len(dries) != len(wets):
                raise UserError(f"The pair in {own} is not of one length; export it again.")
            for given in _captures(own / SETTING):
                where = str(own / SETTING)
                facts = checked({**given, "dry_offset": 0}, knobs, where)
                start = given.get("start")
                if not isinstance(start, int) or not 0 <= start <= len(wets) - facts.frames:
                    raise UserError(f"{where}: {facts.capture_id} is not within the pair.")
                dry = _dry(given, dries[start : start + facts.frames], facts.capture_id)
                wet = wets[start : start + facts.frames]
                target.add(facts.capture(about.device, knobs, dry, wet, None), dry, wet)
                done += 1
                options.on_capture(done)
    return Imported(target.added, target.held)


def _captures(path: Path) -> list[dict[str, Any]]:
    try:
        captures = json.loads(read_text(path))["captures"]
        if not isinstance(captures, list) or not all(isinstance(c, dict) for c in captures):
            raise ValueError("captures is no list")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError(f"{path} does not list captures ({error}); export it again.") from None
    return captures


def _dry(given: dict[str, Any], audio: Any, capture_id: str) -> Dry:
    said = given.get("dry")
    facts = said if isinstance(said, dict) else {}
    words = [str(facts.get(key) or "")[:200] for key in ("name", "kind", "licence")]
    return Dry(words[0] or capture_id, words[1] or "file", words[2], audio)
