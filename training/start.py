"""Beginning from a model of another device, or of this one: its weights, where they have a place.

The audio path is taken over as it is: amps have much in common. Of what follows the knobs, that of
a knob is taken over by its name, whatever its place on the panel; a knob that the other device does
not have begins without influence.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from rigs.errors import UserError
from rigs.knobs import Knob, KnobTable
from training.checkpoint import Model, build_net, load_model
from training.imports.nam import model_from_nam
from training.models.net import Net
from training.options import TrainOptions


def origin(options: TrainOptions) -> Model | None:
    """The model to start from, if there is to be one; raises UserError if it cannot be read."""
    if options.start_from is None:
        return None
    path = Path(options.start_from)
    return model_from_nam(path) if path.suffix.lower() == ".nam" else load_model(path)


def known_knobs(model: Model | None, knobs: KnobTable) -> set[str]:
    """The knobs of ``knobs`` that ``model`` has, too."""
    return set() if model is None else {name for name, _ in _shared(model.knobs, knobs)}


def take_over(net: Net, knobs: KnobTable, model: Model) -> None:
    """Give ``net``, which has ``knobs``, the weights of ``model``.

    Raises UserError if the two nets are not of one kind and size.
    """
    ours, theirs = net.state_dict(), model.net.state_dict()
    along = _along_inputs(model)
    columns = _columns(model.knobs, knobs)
    for name, fresh in ours.items():
        given = theirs.get(name)
        if given is not None and name in along:
            fitting = _with_columns(given, fresh, along[name], columns)
        else:
            fitting = given if given is not None and given.shape == fresh.shape else None
        if fitting is None:
            raise UserError(
                f"The model {model.name} to start from is of another kind or size ({name} "
                "differs); leave kind, preset and network out to take its own."
            )
        ours[name] = fitting
    net.load_state_dict(ours)


def _shared(theirs: KnobTable, ours: KnobTable) -> list[tuple[str, str]]:
    """Our name and theirs of each knob that both have: of one name, with as many detents."""
    by_name = {knob.name.casefold(): knob for knob in theirs}

    def same(knob: Knob) -> bool:
        other = by_name.get(knob.name.casefold())
        return other is not None and len(other.detents) == len(knob.detents)

    return [(knob.name, by_name[knob.name.casefold()].name) for knob in ours if same(knob)]


def _columns(theirs: KnobTable, ours: KnobTable) -> list[tuple[int, int]]:
    """Pairs (our input, their input) of the knobs that both have."""

    def inputs(table: KnobTable) -> dict[str, range]:
        found, at = {}, 0
        for knob in table:
            count = len(knob.detents) or 1
            found[knob.name] = range(at, at + count)
            at += count
        return found

    mine, other = inputs(ours), inputs(theirs)
    return [pair for a, b in _shared(theirs, ours) for pair in zip(mine[a], other[b], strict=True)]


def _along_inputs(model: Model) -> dict[str, int]:
    """The weights that have a row or column for each input, and along which dimension.

    They are those that grow when the same net is built with one input more.
    """
    config = model.net.config.model_dump(mode="json")
    with torch.random.fork_rng(devices=[]):
        wider = build_net(model.kind, config, model.net.inputs + 1, model.name).state_dict()
    found = {}
    for name, weight in model.net.state_dict().items():
        for along, size in enumerate(wider[name].shape):
            if size != weight.shape[along]:
                found[name] = along
    return found


def _with_columns(
    given: Tensor, fresh: Tensor, along: int, columns: list[tuple[int, int]]
) -> Tensor | None:
    """Like ``fresh``, with the columns of ``given`` that have a place, and 0 in the others.

    None if other sizes differ.
    """
    sizes = [list(weight.shape) for weight in (given, fresh)]
    for size in sizes:
        size.pop(along)
    if sizes[0] != sizes[1]:
        return None
    made = torch.zeros_like(fresh)
    if columns:
        ours, theirs = (torch.tensor(index) for index in zip(*columns, strict=True))
        made.index_copy_(along, ours, given.index_select(along, theirs))
    return made
