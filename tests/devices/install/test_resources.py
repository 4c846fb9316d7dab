from __future__ import annotations

from devices.install import resources


def test_a_difference_shows_no_password():
    old = b"a: 1\nsource: 'rtsp://admin:Old#1@cam/x'\n"
    new = b"a: 1\nsource: 'rtsp://admin:New?2@cam/x'\n"
    assert resources._difference(old, new)[1:] == (" a: 1", "-source: 'rtsp://cam/x'", "+source: 'rtsp://cam/x'")
