from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from convert.__main__ import main
from convert.export import install
from runtime.common.command import exit_code
from runtime.common.errors import InputError
from tests.support.paths import ROOT


@pytest.fixture
def export(tmp_path) -> Path:
    folder = tmp_path / "runs" / "one" / "export"
    folder.mkdir(parents=True)
    (folder / "detector_int8.tflite").write_bytes(b"int8")
    (folder / "detector_fp16.tflite").write_bytes(b"fp16")
    (folder / "detector_int8_edgetpu.tflite").write_bytes(b"chip")
    (folder / "detector_int8.rejected.tflite").write_bytes(b"bad")
    listing(folder, "detector_int8.tflite", "detector_fp16.tflite")
    return folder


def listing(folder: Path, *names: str) -> None:
    """A manifest of the files `names` as they are."""
    files = {name: {"sha256": hashlib.sha256((folder / name).read_bytes()).hexdigest()} for name in names}
    (folder / "manifest.json").write_text(json.dumps({"files": files}))


def project(folder: Path, app: install.App) -> Path:
    (folder / app.mark).parent.mkdir(parents=True, exist_ok=True)
    (folder / app.mark).write_text("")
    return folder


@pytest.mark.parametrize("app", [install.IOS, install.ANDROID])
def test_what_a_phone_can_run_is_copied(app, export, tmp_path):
    target = project(tmp_path / "app", app)
    (target / app.models).mkdir(parents=True)
    (target / app.models / "detector_int8_raw.tflite").write_bytes(b"of an earlier export")
    (target / app.models / "mine.tflite").write_bytes(b"the user's own")
    copied = install.install(app, target, export)
    assert copied == (target / app.models / "detector_int8.tflite", target / app.models / "detector_fp16.tflite")
    found = {path.name: path.read_bytes() for path in (target / app.models).iterdir()}
    assert found == {"detector_int8.tflite": b"int8", "detector_fp16.tflite": b"fp16", "mine.tflite": b"the user's own"}


def test_the_kits_own_app_is_recognized(export):
    root = ROOT
    assert (root / "ios" / install.IOS.mark).is_file()


def test_another_folder_is_refused(export, tmp_path):
    with pytest.raises(InputError, match="not the iOS project of the kit"):
        install.install(install.IOS, tmp_path, export)


def test_an_export_without_detectors_is_refused(tmp_path):
    listing(tmp_path)
    with pytest.raises(InputError, match="no detector for a phone"):
        install.install(install.IOS, project(tmp_path / "app", install.IOS), tmp_path)
    with pytest.raises(InputError, match="no detector for a phone"):
        install.install(install.IOS, tmp_path / "app", tmp_path / "nowhere")


def test_a_file_that_is_not_the_one_in_the_manifest_is_not_copied(export, tmp_path):
    target = project(tmp_path / "app", install.ANDROID)
    (export / "detector_fp16.tflite").write_bytes(b"of another export")
    with pytest.raises(InputError, match=r"detector_fp16\.tflite: is not the file that manifest\.json beside it lists"):
        install.install(install.ANDROID, target, export)
    assert not (target / install.ANDROID.models).exists()


def test_a_file_that_the_manifest_does_not_list_is_of_an_earlier_export(export, tmp_path):
    target = project(tmp_path / "app", install.ANDROID)
    listing(export, "detector_int8.tflite")
    assert [path.name for path in install.install(install.ANDROID, target, export)] == ["detector_int8.tflite"]


@pytest.mark.parametrize(("text", "message"), [(None, "has no manifest.json: .* interrupted"), ("[]", "no manifest of an export"), ("{", "cannot be read")])
def test_an_export_without_a_manifest_is_not_copied(text, message, export, tmp_path):
    (export / "manifest.json").unlink()
    if text is not None:
        (export / "manifest.json").write_text(text)
    with pytest.raises(InputError, match=message):
        install.install(install.ANDROID, project(tmp_path / "app", install.ANDROID), export)


def test_the_newest_export_counts(export, tmp_path):
    older = tmp_path / "runs" / "two" / "export"
    older.mkdir(parents=True)
    (older / "manifest.json").write_text("{}")
    os.utime(older / "manifest.json", (1, 1))
    assert install.newest_export(tmp_path / "runs") == export
    with pytest.raises(InputError, match="no export in it yet"):
        install.newest_export(tmp_path)


def test_the_command_copies_without_converting(export, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    target = project(tmp_path / "app", install.IOS)
    assert main(["--install-ios", str(target)]) == 0
    assert (target / install.IOS.models / "detector_int8.tflite").read_bytes() == b"int8"
    assert "detector_int8.tflite: from runs/one/export" in capsys.readouterr().out
    assert main(["--install-ios", str(target), "--run", "runs/one"]) == 0
    assert exit_code(main, ["--install-android", str(target)]) == 2
    assert "not the Android project" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main([])


def test_a_wrong_folder_is_refused_before_converting(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("convert.__main__._write", lambda arguments: pytest.fail("it converted before the check"))
    assert exit_code(main, ["--int8", "--run", "runs/one", "--install-ios", str(tmp_path)]) == 2
    assert "not the iOS project" in capsys.readouterr().err
