"""The engine as WebAssembly: the build that ships, and one made now from the same sources."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.firmware.engine_cases import NETS, still
from tests.training.pedal_image import FACTS, INPUTS, KNOBS
from tests.training.random_nets import noise, random_net
from training.exports.pedal import to_pedal
from training.play import play

ROOT = Path(__file__).parents[2]
WEB = ROOT / "ampsweep" / "web"
PLAYER = ROOT / "tests" / "players" / "engine.mjs"
DRY = noise(4_811)
Wets = dict[str, np.ndarray]


def run(*command: object) -> None:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def played(wasm: Path, folder: Path) -> Wets:
    """What every net of the engine's tests makes of the dry."""
    run("node", PLAYER, WEB, wasm, folder)
    return {name: np.fromfile(folder / f"{name}.f32", "<f4") for name in NETS}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("images")
    DRY.tofile(made / "dry.f32")
    for name, config in NETS.items():
        (made / f"{name}.pedal").write_bytes(to_pedal(random_net(config, INPUTS), FACTS))
        (made / f"{name}.json").write_text(json.dumps(still().tolist()))
    return made


@pytest.fixture(scope="module")
def shipped(folder: Path) -> Wets:
    return played(WEB / "engine.wasm", folder)


@pytest.mark.parametrize("name", NETS)
def test_what_ships_plays_what_torch_plays(shipped: Wets, name: str) -> None:
    torch = play(random_net(NETS[name], INPUTS), DRY, KNOBS.to_inputs(still()))
    assert np.abs(torch).max() > 0.05, "the net is silent, so the test says little"
    assert np.abs(shipped[name] - torch).max() <= 1e-5 * max(1, np.abs(torch).max())


def test_a_new_build_sounds_the_same(shipped: Wets, folder: Path, tmp_path: Path) -> None:
    """`make -f wasm.mk ship` in firmware/wasm ships what is built from today's sources."""
    run("make", "-C", ROOT / "firmware" / "wasm", "-f", "wasm.mk", f"BUILD={tmp_path}")
    built = played(tmp_path / "engine.wasm", folder)
    apart = {name: float(np.abs(built[name] - shipped[name]).max()) for name in NETS}
    assert {name: by for name, by in apart.items() if by > 1e-6} == {}
