from __future__ import annotations

import builtins
import sys
import time

import pytest

from runtime import KitError
from runtime.sources import open_source, pyav
from tests.support.mjpeg_server import MjpegServer, jpegs
from tests.support.ports import free_port
from tests.support.rtsp_server import RtspServer

av = pytest.importorskip("av")


def test_frames_have_the_times_of_the_sender(monkeypatch):
    seen = []

    def at(self, stamp, arrival):
        seen.append((stamp, arrival))
        return 1000.0 + stamp

    monkeypatch.setattr(pyav.StreamClock, "time", at)
    with RtspServer(fps=25) as server, open_source(server.url) as source:
        frames = [frame for frame, _ in zip(source, range(6))]
    steps = [after.monotonic - before.monotonic for before, after in zip(frames, frames[1:])]
    assert steps == pytest.approx([0.04] * 5)
    assert all(frame.monotonic == 1000.0 + stamp for frame, (stamp, _) in zip(frames, seen))
    # The time of day is that of the capture, too.
    assert all(
        abs((time.time() - frame.time) - (time.monotonic() - frame.monotonic)) < 1 for frame in frames
    )


def test_times_that_ffmpeg_only_counts_are_not_used(monkeypatch):
    seen = []
    monkeypatch.setattr(pyav.StreamClock, "time", lambda self, stamp, arrival: seen.append(stamp) or arrival)
    with MjpegServer(jpegs([10])) as server, open_source(server.url) as source:
        next(iter(source))
    assert seen == [None]


def test_packets_that_cannot_be_decoded_are_left_out():
    class Damaged:
        def decode(self):
            raise av.error.InvalidDataError(-1, "Invalid data found when processing input")

    with RtspServer() as server, open_source(server.url) as source:
        assert source._next(iter([Damaged()])) == [] and source.skipped == 1
        assert next(iter(source)).index == 0


def test_what_the_library_says_has_no_password(monkeypatch):
    def fail(address, **_):
        raise av.error.OSError(5, "Input/output error", address)

    monkeypatch.setattr(av, "open", fail)
    monkeypatch.setattr(pyav._stream_fault, "find", lambda address: "")
    with pytest.raises(KitError, match="input/output error; is the address right") as raised:
        open_source("rtsp://admin:Secret@127.0.0.1:1/x")
    assert "Secret" not in str(raised.value)
    assert raised.value.__cause__ is None and raised.value.__context__ is None


def test_nobody_listens():
    with pytest.raises(KitError, match="connection refused"):
        open_source(f"rtsp://admin:secret@127.0.0.1:{free_port()}/x")


def test_a_stream_without_video(monkeypatch):
    class Container:
        class streams:
            video = ()

        closed = False

        def close(self):
            Container.closed = True

    monkeypatch.setattr(av, "open", lambda *_, **__: Container())
    with pytest.raises(KitError, match="the stream there has no video"):
        open_source("http://127.0.0.1/radio")
    assert Container.closed


@pytest.mark.parametrize("broken", [True, False])
def test_without_the_library_or_where_it_does_not_load(monkeypatch, capsys, broken):
    load = builtins.__import__

    def fail(name, *rest):
        if name == "av":
            raise ImportError("libav.so: cannot open shared object file")
        return load(name, *rest)

    monkeypatch.delitem(sys.modules, "av")
    monkeypatch.setattr(builtins, "__import__", fail)
    monkeypatch.setattr(pyav, "find_spec", lambda name: object() if broken else None)
    assert not pyav.accepts("rtsp://camera/") and not pyav.accepts("a.mp4")
    assert ("PyAV is installed, but does not load (libav.so" in capsys.readouterr().err) == broken
