from __future__ import annotations

import pytest

from runtime import InputError
from runtime.sources import _stream_address


@pytest.mark.parametrize(
    ("address", "clear", "user"),
    [
        ("rtsp://camera/live", True, False),
        ("rtsp://admin@camera/live", True, True),
        ("rtsp://admin:secret@camera:554/live?x=1", True, True),
        ("rtsp://admin:secret@[::1]:554/live", True, True),
        ("rtsp://127.0.0.1:9/live@1", True, False),
        ("rtsp://admin:sec@ret@camera/live", True, True),
        ("rtsp://admin:12#3@camera/live", False, False),
        ("rtsp://admin:12/3@camera/live", False, False),
        ("rtsp://admin:12?3@camera/live", False, False),
        ("rtsp://[::1/x", False, False),
    ],
)
def test_whether_the_host_is_certain(address, clear, user):
    assert (_stream_address.is_clear(address), _stream_address.names_user(address)) == (clear, user)


def test_the_scheme_is_written_small_and_the_rest_is_kept():
    assert _stream_address.prepare("RTSP://Admin:Sec@Camera/Live") == ("rtsp://Admin:Sec@Camera/Live", "rtsp://Camera/Live")
    with pytest.raises(InputError, match="names no host"):
        _stream_address.prepare("rtsp:///live")


def test_a_percent_sign_in_a_password():
    assert "% as %25" in _stream_address.hint("rtsp://admin:50%off@camera/")
    assert _stream_address.hint("rtsp://admin:50%25off@camera/") == ""
