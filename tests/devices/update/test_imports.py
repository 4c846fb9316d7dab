"""What a device runs holds nothing of the publisher: no keys, no signing, no publishing."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import pytest

pytest.importorskip("tuf")
pytest.importorskip("cryptography")

import devices.update
from tests.support.fleet_repository import keys, publisher
from tests.support.paths import ROOT

# Refuses the publisher's packages, as on a device that lacks them, also where a function imports them later.
WITHOUT_PUBLISHER = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.startswith(("devices.publish", "devices.keys")):
            raise ImportError(f"{name} on a device")

sys.meta_path.insert(0, Refuse())
"""

UPDATE = """
from devices.update import __main__ as command
command.self_test = lambda options: lambda folder: ()
code = command.main(sys.argv[1:])
assert not [name for name in sys.modules if name.startswith(("devices.publish", "devices.keys"))]
sys.exit(code)
"""


def run(program, *words):
    return subprocess.run([sys.executable, "-c", WITHOUT_PUBLISHER + program, *words], cwd=ROOT, capture_output=True, text=True)


def test_no_module_of_the_updater_imports_the_publisher():
    names = [f"devices.update.{module.name}" for module in pkgutil.iter_modules(devices.update.__path__)]
    assert len(names) > 8
    done = run("\n".join(f"import {name}" for name in ["devices.selftest.selftest", *names]))
    assert done.returncode == 0, done.stderr


def test_a_whole_update_needs_nothing_of_the_publisher(publisher, tmp_path):
    (tmp_path / "root.json").write_bytes(publisher.root)
    words = ["--repository", publisher.folder, "--root", tmp_path / "root.json", "--state", tmp_path / "state"]
    done = run(UPDATE, *map(str, words), "--probation", "0")
    assert done.returncode == 0 and "updated: one" in done.stdout, done.stderr
    done = run(UPDATE, "--state", str(tmp_path / "state"), "--status")
    assert done.returncode == 0 and "one" in done.stdout, done.stderr
