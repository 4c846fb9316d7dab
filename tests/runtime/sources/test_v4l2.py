"""Cameras by number. Test machines have none; a fake list of devices replaces the kernel's."""

from __future__ import annotations

import sys

import pytest

from runtime import InputError
from runtime.sources import open_source, v4l2

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's list is Linux's")

USB = ("HD Pro Webcam C920", "0"), ("HD Pro Webcam C920", "1")
PI = ("unicam", "0"), ("bcm2835-codec-decode", "0"), ("bcm2835-isp", "0")


@pytest.fixture
def listed(tmp_path, monkeypatch):
    def make(*devices):
        for number, (name, index) in enumerate(devices):
            folder = tmp_path / f"video{number + 90}"
            folder.mkdir(parents=True)
            (folder / "name").write_text(f"{name}\n")
            (folder / "index").write_text(f"{index}\n")
        monkeypatch.setattr(v4l2, "DEVICES", tmp_path)

    return make


def test_only_cameras_are_listed(listed):
    listed(*PI, *USB)
    assert v4l2.cameras() == [("/dev/video93", "HD Pro Webcam C920")]


@pytest.mark.parametrize(
    ("devices", "spec", "message"),
    [
        ((), "90", "90: no such camera; there is none on this machine$"),
        (USB, "99", r"99: no such camera; there is /dev/video90 \(HD Pro Webcam C920\)$"),
        (USB, "/dev/video99,fps=5", "/dev/video99: no such camera; there is /dev/video90"),
        (PI, "99", "there is none on this machine; the Pi's own is --source picamera$"),
        (PI, "90", "90: is unicam, a part of the Raspberry Pi's own camera chain.*use --source picamera"),
        (PI, "/dev/video91", "bcm2835-codec-decode.*use --source picamera"),
        (USB, "90,size=0x3", "90,size=0x3: size=0x3: a size is WIDTHxHEIGHT"),
        (USB, "90,size=640x480,zoom=3", "'zoom=3' is no setting of it; there are size, fps, format"),
        (USB, "90,flip=h", "'flip=h' is no setting"),
        (USB, "90,fps=0", "fps=0: frames per second"),
        (USB, "90,format=JPEGS", "four letters"),
    ],
)
def test_errors_name_the_cause(listed, devices, spec, message):
    listed(*devices)
    with pytest.raises(InputError, match=message):
        open_source(spec)


def test_a_file_that_is_no_camera(listed, monkeypatch, tmp_path):
    listed()
    (tmp_path / "video5").write_text("")
    with pytest.raises(InputError, match="cannot be opened; does another program use it"):
        v4l2.connect(str(tmp_path / "video5"))


@pytest.mark.parametrize(
    ("spec", "accepted"),
    [("0", True), ("12,fps=5", True), ("/dev/v4l/by-id/usb-x:1.0-index0", True), ("0.jpg", False), ("1234", False)],
)
def test_what_names_a_camera(spec, accepted):
    assert v4l2.accepts(spec) is accepted
