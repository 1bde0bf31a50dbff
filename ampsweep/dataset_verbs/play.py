"""`ampsweep dataset play`: hear a capture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ampsweep.dataset_verbs.argument import Data
from ampsweep.dataset_verbs.words import plain
from ampsweep.settings import HELP, parse
from dataset.audition import LOUDEST, at_peak, by_name, heard, nearest
from dataset.schema import ROLES
from dataset.store import Dataset
from rigs.audio import SAMPLE_RATE, peak_dbfs, write_wav
from rigs.errors import UserError
from rigs.speakers import sound


def play(
    data: Data,
    capture: Annotated[
        str | None, typer.Argument(metavar="[CAPTURE]", help="A capture's id, or the end of it.")
    ] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help=HELP)] = None,
    role: Annotated[str | None, typer.Option(help="Only captures of this role.")] = None,
    dry: Annotated[bool, typer.Option("--dry", help="Hear what was played instead.")] = False,
    both: Annotated[bool, typer.Option("--both", help="The dry first, then the wet.")] = False,
    peak: Annotated[float, typer.Option(max=0.0, help="How loud, as the peak in dBFS.")] = LOUDEST,
    device: Annotated[str | None, typer.Option(help="An output's name, or part of it.")] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.wav", help="Write a file and play nothing.")
    ] = None,
) -> None:
    """Play the capture of that id, or the one nearest to a setting: --set Gain=7.

    It is brought to a peak of -12 dBFS, whatever its own is; --peak changes that.
    """
    if (capture is None) == (set_ is None):
        raise UserError(
            "Say which capture to play: its id, or a setting it is near to, as in --set Gain=7."
        )
    dataset = Dataset.open(data)
    if capture is not None:
        row, away = by_name(dataset, capture), 0.0
    else:
        setting = parse(set_, dataset.knobs)
        row, away = nearest(dataset, setting, ROLES if role is None else (role,))
    what = "both" if both else "dry" if dry else "wet"
    audio = heard(dataset, row, what)
    own = peak_dbfs(audio)
    safe = at_peak(audio, peak)
    at = ", ".join(f"{name} {row['setting'][name]:.4g}" for name in dataset.knobs.names)
    where = f", {away:.2f} from what was asked for" if away > 1e-6 else ""
    moves = " at its beginning" if row["trajectory_rate"] > 0 else ""
    flags = f" [{', '.join(row['flags'])}]" if len(row["flags"]) else ""
    typer.echo(plain(f"{row['capture_id']} ({row['role']}){flags}: {at}{moves}{where}."))
    length = f"{len(safe) / SAMPLE_RATE:.1f} s of {'dry, then wet' if both else what}"
    if own == float("-inf"):
        typer.echo(f"{length}, and it is silent.")
    else:
        typer.echo(f"{length}, {peak - own:+.1f} dB to peak at {peak:g} dBFS.")
    if out is None:
        sound(safe, device)
        return
    write_wav(out, safe)
    typer.echo(f"{out} has it.")
