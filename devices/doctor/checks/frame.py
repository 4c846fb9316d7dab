"""One frame of the camera that the device would use."""

from __future__ import annotations

from typing import Iterable

from devices.doctor.checks import Finding, HostUnderTest, ok, warning
from devices.doctor.checks.cameras import libcamera
from devices.host import systemd_service
from runtime.machine import v4l2_devices

TITLE = "one frame of the camera"
RANK = 60
SECONDS = 30.0
LIVE = True

# Grey levels of 255. A lens cap gives a sensor's noise, some levels at most.
DARK = 8
FLAT = 2


def check(under_test: HostUnderTest) -> Iterable[Finding]:
    """Reads one frame from the camera and checks that it is not blank."""
    own, usb = libcamera(under_test.host), v4l2_devices.cameras()
    if own:
        source = "picamera"
    elif usb:
        source = usb[0][0]
    else:
        return
    if systemd_service.is_active(under_test.host):
        yield ok(f"{source} was not tried: {systemd_service.UNIT} may have it")
        return
    from runtime.sources import open_source

    with open_source(source) as frames:
        image = next(iter(frames)).image
    height, width = image.shape[:2]
    said = f"{source} gives {width}x{height}"
    if image.mean() < DARK:
        yield warning(f"{said}, all dark", "take the cap off the lens, or give it light")
    elif image.std() < FLAT:
        yield warning(f"{said}, all of one colour", "look at the cable; another program may have the camera")
    else:
        yield ok(said)
