"""A minimal Debian file system in a folder, for tests of the installer."""

from __future__ import annotations

import pytest

pytest.importorskip("yaml")
pytest.importorskip("pydantic")

from devices.install.__main__ import main
from runtime.common.command import exit_code

SERVICE = "etc/systemd/system/edge-detector.service"
UPDATE = "etc/systemd/system/edge-detector-update.service"


def install(system, *words, device="raspberry-pi-5"):
    """Runs the installer on the folder `system` with further arguments `words`; returns its exit code."""
    return exit_code(main, ["--device", device, "--root", str(system), *words])


@pytest.fixture
def system(tmp_path):
    """The folder, with the files of Debian that the installer reads."""
    root = tmp_path / "system"
    files = {
        "etc/passwd": "root:x:0:0:root:/root:/bin/bash\n_apt:x:42:65534::/nonexistent:/usr/sbin/nologin\n",
        "etc/group": "root:x:0:\nvideo:x:44:\nsystemd-network:x:998:\n",
        "etc/shadow": "root:*:19700:0:99999:7:::\n_apt:*:19700:0:99999:7:::\n",
        "etc/gshadow": "root:*::\nvideo:*::\n",
        "etc/os-release": 'ID=debian\nVERSION_CODENAME=bookworm\nPRETTY_NAME="Debian GNU/Linux 12"\n',
        "var/lib/dpkg/status": "Package: python3-venv\nStatus: install ok installed\n\n"
        "Package: python3-picamera2\nStatus: deinstall ok config-files\n\n",
        "usr/lib/aarch64-linux-gnu/systemd/libsystemd-shared-252.so": "",
        "opt/other/file": "",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "etc/shadow").chmod(0o640)
    return root
