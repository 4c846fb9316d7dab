from __future__ import annotations

import random

import pytest

from runtime import InputError, KitError
from runtime.common import redaction
from runtime.config.arguments import from_values, parser
from runtime.mqtt.address import Broker
from runtime.sinks import open_sink
from runtime.sources import open_source


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("rtsp://u:p@cam:554/a/b?c=d#e", "rtsp://cam:554/a/b"),
        ("RTSP://cam", "RTSP://cam"),
        ("http://u:p%40x@[fe80::1]:80/x", "http://[fe80::1]:80/x"),
        ("http://a:b/c@cam/x", "http://cam/x"),
        ("http://a:b@c@cam/x", "http://cam/x"),
        ("rtsp://admin:Secret#1@127.0.0.1:9/stream", "rtsp://127.0.0.1:9/stream"),
        ("rtsp://admin:p@ss?1@cam", "rtsp://cam"),
        ("rtsp://127.0.0.1:9/live@1", "rtsp://127.0.0.1:9/live@1"),
        ("rtsp://cam.local/live?mail=a@b", "rtsp://cam.local/live"),
        ("rtsp:/admin:pw@cam", "rtsp:/cam"),
        ("rtsp//admin:p w@cam", "cam"),
        ("admin:pw@cam/x", "cam/x"),
        ("photos/IMG#1.png", "photos/IMG#1.png"),
        ("rtsp://10.0.0.5:554/user=admin&password=S3&channel=1&stream=0.sdp?real", "rtsp://10.0.0.5:554/user=admin&password=...&channel=1&stream=0.sdp"),
        ("rtsp://10.0.0.5/live&usr=admin&pass=S3&channel=1", "rtsp://10.0.0.5/live&usr=admin&pass=...&channel=1"),
        ("rtsp://10.0.0.5/user=admin_password=S3_channel=1_stream=0.sdp", "rtsp://10.0.0.5/user=admin_password=..."),
        ('gst:rtspsrc location=rtsp://cam user-pw="S 3" ! x', "gst:rtspsrc location=rtsp://cam user-pw=... ! x"),
        ("cat@home.jpg", "cat@home.jpg"),
        ("C:\\photos\\a@2x.jpg", "C:\\photos\\a@2x.jpg"),
    ],
)
def test_what_is_shown_of_an_address(address, shown):
    assert redaction.address(address) == shown


def test_messages_keep_the_rest():
    text = "in.yaml: line 3: 'rtsp://u:p@cam/x' and a@b.c: http://cam/x?token=abc&n=1: no answer"
    assert redaction.message(text) == "in.yaml: line 3: 'rtsp://cam/x' and a@b.c: http://cam/x?token=...&n=1: no answer"
    assert redaction.message("nothing: to hide # here? 50/50") == "nothing: to hide # here? 50/50"
    for text in (
        "rtsp://cam:554/live: write @ as %40, and to a@b.c",
        "http://10.0.0.5:80: no answer; a@b.c knows",
        "https://site/x: a file 'a@2x.png' there, and/or c:/d@2x.png",
    ):
        assert redaction.message(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("lost rtsp://admin:S 3@cam/x: gone", "lost rtsp://cam/x: gone"),
        ("-source: 'rtsp://admin:S 3@cam/x'  # a@b.c", "-source: 'rtsp://cam/x'  # a@b.c"),
        ("rtsp://admin:a b:/c d@cam and http://u:p@web/x", "rtsp://cam and http://web/x"),
        ("-EDGE_DETECTOR_TOKEN=S3c", "-EDGE_DETECTOR_TOKEN=..."),
        ('source: gst:rtspsrc user-pw="S 3" ! x', "source: gst:rtspsrc user-pw=... ! x"),
    ],
)
def test_passwords_with_spaces_and_settings(text, shown):
    assert redaction.message(text) == shown


@pytest.mark.parametrize("kind", [KitError, InputError])
def test_errors_never_hold_a_password(kind):
    assert str(kind("rtsp://admin:Secret#1@cam: refused")) == "rtsp://cam: refused"
    assert kind().args == () and kind("a", 3).args == ("a", 3)


def test_passwords_of_any_characters_in_any_message(capsys):
    with pytest.raises(InputError) as raised:
        from_values({"file": "m", "source": "rstp://admin:S3c@cam", "picamera": True})
    assert "S3c" not in str(raised.value) and "cam" in str(raised.value)
    chance = random.Random(17)
    characters = "abcXYZ019#?@/:%&=+,;!$~^*()[]{}|<>-_. '\"\\é"
    parse = parser().parse_args
    for _ in range(300):
        secret = "S3c" + "".join(chance.choices(characters, k=chance.randint(0, 8))) + "r3T"
        scheme = chance.choice(("rstp://", "rtps://", "rtsp:/", "rtsp//", "RSTP://", "ftp://", "rtsp;//"))
        spec = f"{scheme}admin:{secret}@camera.local:554/{chance.choice(('', 'live', 'a@b', 'x?y=1#2'))}"
        shown = [redaction.address(spec), redaction.message(f"lost {spec}: gone"), redaction.message(f"({spec!r})")]
        # Without a beginning that shows where the address begins, a password with a space cannot be recognised.
        shown += [redaction.message(f"lost {start}admin:{secret.replace(' ', '')}@cam: gone") for start in ("", "rtsp:")]
        for call in (
            lambda spec=spec: open_source(spec),
            lambda secret=secret: open_sink(f"ftp://admin:{secret}@cam/x.mp5", None),
            lambda spec=spec: Broker.parse(spec, "--mqtt"),
            lambda spec=spec: parse(["m", "--source", "0", spec]),
        ):
            try:
                call()
            except KitError as error:
                shown.append(str(error))
            except SystemExit:
                shown.append(capsys.readouterr().err)
        for text in shown:
            assert "S3c" not in text and "r3T" not in text and "admin" not in text, (spec, text)
