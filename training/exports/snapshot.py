"""One setting of a model as a `.nam` file that says what it is of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from rigs.knobs import Knob
from training.checkpoint import Model
from training.exports.loudness import loudness
from training.exports.nam import check_types, snapshot_metadata, write_nam
from training.play import play


@dataclass(frozen=True)
class Labels:
    """What a person says of the gear: NAM's own fields. What is None is left out.

    Raises UserError for a gear or tone type that NAM does not have.
    """

    modeled_by: str | None = None
    gear_type: str | None = None
    gear_make: str | None = None
    gear_model: str | None = None
    tone_type: str | None = None

    def __post_init__(self) -> None:
        check_types(self.gear_type, self.tone_type)


def position_of(knob: Knob, value: float) -> str:
    """Where ``knob`` stands, as its panel says it: a switch's label, or a number."""
    return knob.detents[round(value)] if knob.detents else f"{value:g}"


def said_of(model: Model, setting: Mapping[str, float]) -> str:
    """`Gain 7, Bright on`: a full setting in words."""
    return ", ".join(f"{k.name} {position_of(k, setting[k.name])}" for k in model.knobs)


def write_snapshot(
    path: Path, model: Model, setting: Mapping[str, float], labels: Labels, date: datetime
) -> None:
    """Write ``model`` at ``setting``, one value a knob; ``date`` is when it was trained.

    Raises UserError for a weight that is not a number, or a file that cannot be written.
    """
    inputs = model.knobs.to_inputs(model.knobs.to_array(setting))
    metadata = snapshot_metadata(
        name=f"{model.device} ({said_of(model, setting)})",
        device=model.device,
        model=model.name,
        setting=setting,
        date=date,
        loudness=loudness(lambda dry: play(model.net, dry, inputs)),
        input_level_dbu=model.input_level_dbu,
        output_level_dbu=model.output_level_dbu,
        **asdict(labels),
    )
    write_nam(path, model.net.fold(inputs, model.sample_rate), metadata)
