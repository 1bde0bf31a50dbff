"""A model on disk: `model.json` says what it is, `model.safetensors` holds its weights.

The weights are written first and model.json last, so a folder with model.json is a whole model.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from torch import Tensor

from rigs.config import explain
from rigs.errors import UserError
from rigs.files import make_folder, write_whole
from rigs.knobs import KnobTable
from training.models import MODELS, Net

SCHEMA = 1
LARGEST_WEIGHTS = 64 * 2**20
LARGEST_JSON = 4 * 2**20


@dataclass(frozen=True)
class Model:
    """A conditioned net, the device whose knobs it has, and how it came about.

    ``training`` holds facts for people and metrics (seconds, steps, seed, history): no code
    depends on them.
    """

    name: str
    device: str
    knobs: KnobTable
    sample_rate: int
    kind: str
    net: Net
    training: dict[str, Any]
    input_level_dbu: float | None = None
    output_level_dbu: float | None = None


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    ampsweep_model: int
    name: str
    device: str
    knobs: list[dict[str, Any]]
    sample_rate: int = Field(ge=8000, le=384000)
    input_level_dbu: float | None
    output_level_dbu: float | None
    kind: str
    config: dict[str, Any]
    training: dict[str, Any]


def build_net(kind: str, config: dict[str, Any], inputs: int, where: str) -> Net:
    """An untrained net; raises UserError if the kind or a size is not one that there is."""
    if kind not in MODELS:
        raise UserError(f"{where}: there is no model {kind!r}; there are {', '.join(MODELS)}.")
    config_class, net_class = MODELS[kind]
    try:
        return net_class(config_class.model_validate(config), inputs)
    except ValidationError as error:
        raise UserError(f"{where}: {explain(error)}.") from None


def save_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    """Write a safetensors file atomically."""
    contiguous = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
    write_whole(path, safetensors.torch.save(contiguous))


def load_tensors(path: Path) -> dict[str, Tensor]:
    """Raises UserError if the file is missing, too large, damaged, or holds a non-finite value."""
    try:
        size = path.stat().st_size
        if size > LARGEST_WEIGHTS:
            raise UserError(f"{path} is {size} bytes, more than a model has; it is not a model.")
        tensors = safetensors.torch.load(path.read_bytes())
    except OSError as error:
        raise UserError(
            f"{path} cannot be read: {error.strerror}; train the model again."
        ) from None
    except (SafetensorError, ValueError, KeyError) as error:
        raise UserError(f"{path} is damaged ({error}); train the model again.") from None
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise UserError(f"{path} holds a weight that is not a number, in {name}; train again.")
    return tensors


def save_model(folder: Path, model: Model) -> None:
    """Write a model; raises UserError if the folder cannot be written."""
    make_folder(folder)
    (folder / "model.json").unlink(missing_ok=True)
    save_tensors(folder / "model.safetensors", model.net.state_dict())
    file = _File(
        ampsweep_model=SCHEMA,
        name=model.name,
        device=model.device,
        knobs=model.knobs.to_json(),
        sample_rate=model.sample_rate,
        input_level_dbu=model.input_level_dbu,
        output_level_dbu=model.output_level_dbu,
        kind=model.kind,
        config=model.net.config.model_dump(mode="json"),
        training=model.training,
    )
    text = json.dumps(file.model_dump(mode="json"), indent=1, ensure_ascii=False)
    write_whole(folder / "model.json", text.encode())


def load_model(folder: Path) -> Model:
    """Read a model; raises UserError if it is missing, unfinished, damaged or of another schema."""
    path = folder / "model.json"
    if not path.exists():
        unfinished = (folder / "resume").exists()
        raise UserError(
            f"{folder} holds a training that is not finished; run train again to go on with it."
            if unfinished
            else f"There is no model in {folder}; name a folder that train has written."
        )
    try:
        if path.stat().st_size > LARGEST_JSON:
            raise UserError(f"{path} is too large for a model's description.")
        raw = json.loads(path.read_text("utf-8"))
        schema = raw.get("ampsweep_model") if isinstance(raw, dict) else None
        if schema != SCHEMA:
            raise UserError(
                f"{path} has model schema {schema!r}, but this ampsweep reads {SCHEMA}; "
                "train again, or use the ampsweep that wrote it."
            )
        file = _File.model_validate(raw)
    except ValidationError as error:
        raise UserError(f"{path}: {explain(error)}.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path} cannot be read: {error}.") from None
    knobs = KnobTable.from_json(file.knobs)
    net = build_net(file.kind, file.config, knobs.inputs, str(path))
    load_state(net, load_tensors(folder / "model.safetensors"), folder / "model.safetensors")
    return Model(
        name=file.name,
        device=file.device,
        knobs=knobs,
        sample_rate=file.sample_rate,
        kind=file.kind,
        net=net.eval(),
        training=file.training,
        input_level_dbu=file.input_level_dbu,
        output_level_dbu=file.output_level_dbu,
    )


def load_state(net: Net, tensors: dict[str, Tensor], where: Path) -> None:
    """Put weights into a net; raises UserError if their names or shapes are another net's."""
    expected = {name: tensor.shape for name, tensor in net.state_dict().items()}
    if {name: tensor.shape for name, tensor in tensors.items()} != expected:
        raise UserError(f"{where} holds the weights of another net than model.json describes.")
    net.load_state_dict(tensors)
