"""The files of an export take their places together."""

from __future__ import annotations

import pytest

from convert.export.staging import publish, staging
from runtime.common.errors import KitError


def test_files_take_their_places_and_the_folder_for_them_goes(tmp_path):
    folder = tmp_path / "run" / "export"
    with staging(folder) as new:
        for name in ("a.tflite", "manifest.json"):
            (new / name).write_text("new")
        assert list(folder.iterdir()) == [new]
        publish(new, folder, ["a.tflite"])
    assert {path.name: path.read_text() for path in folder.iterdir()} == {"a.tflite": "new", "manifest.json": "new"}


def test_an_export_that_is_interrupted_has_no_manifest_of_other_files(tmp_path):
    (tmp_path / "manifest.json").write_text("of before")
    with staging(tmp_path) as new:
        (new / "a.tflite").write_text("new")
        (new / "manifest.json").write_text("new")
        with pytest.raises(KitError, match="cannot be written"):
            publish(new, tmp_path, ["a.tflite", "missing.tflite"])
    assert {path.name for path in tmp_path.iterdir()} == {"a.tflite"}


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(KitError, match="cannot be written"), staging(tmp_path / "file" / "export"):
        pass
