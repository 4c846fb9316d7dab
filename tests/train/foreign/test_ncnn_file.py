"""Files of ncnn, written here as ncnn lays them out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from runtime.common.errors import InputError
from train.foreign import ncnn_file

PARAM = """7767517
4 4
Input data 0 1 data
Convolution first 1 1 data a 0=2 1=3 -23310=1,1.000000e-01 11=3 3=2 5=1 6=54 9=2
Pooling pool 1 1 a b 0=0 1=3
ConvolutionDepthWise second 1 1 b c 0=2 1=3 11=3 3=1 5=1 6=18 7=2
"""
FLOAT16 = np.array([0x01306B47], "<u4").tobytes()


def written(folder: Path, end: bytes = b"") -> tuple[Path, np.ndarray, np.ndarray]:
    """A float16 kernel [2, 3, 3, 3] and a float32 one [2, 3, 3], each with a bias."""
    draw = np.random.default_rng(0)
    kernel = draw.normal(size=(2, 3, 3, 3)).astype("<f2")
    depthwise = draw.normal(size=(2, 3, 3)).astype("<f4")
    content = FLOAT16 + kernel.tobytes() + np.array([1, 2], "<f4").tobytes()
    content += bytes(4) + depthwise.tobytes() + np.array([3, 4], "<f4").tobytes()
    param = folder / "net.param"
    param.write_text(PARAM)
    param.with_suffix(".bin").write_bytes(content + end)
    return param, kernel, depthwise


def test_kernels_are_read_in_the_order_of_tensorflow(tmp_path: Path) -> None:
    param, kernel, depthwise = written(tmp_path)
    _, first, pool, second = ncnn_file.read(param)
    np.testing.assert_array_equal(first.weights[0], kernel.astype(np.float32).transpose(2, 3, 1, 0))
    np.testing.assert_array_equal(first.weights[1], [1, 2])
    assert (first.stride, first.inputs, first.outputs) == (2, ("data",), ("a",))
    assert pool.convolution is None
    np.testing.assert_array_equal(second.weights[0][..., 0], depthwise.transpose(1, 2, 0))
    np.testing.assert_array_equal(second.weights[1], [3, 4])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda param: param.with_suffix(".bin").write_bytes(param.with_suffix(".bin").read_bytes()[:-1]), "ends too early"),
        (lambda param: param.with_suffix(".bin").write_bytes(param.with_suffix(".bin").read_bytes() + b"x"), "1 bytes more"),
        (lambda param: param.with_suffix(".bin").write_bytes(b"\1\2\3\4" * 99), "weights of the kind"),
        (lambda param: param.with_suffix(".bin").unlink(), "cannot be read"),
        (lambda param: param.write_text("hello\n"), "not a file of ncnn"),
        (lambda param: param.write_bytes(b"\xff\xfe\0"), "not a file of ncnn"),
        (lambda param: param.write_text(PARAM.replace("6=54", "6=55")), "line 4"),
        (lambda param: param.write_text(PARAM.replace("first 1 1 data a 0=2", "first 1 1 data a 0=0")), "line 4"),
        (lambda param: param.write_text(PARAM.replace(" 1 1 b c", " x 1 b c")), "line 6"),
    ],
)
def test_a_damaged_file_is_named_with_what_is_wrong(tmp_path: Path, change, message: str) -> None:  # type: ignore[no-untyped-def]
    param, _, _ = written(tmp_path)
    change(param)
    with pytest.raises(InputError, match=message) as error:
        ncnn_file.read(param)
    assert "net." in str(error.value)
