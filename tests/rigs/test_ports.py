from pathlib import Path

import pytest
from serial.tools.list_ports_common import ListPortInfo

from rigs import ports
from rigs.ports import Port, find_unplugged, list_ports


def found(device, description="n/a", serial_number=None):
    info = ListPortInfo(device)
    info.description, info.serial_number = description, serial_number
    return info


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with two ports, one of which has a name of its own."""
    (tmp_path / "by-id").mkdir()
    one, two = tmp_path / "ttyACM0", tmp_path / "ttyUSB0"
    for port in (one, two):
        port.touch()
    (tmp_path / "by-id" / "usb-grblHAL_1234").symlink_to(one)
    infos = [found(str(two), "USB Serial", "99"), found(str(one))]
    monkeypatch.setattr("serial.tools.list_ports.comports", lambda: infos)
    monkeypatch.setattr(ports, "_BY_ID", tmp_path / "by-id")
    return one, two


def test_ports_have_names_that_stay(machine, tmp_path):
    one, two = machine
    assert list_ports() == [
        Port(str(one), "", None, str(tmp_path / "by-id/usb-grblHAL_1234")),
        Port(str(two), "USB Serial", "99", None),
    ]
    assert [Path(port.path).name for port in list_ports()] == ["usb-grblHAL_1234", "ttyUSB0"]


def test_a_machine_without_names(machine, monkeypatch, tmp_path):
    monkeypatch.setattr(ports, "_BY_ID", tmp_path / "nowhere")
    assert [port.by_id for port in list_ports()] == [None, None]


def test_the_one_that_was_unplugged():
    a, b = Port("/dev/a", ""), Port("/dev/b", "")
    assert find_unplugged([a, b], [b]) == [a]
    assert find_unplugged([a, b], [a, b]) == []


def test_the_real_list_can_be_read():
    assert all(port.device for port in list_ports())
