"""What the manifest says of the images that int8 was calibrated on."""

from __future__ import annotations

import hashlib

from convert.evaluation.images import of_files
from convert.export import manifest
from convert.export.export import source_of_checkpoint
from runtime.common.values import Labels
from tests.support.voc_samples import image


def test_images_of_one_name_in_several_folders_are_all_listed(tmp_path):
    paths = [image(tmp_path / f"{folder}/{index}.jpg", seed=10 * index) for folder in "abc" for index in range(10)]
    found = manifest.hashes(paths)
    assert list(found) == [f"{folder}/{index}.jpg" for folder in "abc" for index in range(10)]
    assert found["b/3.jpg"] == hashlib.sha256((tmp_path / "b/3.jpg").read_bytes()).hexdigest()
    assert list(manifest.hashes(paths[:10])) == [f"{index}.jpg" for index in range(10)]


def test_images_of_a_folder_are_told_apart_by_their_paths(tmp_path):
    paths = [image(tmp_path / f"{folder}/x.jpg") for folder in "ab"]
    source = source_of_checkpoint(tmp_path, 320, Labels(("cat",)), tmp_path)
    assert [found.id for found in source.calibration] == ["a/x.jpg", "b/x.jpg"]
    assert [found.id for found in of_files(paths)] == ["x.jpg", "x.jpg"]
