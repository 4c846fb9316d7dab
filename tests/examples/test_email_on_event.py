from __future__ import annotations

import numpy as np
import pytest

from runtime.common.opencv import cv2
from tests.support.examples import DETECTOR, HEIGHT, WIDTH, run_example, video
from tests.support.smtp_sink import SmtpSink

# Ten frames a second: something is in view for three seconds, then for one.
FRAMES = [{}] * 5 + [{"red": (96, 48)}] * 30 + [{}] * 5 + [{"green": (96, 48)}] * 10


@pytest.fixture
def clip(tmp_path):
    return video(tmp_path / "clip.avi", FRAMES)


@pytest.fixture
def mail():
    with SmtpSink() as sink:
        yield sink


def test_the_image_comes_by_email(clip, mail):
    run_example("email_on_event", DETECTOR, clip, "--server", mail.address, "--to", "me@example.org", "--every", 100)
    (message,) = mail.messages
    assert (message["To"], message["Subject"]) == ("me@example.org", "seen: red")
    text, image = message.get_payload()
    assert text.get_payload().startswith("red 0.9")
    assert image.get_filename() == "5.jpg"
    pixels = cv2.imdecode(np.frombuffer(image.get_payload(decode=True), np.uint8), cv2.IMREAD_COLOR)
    assert pixels.shape == (HEIGHT, WIDTH, 3)


def test_emails_are_some_seconds_apart(clip, mail):
    run_example("email_on_event", DETECTOR, clip, "--server", mail.address, "--every", 2)
    # At 0.5 s, 2.5 s and, as nothing is in view from 3.5 s on, at 4.5 s.
    assert [message["Subject"] for message in mail.messages] == ["seen: red", "seen: red", "seen: green"]


def test_only_some_classes(clip, mail):
    run_example("email_on_event", DETECTOR, clip, "--server", mail.address, "--only", "green")
    assert [message["Subject"] for message in mail.messages] == ["seen: green"]


def test_a_server_that_refuses_is_asked_no_more_often(clip, mail, capsys):
    mail.refusing.set()
    run_example("email_on_event", DETECTOR, clip, "--server", mail.address, "--every", 2)
    assert capsys.readouterr().err.count("not sent") == mail.attempts == 3
    assert not mail.messages
