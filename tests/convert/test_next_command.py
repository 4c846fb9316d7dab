"""What the command says to do with the files that it has written."""

from __future__ import annotations

import argparse

import pytest

from convert.__main__ import _say_next


@pytest.mark.parametrize(
    ("chosen", "batch", "named"), [("int8 fp16", 1, "detector_int8"), ("fp16", 1, "detector_fp16"), ("int8_io", 1, ""), ("int8", 4, "")]
)
def test_the_first_file_with_post_processing_is_named(tmp_path, capsys, chosen, batch, named):
    kinds = ("int8", "fp16", "dynamic_range", "int16x8", "int8_io")
    for kind in chosen.split():
        (tmp_path / f"detector_{kind}.tflite").touch()
    _say_next(argparse.Namespace(batch=batch, **{kind: kind in chosen.split() for kind in kinds}), tmp_path)
    said = capsys.readouterr().err
    assert (f"python -m runtime {tmp_path}/{named}.tflite --source" in said) if named else not said
