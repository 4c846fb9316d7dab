"""What the doctor says of a GPU or NPU and of its delegate library."""

from __future__ import annotations

import pytest

pytest.importorskip("yaml")
pytest.importorskip("pydantic")

from devices.doctor.checks import FAILURE, OK, WARNING, HostUnderTest, delegate
from devices.host.host import Host

CONFIG = "etc/edge-detector/runtime.yaml"
UNIT = "etc/systemd/system/edge-detector.service"
LIBRARY = "usr/lib/aarch64-linux-gnu/libvx_delegate.so"


def findings(root, **files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return list(delegate.check(HostUnderTest(Host(root))))


def test_a_machine_without_one(tmp_path):
    assert findings(tmp_path) == []
    assert findings(tmp_path, **{CONFIG: "engine: cpu\n"}) == []


def test_a_delegate_is_chosen_and_its_library_missing(tmp_path):
    (said,) = findings(tmp_path, **{CONFIG: "engine: delegate  # the NPU\ndevice: /opt/libnpu.so,cache=/tmp\n"})
    assert said.level == FAILURE and "its library is not installed" in said.text and "libvx_delegate.so" in said.fix
    (said,) = findings(tmp_path, **{"opt/libnpu.so": ""})
    assert said.level == WARNING and said.text.startswith("/opt/libnpu.so: no device node")


def test_a_library_without_its_driver(tmp_path):
    (said,) = findings(tmp_path, **{LIBRARY: ""})
    assert said.level == WARNING and "no device node of a GPU or NPU" in said.text and "/dev/galcore" in said.fix


def test_a_chip_that_the_service_may_not_open(tmp_path):
    (said,) = findings(tmp_path, **{LIBRARY: "", "dev/galcore": ""})
    assert said.level == OK and "libvx_delegate.so (NPU of i.MX 8M Plus" in said.text and "/dev/galcore" in said.text
    first, said = findings(tmp_path, **{UNIT: "[Service]\nDeviceAllow=char-video4linux rw\n"})
    assert first.level == OK and said.level == WARNING
    assert said.text == "edge-detector.service may not open /dev/galcore"
    assert "engine: delegate" in said.fix and "DeviceAllow=/dev/galcore rw" in said.fix
    added = {f"{UNIT}.d/override.conf": "[Service]\nDeviceAllow=/dev/galcore rw\n"}
    assert [said.level for said in findings(tmp_path, **added)] == [OK]
