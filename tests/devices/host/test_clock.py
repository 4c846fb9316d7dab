"""Whether a machine's clock is set, by what systemd says of it."""

from __future__ import annotations

import pytest

from devices.host.clock import is_synchronized
from devices.host.host import Host


@pytest.mark.parametrize(
    ("text", "synchronized"), [("NTPSynchronized=yes\n", True), ("NTPSynchronized=no\n", False), ("?\n", None), (None, None)]
)
def test_what_timedatectl_says(tmp_path, text, synchronized):
    if text is not None:
        (tmp_path / "commands").mkdir()
        (tmp_path / "commands/timedatectl_show_--property_NTPSynchronized").write_text(text)
    assert is_synchronized(Host(tmp_path)) is synchronized


def test_timesyncd_has_set_it(tmp_path):
    (tmp_path / "run/systemd/timesync").mkdir(parents=True)
    (tmp_path / "run/systemd/timesync/synchronized").touch()
    assert is_synchronized(Host(tmp_path)) is True
