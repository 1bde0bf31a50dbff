"""A bundle on disk: the compiled plugin, the model it plays, and what hosts are told of it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from rigs.errors import UserError
from rigs.files import make_folder, sync_folder, write_whole
from rigs.knobs import Setting
from training.exports.lv2.compile import compile_plugin
from training.exports.lv2.description import (
    BINARY,
    MODEL,
    OURS,
    Description,
    describe,
    slug,
)
from training.exports.pedal import read_pedal


def write_bundle(
    folder: Path,
    image: bytes,
    presets: Sequence[Setting] = (),
    licence: str | None = None,
    *,
    native: bool = False,
) -> tuple[Path, Description]:
    """Write the pedal image ``image`` as an LV2 bundle into ``folder``, whole or not at all.

    Returns where the bundle is, and what it says; one of the same device and model is replaced,
    and what runs of it goes on. Raises UserError if the plugin cannot be compiled or written, or
    if something else stands there.
    """
    facts = read_pedal(image).facts
    description = describe(facts, presets, licence)
    parts = dict.fromkeys((slug(facts.device), slug(facts.name)))
    bundle = make_folder(folder) / f"{'-'.join(parts)}.lv2"
    _check_is_ours(bundle)
    try:
        with tempfile.TemporaryDirectory(
            prefix=f".{bundle.name}.", suffix=".tmp", dir=folder
        ) as temporary:
            made = make_folder(Path(temporary, "new"))
            compile_plugin(description.uri, made / BINARY, native=native)
            write_whole(made / MODEL, image)
            for name, text in description.files.items():
                write_whole(made / name, text.encode())
            sync_folder(made)
            if bundle.exists():
                bundle.rename(Path(temporary, "old"))
            made.rename(bundle)
            sync_folder(folder)
    except OSError as error:
        raise UserError(
            f"{bundle} cannot be written ({error.strerror or error}); check the disk and its "
            "permissions."
        ) from None
    return bundle, description


def _check_is_ours(bundle: Path) -> None:
    """Raise UserError if something stands there that this did not write."""
    if not bundle.exists():
        return
    manifest = bundle / "manifest.ttl"
    if (bundle / MODEL).is_file() and manifest.is_file() and OURS in manifest.read_text("utf-8"):
        return
    raise UserError(f"{bundle} is something else than an exported model; move it away.")
