"""A file says on which tiles its network was trained, and stays what it is for every reader."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from convert.contract import contract
from convert.file.metadata import with_metadata_of
from convert.file.trained_on import mark, marking
from runtime import Detector
from runtime.boxes.tiles import Tiles
from runtime.model import trained_tiles
from runtime.model.tflite import Model
from runtime.pipeline import session
from tests.support.small_detector import LABELS, small_detector

TILES = Tiles(3, 2, overlap=0.3, whole=False)


def test_a_marked_file_fulfils_the_contract_and_finds_the_same(small_detector, tmp_path):
    paths = tmp_path / "plain.tflite", tmp_path / "marked.tflite"
    for path, data in zip(paths, (small_detector.built_in_int8, mark(small_detector.built_in_int8, TILES))):
        path.write_bytes(data)
    assert contract.check(paths[1].read_bytes(), expect="int8") == ()
    plain, marked = map(Detector, paths)
    assert (plain.trained_tiles, marked.trained_tiles) == (None, TILES) and marked.tiles is None
    image = np.zeros((64, 64, 3), np.uint8)
    image[10:26, 20:36, 2] = 255
    assert marked(image) == plain(image) != () and marked.labels == LABELS and marked.score == plain.score


def test_the_mark_goes_with_the_metadata(small_detector):
    marked = mark(small_detector.fp16, TILES)
    for source in (marked, mark(marked, TILES)):
        assert trained_tiles.find(Model.parse(with_metadata_of(source, small_detector.int8))) == TILES
    assert trained_tiles.find(Model.parse(with_metadata_of(small_detector.fp16, small_detector.int8))) is None


def test_without_tiles_nothing_is_changed(small_detector):
    assert marking(lambda score: small_detector.int8, None)(0.5) == small_detector.int8


@pytest.mark.parametrize("text", [b"1x1", b"\xff\xfe", b"2x2,later=1", b""])
def test_what_this_version_does_not_know_is_passed_over(text):
    assert trained_tiles.find(SimpleNamespace(metadata={trained_tiles.ENTRY: text})) is None


@pytest.mark.parametrize(
    ("used", "said"),
    [(None, "give --tiles 2x2\n"), (Tiles(2, 1), "give --tiles 2x2 instead of 2x1\n"), (Tiles(2, 2), "")],
)
def test_a_run_says_when_it_cuts_otherwise(used, said, capsys):
    detector = SimpleNamespace(trained_tiles=Tiles(2, 2), tiles=used, labels_warning="", labels_from="the file")
    session.print_start(SimpleNamespace(file="d.tflite"), detector, [])
    assert capsys.readouterr().err == (f"note: d.tflite: trained on tiles 2x2; {said}" if said else "")
