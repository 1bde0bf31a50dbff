"""Getting to know a controller: what it is, whether it fits the rig, and what its numbers mean."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from rigs.actuators.grbl import homing, settings
from rigs.actuators.grbl.connection import Fault, Link
from rigs.actuators.grbl.options import GrblOptions
from rigs.actuators.grbl.protocol import Identity, Texts, parse_identity, parse_texts
from rigs.actuators.grbl.shafts import Shafts
from rigs.errors import UserError


@dataclass(frozen=True)
class Connected:
    """A controller that is ready to be homed; ``settings`` are its own, by number."""

    link: Link
    identity: Identity
    settings: dict[int, float]


def connect(options: GrblOptions, shafts: Shafts, texts: Texts | None) -> Connected:
    """Open the port, make a clean start and check the settings; nothing moves.

    ``texts`` are those of an earlier connection. Raises UserError if there is no controller, or
    it is set up for something else.
    """
    link = Link(options.port, options.baud)
    try:
        link.start()
        status = link.query().status
        identity = parse_identity(link.command("$I"), len(status.position))
        link.room = identity.room
        missing = [shaft for shaft in shafts.all if shaft.axis not in identity.axes]
        if missing:
            raise UserError(
                f"The controller on {link.name} has the axes {identity.axes}, but "
                f"{missing[0].knob.name} is on {missing[0].axis}; put it on another axis."
            )
        link.texts = texts or _texts(link, identity)
        known = settings.settle(link, options, shafts, identity)
        homing.check_current(options, shafts, known)
        status = link.query().status
        if status.room is None or status.blocks is None:
            raise UserError(
                f"The controller on {link.name} does not report its buffers; set $10=3."
            )
        link.room, link.blocks = min(link.room, status.room), status.blocks
    except BaseException:
        link.close()
        raise
    return Connected(link, identity, known)


def _texts(link: Link, identity: Identity) -> Texts:
    """What the controller's numbers mean, by its own word where it gives one."""
    texts = Texts()
    with suppress(Fault):  # an older firmware without such lists
        for mine, command in zip((texts.errors, texts.alarms), identity.lists, strict=False):
            mine.update(parse_texts(link.command(command)))
    return texts
