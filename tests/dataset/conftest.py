from __future__ import annotations

import shutil

import pytest
from tanh_rig import DEVICE, KNOBS, recipe, tanh_rig

from dataset.planning import make_plan
from dataset.session import capture


@pytest.fixture(scope="session")
def planned():
    """A plan of 19 captures with sweeps, stills, corners, held-out ones and sentinels."""
    return make_plan(KNOBS, DEVICE, recipe())


@pytest.fixture(scope="session")
def _captured(planned, tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / DEVICE
    capture(tanh_rig(), *planned, folder)
    return folder


@pytest.fixture
def captured(_captured, tmp_path):
    """A device's folder with the whole plan in it, which a test may spoil."""
    return shutil.copytree(_captured, tmp_path / "data" / DEVICE)


@pytest.fixture
def parts(captured):
    return sorted((captured / "captures").glob("*.parquet"))
