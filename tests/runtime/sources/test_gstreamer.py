from __future__ import annotations

import threading

import pytest

from runtime import InputError, KitError
from runtime.common.opencv import cv2
from runtime.sources import gstreamer, open_source

BUILT_IN = "GStreamer:                   YES" in cv2.getBuildInformation()


@pytest.mark.skipif(BUILT_IN, reason="this OpenCV has GStreamer")
def test_a_build_without_gstreamer_says_what_to_use():
    with pytest.raises(InputError, match=r"gst: this OpenCV was built without GStreamer.*python3-opencv"):
        open_source("gst:videotestsrc ! videoconvert ! appsink")


@pytest.mark.skipif(not BUILT_IN, reason="this OpenCV was built without GStreamer")
def test_frames_of_a_pipeline():
    with open_source("gst:videotestsrc ! video/x-raw,width=64,height=48") as source:
        assert [frame.index for frame, _ in zip(source, range(3))] == [0, 1, 2] and source.size == (64, 48)
    with pytest.raises(KitError, match="the pipeline does not start"):
        open_source("gst:nosuchsrc")


def test_an_empty_pipeline():
    with pytest.raises(InputError, match="a pipeline is missing"):
        open_source("gst: ")


def test_opening_a_pipeline_has_a_timeout(monkeypatch):
    started, ended = [], threading.Event()
    monkeypatch.setattr(gstreamer, "OPEN_SECONDS", 0.05)
    monkeypatch.setattr(gstreamer, "opened", lambda *given: started.append(given) or ended.wait(20) or "capture")
    opener = gstreamer._Opener()
    assert opener.open("a") is None and opener.open("b") is None
    assert [given[0] for given in started] == ["a"]
    ended.set()
    opener._waiting.join(20)
    monkeypatch.setattr(gstreamer, "opened", lambda *given: given[0])
    assert opener.open("c") == "c"


def test_secrets_are_not_shown():
    shown = gstreamer._without_sink("rtspsrc location=rtsp://u:p@cam user-id=u user-pw=p ! decodebin ! appsink")
    assert shown == "rtspsrc ... ... ... ! decodebin"
    shown = gstreamer._without_sink("""rtspsrc location="rtsp://u:p w@cam" proxy-pw='p ! w' latency=0 ! decodebin ! appsink""")
    assert shown == "rtspsrc ... ... latency=0 ! decodebin"
