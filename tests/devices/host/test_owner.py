"""Who may change the models of a device."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest

from devices.host import owner, paths
from devices.host.paths import EDK, USER, Layout
from devices.install.units import PYTHON
from runtime.common.errors import InputError

pwd = pytest.importorskip("pwd")


@pytest.fixture
def layout(tmp_path):
    (tmp_path / "state").mkdir()
    return Layout(tmp_path / "etc", tmp_path / "state", tmp_path / "run")


def is_of(monkeypatch, name, me=None):
    monkeypatch.setattr(pwd, "getpwuid", lambda number: SimpleNamespace(pw_name=name))
    monkeypatch.setattr(os, "geteuid", lambda: me)


def test_another_user_than_the_services_is_told_what_to_run(layout, tmp_path, monkeypatch):
    is_of(monkeypatch, USER, me=os.geteuid() + 1)
    with pytest.raises(InputError, match=r"belongs to edge-detector, .* sudo -u edge-detector \S+ -m devices\.update --rollback$"):
        owner.check(layout, ["--rollback"], tmp_path / "missing")
    # Of an installed device, with what its updates are configured by.
    layout.config.mkdir()
    layout.update_config.touch()
    monkeypatch.setattr(owner, "STATE", layout.state)
    edk = tmp_path / "edk"
    edk.touch()
    with pytest.raises(InputError) as said:
        owner.check(layout, ["--retry", "--now"], edk)
    assert str(said.value).endswith(f"sudo -u edge-detector {edk} update --retry --now --config {layout.update_config}")
    with pytest.raises(InputError, match=r"update --config=mine$"):
        owner.check(layout, ["--config=mine"], edk)


def test_who_owns_them_or_has_folders_of_an_own_is_left_alone(layout, monkeypatch):
    is_of(monkeypatch, USER, me=os.geteuid())
    owner.check(layout, [])
    is_of(monkeypatch, "somebody", me=os.geteuid() + 1)
    owner.check(layout, [])
    layout.state.rmdir()
    is_of(monkeypatch, USER, me=os.geteuid() + 1)
    owner.check(layout, [])


def test_the_program_is_where_the_installer_puts_it():
    assert EDK.as_posix() == (PYTHON.parent / "edk").as_posix() and Layout().state == paths.STATE
