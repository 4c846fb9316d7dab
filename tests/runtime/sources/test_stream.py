"""Streams through OpenCV and, where it is installed, through PyAV, against servers on loopback."""

from __future__ import annotations

import os
import threading
import time
import traceback

import pytest

from runtime import InputError, KitError
from runtime.common.opencv import cv2
from runtime.sources import _stream_fault, open_source, pyav, stream
from tests.support.mjpeg_server import MjpegServer, jpegs
from tests.support.rtsp_server import RtspServer


@pytest.fixture(autouse=True, params=["opencv", "pyav"])
def library(request, monkeypatch):
    if request.param == "pyav" and not pyav.installed():
        pytest.skip("PyAV is not installed")
    monkeypatch.setattr(pyav, "installed", lambda: request.param == "pyav")
    return {"opencv": stream, "pyav": pyav}[request.param]


@pytest.fixture
def camera():
    with MjpegServer(jpegs([10, 100, 200])) as server:
        yield server


def test_which_library_reads(camera, library):
    with open_source(camera.url) as source:
        assert type(source).__module__ == ("runtime.sources.pyav" if library is pyav else "runtime.sources._capture")


def test_frames_come_with_the_time_of_day(camera):
    with open_source(camera.url) as source:
        assert source.live and source.size == (128, 96) and source.frames is None
        frames = [frame for frame, _ in zip(source, range(4))]
    assert [frame.index for frame in frames] == [0, 1, 2, 3]
    assert [round(frame.image.mean()) for frame in frames] == [10, 100, 200, 10]
    assert all(abs(time.time() - frame.time) < 60 for frame in frames)
    assert [frame.time for frame in frames] == sorted(frame.time for frame in frames)
    # The same moment by the clock that nobody sets, for the times of a video.
    assert all(0 <= time.monotonic() - frame.monotonic < 60 for frame in frames)


def test_a_sender_that_ends_is_an_error_and_can_be_opened_again(camera):
    with open_source(camera.url) as source:
        frames = iter(source)
        assert [next(frames).index, next(frames).index] == [0, 1]
        camera.stop()
        with pytest.raises(KitError, match="no more frames; the sender has ended"):
            list(frames)
    with pytest.raises(KitError, match="no stream can be opened there"):
        open_source(camera.url)
    camera.start()
    with open_source(camera.url) as source:
        assert next(iter(source)).index == 0


def test_a_sender_that_hangs_is_an_error(camera, library, monkeypatch):
    monkeypatch.setattr(library, "READ_SECONDS", 1)
    with open_source(camera.url) as source:
        frames = iter(source)
        next(frames)
        camera.stalled.set()
        with pytest.raises(KitError, match="sent nothing for 1 s"):
            list(frames)


def test_closing_from_elsewhere_ends_the_iterator(camera):
    source = open_source(camera.url)
    frames = iter(source)
    next(frames)
    source.close()
    assert list(frames) == []


def test_user_and_password_are_used_and_never_shown(camera):
    camera.password = "secret"
    address = camera.url.replace("//", "//camera:secret@")
    with open_source(address) as source:
        assert next(iter(source)).image.shape == (96, 128, 3)
        assert source.name == camera.url
        assert source.file_name(7) == f"127.0.0.1_{camera.port}_video.mjpg_000007.jpg"
    for wrong in (camera.url.replace("//", "//camera:wrongsecret@"), f"{camera.url}?token=wrongsecret"):
        with pytest.raises(KitError) as raised:
            open_source(wrong)
        assert "secret" not in str(raised.value) and camera.url in str(raised.value)


def test_the_hint_for_characters_that_end_a_password():
    hint = "in a user or password write # as %23"
    for wrong in ("Secret#1", "Secret?1", "Sec/ret", "Sec@ret"):
        with pytest.raises(KitError) as raised:
            open_source(f"rtsp://admin:{wrong}@127.0.0.1:9/x")
        assert hint in str(raised.value) and "Sec" not in str(raised.value) and "admin" not in str(raised.value)
    with pytest.raises(KitError) as raised:
        open_source("rtsp://admin:Secret@127.0.0.1:9/x")
    assert hint not in str(raised.value)


def test_a_scheme_in_capitals(camera):
    with open_source(camera.url.replace("http", "HTTP")) as source:
        assert next(iter(source)).index == 0 and source.name == camera.url


@pytest.mark.parametrize("address", ["rtsp://", "http:///video", "http://[::1/video"])
def test_an_address_without_a_host(address):
    with pytest.raises(InputError, match="names no host"):
        open_source(address)


@pytest.mark.parametrize(
    ("fault", "tries"),
    [
        (_stream_fault.ANSWERS, [stream.TCP, stream.UDP]),
        ("the sender answers 503 Service Unavailable", [stream.TCP, stream.UDP]),
        ("404", [stream.TCP]),
    ],
)
def test_udp_is_tried_where_a_camera_that_answers_refuses_tcp(camera, library, monkeypatch, fault, tries):
    if library is pyav:
        pytest.skip("FFmpeg does that by itself")
    used = []
    open_camera = stream.opened

    def opened(address, *arguments):
        used.append(os.environ[stream.VARIABLE])
        return open_camera(camera.url if used[-1] == stream.UDP else "", *arguments)

    monkeypatch.setattr(stream, "opened", opened)
    monkeypatch.setattr(_stream_fault, "find", lambda address: fault)
    monkeypatch.setenv(stream.VARIABLE, stream.TCP)
    if len(tries) == 2:
        with open_source("rtsp://127.0.0.1:9/x") as source:
            assert next(iter(source)).index == 0
    else:
        with pytest.raises(KitError, match="404"):
            open_source("rtsp://127.0.0.1:9/x")
    assert used == tries and os.environ[stream.VARIABLE] == stream.TCP


@pytest.mark.parametrize("transports", [("tcp", "udp"), ("udp",), ("tcp",)])
def test_tcp_comes_first_and_udp_where_it_is_refused(transports):
    with RtspServer(transports=transports) as server, open_source(server.url) as source:
        frames = [frame for frame, _ in zip(source, range(4))]
        assert source.size == (128, 96) and source.fps == 50
        assert [round(frame.image.mean()) for frame in frames] == pytest.approx([10, 100, 200, 10], abs=5)
        assert frames[0].image.dtype == "uint8" and frames[0].image.shape == (96, 128, 3)
        assert [frame.time for frame in frames] == sorted(frame.time for frame in frames)
        used = [line.rpartition("RTP/AVP")[2].split(";")[0] for line in server.asked if line.startswith("SETUP")]
    assert used[0] == "/TCP" and (used[-1] == "/TCP") == ("tcp" in transports)


def test_the_variable_for_opencv_chooses_udp(monkeypatch):
    monkeypatch.setenv(stream.VARIABLE, "rtsp_transport;udp|fflags;nobuffer")
    with RtspServer() as server, open_source(server.url) as source:
        assert next(iter(source)).index == 0
        assert [line for line in server.asked if "TCP" in line] == []


@pytest.mark.parametrize("password", ["secret", "p%40%3A%2F%23%3F%25s"])
def test_users_and_passwords_of_rtsp(password):
    with RtspServer(password="secret" if password == "secret" else "p@:/#?%s") as server:
        with open_source(server.url.replace("//", f"//camera:{password}@")) as source:
            assert next(iter(source)).index == 0 and source.name == server.url
        with pytest.raises(KitError, match=r"the sender refuses this user and password \(401 Unauthorized\)") as raised:
            open_source(server.url.replace("//", f"//camera:{'wrong' * 2}@"))
        assert "wrong" * 2 not in "".join(traceback.format_exception(raised.type, raised.value, raised.tb))
        with pytest.raises(KitError, match="the sender wants a user and a password"):
            open_source(server.url)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("404 Not Found", "has no stream at this path (404 Not Found)"),
        ("403 Forbidden", "wants a user and a password (403 Forbidden)"),
        ("454 Session Not Found", "has no stream at this path (454"),
        ("500 Oops", "the sender answers 500 Oops"),
    ],
)
def test_what_a_camera_says_is_told(status, said):
    with RtspServer(status=status) as server:
        with pytest.raises(KitError) as raised:
            open_source(server.url)
        assert f"{server.url}: no stream can be opened there: " in str(raised.value) and said in str(raised.value)


def test_a_camera_that_never_answers(library, monkeypatch):
    monkeypatch.setattr(library, "OPEN_SECONDS", 1)
    monkeypatch.setattr(_stream_fault, "SECONDS", 0.2)
    with RtspServer(mute=True) as server, pytest.raises(KitError, match="but gives no answer"):
        open_source(server.url)


def test_a_password_that_ends_its_address_is_tried_nowhere(monkeypatch):
    # By the rules, `admin` is the host and a part of the password the port.
    with pytest.raises(KitError) as raised:
        open_source("rtsp://127.0.0.1:12#3secret@camera/live")
    assert "12" not in str(raised.value).replace("rtsp://camera/live", "") and "%23" in str(raised.value)


def test_a_camera_that_is_opened_over_udp_lets_no_other_be_opened_so(monkeypatch):
    tcp_is_refused, udp_goes_on = threading.Event(), threading.Event()
    used = {"refuses": [], "other": []}

    def opened(address, *_):
        camera = "refuses" if "refuses" in address else "other"
        used[camera].append(os.environ[stream.VARIABLE])
        if used[camera] == [stream.TCP, stream.UDP]:
            tcp_is_refused.set()
            udp_goes_on.wait(60)
        return cv2.VideoCapture()

    monkeypatch.setattr(stream, "opened", opened)
    monkeypatch.setattr(_stream_fault, "find", lambda address: _stream_fault.ANSWERS if "refuses" in address else "no host")

    def connect(name):
        with pytest.raises(KitError):
            stream.connect(f"rtsp://{name}.test/live")

    first = threading.Thread(target=connect, args=("refuses",))
    first.start()
    assert tcp_is_refused.wait(60)
    second = threading.Thread(target=connect, args=("other",))
    second.start()
    while not (used["other"] or stream._FREE._waiters):
        time.sleep(0.001)
    udp_goes_on.set()
    first.join(60)
    second.join(60)
    assert used == {"refuses": [stream.TCP, stream.UDP], "other": [stream.TCP]}
