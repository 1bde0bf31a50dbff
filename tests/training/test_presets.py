"""Presets are nets that can be built, of the sizes that their names promise."""

from __future__ import annotations

import pytest
import torch

from rigs.errors import UserError
from training.models.presets import PRESETS, figures, preset


@pytest.mark.parametrize("name", list(PRESETS))
def test_figures_are_those_of_the_net(name):
    chosen = preset(name)
    found = figures(chosen.kind, chosen.network, 6)
    assert found.parameters > 1000
    assert found.macs_per_sample > 0
    assert found.receptive_field > 0


def test_sizes_of_nets_that_others_have():
    """NAM's A2 at full size and its A1 standard, as their files describe them."""
    desktop, standard = (preset(name) for name in ("desktop", "nam-standard"))
    assert figures(desktop.kind, desktop.network, 1).macs_per_sample == 11_776
    assert figures(desktop.kind, desktop.network, 1).receptive_field == 6347
    assert figures(standard.kind, standard.network, 1).macs_per_sample == 13_320
    assert figures(standard.kind, standard.network, 1).receptive_field == 4093


def test_asking_what_a_net_costs_changes_no_training():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    figures("wavenet", {}, 4)
    assert torch.rand(1) == expected


def test_a_preset_that_there_is_not():
    with pytest.raises(UserError, match="no preset 'toaster'; there are pedal-small, pedal"):
        preset("toaster")
