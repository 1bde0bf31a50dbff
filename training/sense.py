"""Whether there is sense in training on what was captured."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from dataset.store.cache import Cache
from rigs.errors import UserError

APART = 1e-3
"""Of a knob's travel: settings that differ by less are one."""


def check_knobs(cache: Cache, known: Collection[str] = ()) -> None:
    """Raise UserError if the captures cannot tell what each knob does.

    What a knob does cannot be told if it never moves, or if it only ever moves along with others.
    K knobs that each do something of their own need K + 1 settings at the very least: one to start
    from, and for each knob one more in which it differs as none of the others explains. ``known``
    knobs, whose work a model to start from has learnt, need not be told.
    """
    knobs = cache.knobs
    points = np.concatenate([knobs.to_unit(span.trajectory.positions) for span in cache.spans])
    names = [name for name in knobs.names if name not in known]
    points = points[:, [knobs.names.index(name) for name in names]]
    for name, column in zip(names, points.T, strict=True):
        if np.ptp(column) <= 1e-6:
            knob = knobs[name]
            place = knob.minimum + (column[0] + 1) / 2 * (knob.maximum - knob.minimum)
            raise UserError(
                f"{name} stands at {place:g} in every train capture, so it cannot "
                "be learnt; capture more positions of it, or take it off the rig's knobs."
            )
    if len(names) < 2:
        return
    # The way through the cube along which the settings differ least, and how much they do.
    spreads, ways = np.linalg.eigh(np.cov(points.T, bias=True))
    if spreads[0] > APART**2:
        return
    tied = [name for name, part in zip(names, ways[:, 0], strict=True) if abs(part) > 0.1]
    count = len(np.unique(np.round(points / APART), axis=0))
    if count <= len(names):
        raise UserError(
            f"The train captures hold {count} settings, too few to tell {len(names)} knobs apart: "
            f"that takes {len(names) + 1} at the very least, in which each knob moves by itself "
            "once; plan more and capture them."
        )
    raise UserError(
        f"In all {count} settings of the train captures, {_listed(tied)} move only together, so "
        "that what each of them does cannot be told; capture settings in which one moves alone."
    )


def _listed(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
