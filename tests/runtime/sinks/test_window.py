"""The window: errors of the headless build and of a machine without a screen."""

from __future__ import annotations

import pytest

from runtime import InputError
from runtime.common.opencv import cv2
from runtime.sinks import open_sink, window
from runtime.sources import Source


class Clip(Source):
    name = "clip.mp4"

    def __iter__(self):
        return iter(())


def test_the_headless_build_says_what_to_install():
    if "GUI:                           NONE" not in cv2.getBuildInformation():
        pytest.skip("this OpenCV has windows")
    with pytest.raises(InputError, match=r"headless build.*extra `window`.*--serve"):
        open_sink("window:", Clip())


def test_no_screen(monkeypatch):
    monkeypatch.setattr(window.cv2, "getBuildInformation", lambda: "  GUI:   QT5\n")
    monkeypatch.setattr(window.sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InputError, match="no screen here"):
        open_sink("window:", Clip())
