"""Files with ranges and factors: round trip, and errors for damaged files."""

from __future__ import annotations

import json

import numpy as np
import pytest

from runtime.common.errors import InputError
from train.quantization import quantization
from train.quantization.quantization import Quantization, Range


def test_what_is_written_is_read_back(tmp_path):
    factors = np.random.default_rng(0).uniform(1, 50, 128).astype(np.float32)
    written = Quantization({"image": Range(-1.0, 1.0), "stem": Range(0.0, 5.3)}, {"boxes": factors}, "mse")
    written.write(tmp_path / "quantisation.json")
    found = quantization.read(tmp_path / "quantisation.json")
    assert found.ranges == written.ranges and found.method == "mse"
    np.testing.assert_array_equal(found.factors["boxes"], factors)
    assert found.factors["boxes"].dtype == np.float32


GOOD = {"method": "mse", "ranges": {"image": [-1, 1]}, "factors": {}}
BAD = {
    "not JSON": "{",
    "a list": "[]",
    "no ranges": json.dumps({"method": "mse", "factors": {}}),
    "three ends": json.dumps(GOOD | {"ranges": {"image": [-1, 0, 1]}}),
    "words": json.dumps(GOOD | {"factors": {"boxes": ["a"]}}),
    "0 left out": json.dumps(GOOD | {"ranges": {"image": [0.5, 1]}}),
    "empty": json.dumps(GOOD | {"ranges": {"image": [0, 0]}}),
    "not a number": '{"method": "mse", "factors": {}, "ranges": {"image": [NaN, 1]}}',
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_a_damaged_file_is_an_error(text, tmp_path):
    file = tmp_path / "quantisation.json"
    file.write_text(text)
    with pytest.raises(InputError, match=r"quantisation\.json: "):
        quantization.read(file)


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(InputError, match=r"quantisation\.json: cannot be read: No such file"):
        quantization.read(tmp_path / "quantisation.json")
