"""What conversion and evaluation return, and how it shows itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from convert import Evaluation, Export, ExportedFile, InputError
from train.evaluation.coco import FIGURES, Metrics

HOSTILE = '<img src=x onerror="alert(1)">'

FILES = (
    ExportedFile("int8", Path("x/detector_int8.tflite"), 3_210_000, 0.4, 0.7, 0.35),
    ExportedFile("fp16", Path("x/detector_fp16.tflite"), 6_000_000),
)


def test_files_are_found_by_kind():
    export = Export(Path("x"), FILES, 0.41)
    assert export["fp16"] is FILES[1] and tuple(export) == FILES and len(export) == 2
    with pytest.raises(InputError, match="no file of kind 'edgetpu'; there are: int8, fp16"):
        export["edgetpu"]


def test_an_export_shows_size_and_accuracy_and_what_was_lost():
    html = Export(Path("x"), FILES, 0.41)._repr_html_()
    for text in ("detector_int8.tflite", "3.21 MB", "0.400", "-0.010", "0.35"):
        assert text in html
    assert ">-<" in Export(Path("x"), FILES)._repr_html_()


def test_an_evaluation_shows_its_figures_and_escapes_class_names():
    metrics = Metrics(dict.fromkeys(FIGURES, 0.25), {HOSTILE: 0.5, "cat": None}, 7, {HOSTILE: 0.75})
    html = Evaluation("a.tflite", "validation images of runs/a", metrics)._repr_html_()
    assert "<img" not in html and "&lt;img" in html
    assert "0.250" in html and "0.750" in html and "7 images: validation images of runs/a" in html


def test_a_file_is_a_path():
    assert Path(FILES[0]) == FILES[0].path
