"""The page that plays a model: its files, for the local server and for `ampsweep export web`."""

from __future__ import annotations

import base64
import functools
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from dataset.flac import encode
from dataset.schema import ROLES
from dataset.store import Dataset
from rigs.audio import to_int24
from rigs.errors import UserError
from rigs.knobs import KnobTable

KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".wasm": "application/wasm",
    ".pedal": "application/octet-stream",
    ".flac": "audio/flac",
}
"""Media types of all files that a page has."""

Files = Mapping[str, Callable[[], bytes]]
"""What gives the bytes of each file, by its path beside the page."""


WEB = Path(__file__).parent / "web"
LIVE, HERE = ("live.html", "live.js"), ("index.html", "main.js")
"""What only the page of a model that is played live has, and what only the others have."""


def page_files(image: bytes, recordings: Files) -> Files:
    """All files of the page of a pedal image; ``recordings`` are those of :func:`recorded`."""
    return {**_shared(LIVE), "model.pedal": lambda: image, **recordings}


def live_files(image: bytes) -> Files:
    """All files of the page whose knobs are those of an engine elsewhere, which plays ``image``."""
    page, model = (WEB / "live.html").read_bytes, lambda: image
    return {**_shared((*HERE, "live.html")), "index.html": page, "model.pedal": model}


def _shared(without: tuple[str, ...]) -> Files:
    paths = (path for path in WEB.iterdir() if path.suffix in KINDS)
    return {path.name: path.read_bytes for path in paths if path.name not in without}


def no_recordings() -> Files:
    return {"captures.json": lambda: b'{"captures": []}'}


def recorded(data: Path, knobs: KnobTable, roles: tuple[str, ...] = ROLES) -> Files:
    """The still captures without faults of a dataset, dry and wet as FLAC, and a list of them.

    Raises UserError if there are none, or the dataset is of another panel.
    """
    dataset = Dataset.open(data)
    if dataset.knobs.names != knobs.names:
        raise UserError(
            f"{data} has the knobs {', '.join(dataset.knobs.names)}, but the "
            f"model {', '.join(knobs.names)}; name the dataset that it was trained on."
        )
    chosen = dataset.select(roles)
    rows = [row for row in chosen.rows() if pd.isna(row["trajectory_rate"])]
    if not rows:
        raise UserError(
            f"{data} holds no captures without faults whose knobs stand still, so there is nothing "
            "to compare with; leave --data away."
        )
    listed: list[dict[str, object]] = []
    files: dict[str, Callable[[], bytes]] = {}
    for row in rows:
        name = str(row["capture_id"])
        positions = [float(row["setting"][knob]) for knob in knobs.names]
        listed.append({"id": name, "positions": positions, "scale": float(row["wet_scale"])})
        files[f"captures/{name}.dry.flac"] = functools.partial(_dry, chosen, row)
        files[f"captures/{name}.wet.flac"] = functools.partial(_wet, chosen, row)
    return {"captures.json": json.dumps({"captures": listed}).encode, **files}


def _dry(dataset: Dataset, row: pd.Series) -> bytes:
    return encode(to_int24(dataset.dry(row)))


def _wet(dataset: Dataset, row: pd.Series) -> bytes:
    """As it is stored: to be multiplied by its scale."""
    return encode(to_int24(dataset.stored(row)))


def one_file(files: Files) -> bytes:
    """The page as one file that needs no other, and no server."""
    read = {name: give() for name, give in files.items()}
    page = read.pop("index.html").decode()
    style = read.pop("style.css").decode()
    scripts = {name: data.decode() for name, data in read.items() if name.endswith(".js")}
    imports = {f"ampsweep/{name}": _as_url(_named(text)) for name, text in scripts.items()}
    # An audio thread has no import map: its script holds the engine's.
    engine = scripts["engine.js"].replace("export ", "")
    read["worklet.js"] = (engine + IMPORT.sub("", scripts["worklet.js"])).encode()
    inside = [
        f'<script type="text/plain" id="file:{name}">{base64.b64encode(data).decode()}</script>'
        for name, data in read.items()
        if name not in scripts or name == "worklet.js"
    ]
    main = [
        f'<script type="importmap">{json.dumps({"imports": imports})}</script>',
        '<script type="module">import "ampsweep/main.js";</script>',
    ]
    changes = {
        "script-src 'self' 'wasm-unsafe-eval'": (
            "script-src 'unsafe-inline' 'wasm-unsafe-eval' data: blob:"
        ),
        "style-src 'self'; connect-src 'self'": "style-src 'unsafe-inline'",
        '<link rel="stylesheet" href="style.css">': f"<style>\n{style}</style>",
        '<script type="module" src="main.js"></script>': "\n".join(main),
        "</body>": "\n".join([*inside, "</body>"]),
    }
    for before, after in changes.items():
        if page.count(before) != 1:
            raise AssertionError(f"the page no longer has {before}")
        page = page.replace(before, after)
    return page.encode()


IMPORT = re.compile(r'^import (.*) from "\./(.*)";$', re.MULTILINE)


def _named(script: str) -> str:
    """A module whose imports are found by the page's import map."""
    return IMPORT.sub(r'import \1 from "ampsweep/\2";', script)


def _as_url(script: str) -> str:
    return f"data:text/javascript;base64,{base64.b64encode(script.encode()).decode()}"
