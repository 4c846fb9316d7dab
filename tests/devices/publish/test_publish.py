"""The command: what it publishes reaches a device through its own command, and what devices would refuse is not published."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from datetime import timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

from runtime.common.command import exit_code
from runtime.media import images
from tests.support import tiny_detector
from tests.support.moved_clock import clock

pytest.importorskip("tuf")
pytest.importorskip("cryptography")

from devices.keys import __main__ as keys
from devices.publish import __main__ as publish
from devices.publish import package, read_back
from devices.update import __main__ as update

pytestmark = pytest.mark.usefixtures("no_flushing")

TO_SITE = ("--repository", "site")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with keys, in which the commands run."""
    monkeypatch.setenv("EDGE_DETECTOR_PASSPHRASE", "correct horse battery")
    monkeypatch.chdir(tmp_path)
    assert keys.main(["keys"]) == 0
    return tmp_path


def run(folder: Path, model: str, image: str) -> Path:
    """A run with an export of one int8 model, and one validation image, under these names."""
    (folder / "export").mkdir(parents=True)
    data = tiny_detector.build()
    (folder / "export" / model).write_bytes(data)
    (folder / "export" / f"{Path(model).stem}.txt").write_text("cat\ndog\nbird\n")
    entry = {"kind": "int8", "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    (folder / "export" / "manifest.json").write_text(json.dumps({"kit": "0", "files": {model: entry}}))
    images.write(folder / "written.png", np.full((60, 80, 3), 90, np.uint8))
    os.replace(folder / "written.png", folder / image)
    (folder / "dataset.json").write_text(json.dumps({"validation": [{"picture": str(folder / image)}]}))
    return folder


def updated(*source) -> int:
    """The exit code of an update on a device that tries no release for longer than its self-test."""
    words = ["--root", "keys/root.json", "--state", "device", "--health", "health.json", "--probation", "0"]
    return exit_code(update.main, [*source, *words])


@pytest.mark.parametrize(
    ("source", "model", "image"),
    [
        (TO_SITE, "mein Modell (2).tflite", "Straße.PNG"),
        (("--file", "stick.tar"), "m" * 80 + ".tflite", "写" * 70 + " (1).png"),
    ],
)
def test_what_people_call_their_files_does_not_matter(place, capsys, source, model, image):
    made = run(place / "Läufe & mehr", model, image)
    assert publish.main([str(made), *TO_SITE, "--release", "a", "--bundle", "stick.tar"]) == 0
    published = [path.name.partition(".")[2] for path in Path("site/targets/releases").rglob("*.*")]
    assert sorted(name[:3] if name.endswith(".png") else name for name in published) == [
        "00_", "detector_int8.tflite", "detector_int8_labels.txt", "golden_int8.json", "manifest.json", "release.json",
    ]  # fmt: skip
    assert updated(*source) == 0
    assert "updated: a (self-test passed)" in capsys.readouterr().out


def files_of(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_devices_would_refuse_is_not_published(place, capsys, monkeypatch):
    made = run(place / "run", "detector_int8.tflite", "a.png")
    assert publish.main([str(made), *TO_SITE, "--release", "a"]) == 0
    before = files_of(Path("site"))
    words = [str(made), *TO_SITE, "--release", "b", "--bundle", "stick.tar"]
    # A name that is no name, in a place that nobody thought of.
    with monkeypatch.context() as careless:
        careless.setattr(package, "MANIFEST", "manifest (1).json")
        shutil.copy("run/export/manifest.json", "run/export/manifest (1).json")
        assert exit_code(publish.main, words) == 1
    said = capsys.readouterr().err
    assert "error: nothing is published, since devices would refuse it: " in said and "file 'manifest (1).json'" in said
    # A model that finds something else on the device than where it was packed.
    with monkeypatch.context() as different:
        different.setattr(read_back, "self_test", lambda model, golden: ("did not find cat",))
        assert exit_code(publish.main, words) == 1
    assert "detector_int8.tflite: self-test: did not find cat" in capsys.readouterr().err
    assert exit_code(publish.main, [*TO_SITE, "--withdraw", "a", "--reason", "x" * 70_000]) == 1
    assert "at most 65536 are taken" in capsys.readouterr().err
    assert files_of(Path("site")) == before and not Path("stick.tar").exists()
    assert publish.main(words) == 0 and updated(*TO_SITE) == 0
    assert "updated: b" in capsys.readouterr().out


def test_a_release_called_current_would_replace_the_link_to_itself(place, capsys):
    made = run(place / "run", "detector_int8.tflite", "a.png")
    assert exit_code(publish.main, [str(made), *TO_SITE, "--release", "current"]) == 1
    assert "publish it under another name" in capsys.readouterr().err
    assert not files_of(Path("site") / "metadata")


def test_the_end_of_signatures_is_told_in_time(place, capsys, clock):
    made = run(place / "run", "detector_int8.tflite", "a.png")
    assert publish.main([str(made), *TO_SITE, "--release", "a", "--group", "night"]) == 0
    assert "warning" not in capsys.readouterr().err
    Path("keys/group-night").rename("night")
    Path("keys/targets").rename("targets")
    clock.advance(320)
    assert publish.main([*TO_SITE, "--refresh"]) == 0
    said = capsys.readouterr().err.splitlines()
    assert [line.split(" ends on ")[0] for line in said] == [
        f"warning: the signature of {role}" for role in ("group-night", "root", "targets")
    ]
    assert all("devices take nothing after that" in line for line in said)
    assert "python -m devices.publish --refresh where the key of group-night is" in said[0]
    assert "python -m devices.keys KEYS --renew" in said[1]
    # With the key back, the list is renewed and nothing is said of it.
    Path("targets").rename("keys/targets")
    assert publish.main([*TO_SITE, "--refresh"]) == 0
    said = capsys.readouterr().err.splitlines()
    assert [line.split()[4] for line in said] == ["group-night", "root"]
    # When it is too late, the others go on, and the group after its key has signed again.
    assert keys.main(["keys", "--renew"]) == 0
    clock.advance(60)
    assert publish.main([*TO_SITE, "--refresh"]) == 0
    assert "warning: the signature of group-night has ended on " in capsys.readouterr().err
    Path("night").rename("keys/group-night")
    assert publish.main([*TO_SITE, "--refresh"]) == 0
    assert "warning" not in capsys.readouterr().err
    assert updated("--repository", "site", "--group", "night") == 0


def test_a_refresh_that_devices_would_refuse_says_why(place, capsys, clock):
    made = run(place / "run", "detector_int8.tflite", "a.png")
    assert publish.main([str(made), *TO_SITE, "--release", "a"]) == 0
    clock.advance(800)
    before = files_of(Path("site"))
    assert exit_code(publish.main, [*TO_SITE, "--refresh"]) == 1
    said = capsys.readouterr().err
    assert "nothing is published: the signature of root has ended on " in said and "devices.keys KEYS --renew" in said
    assert files_of(Path("site")) == before
    assert keys.main(["keys", "--renew"]) == 0 and publish.main([*TO_SITE, "--refresh"]) == 0
    assert updated(*TO_SITE) == 0


def test_keys_that_were_copied_before_a_change_sign_nothing(place, capsys):
    made = run(place / "run", "detector_int8.tflite", "a.png")
    assert publish.main([str(made), *TO_SITE, "--release", "a"]) == 0
    shutil.copytree("keys", "cron-keys")
    assert keys.main(["keys", "--renew"]) == 0 and publish.main([*TO_SITE, "--refresh"]) == 0
    # The same keys still sign.
    assert publish.main([*TO_SITE, "--keys", "cron-keys", "--refresh"]) == 0
    assert keys.main(["keys", "--rotate", "timestamp"]) == 0 and publish.main([*TO_SITE, "--refresh"]) == 0
    before = files_of(Path("site"))
    assert exit_code(publish.main, [*TO_SITE, "--keys", "cron-keys", "--refresh"]) == 1
    assert "is not signed by the keys that this device trusts" in capsys.readouterr().err
    assert files_of(Path("site")) == before


def test_a_bundle_is_dated_by_what_ends_first(place, capsys, clock):
    made = run(place / "run", "detector_int8.tflite", "a.png")
    words = [str(made), *TO_SITE, "--release", "a", "--timestamp-days", "900", "--snapshot-days", "900"]
    assert publish.main([*words, "--bundle", "stick.tar"]) == 0
    assert f"devices accept it until {clock.now(timezone.utc) + timedelta(days=365):%Y-%m-%d}" in capsys.readouterr().out
