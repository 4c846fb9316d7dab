"""Convolutions in files of ONNX."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from runtime.common.errors import InputError, KitError
from train.foreign import onnx_file


def test_without_the_package_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(KitError, match="pip install"):
        onnx_file.read(tmp_path / "net.onnx")


@pytest.fixture
def network(tmp_path: Path) -> tuple[Path, np.ndarray, np.ndarray]:
    """A convolution, a leaky ReLU and a depthwise convolution without bias, whose kernel is a node."""
    onnx = pytest.importorskip("onnx", reason="needs the extra onnx")
    from onnx import TensorProto, helper, numpy_helper

    draw = np.random.default_rng(0)
    kernel, depthwise = (draw.normal(size=shape).astype(np.float32) for shape in ((4, 3, 3, 3), (4, 1, 5, 5)))
    nodes = [
        helper.make_node("Constant", [], ["k2"], value=numpy_helper.from_array(depthwise)),
        helper.make_node("Conv", ["data", "k1", "b1"], ["a"], strides=[2, 2], pads=[1] * 4),
        helper.make_node("LeakyRelu", ["a"], ["b"], alpha=0.1),
        helper.make_node("Conv", ["b", "k2"], ["c"], group=4, pads=[2] * 4),
    ]
    constants = [numpy_helper.from_array(kernel, "k1"), numpy_helper.from_array(np.arange(4, dtype=np.float32), "b1")]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (("data", [1, 3, 8, 8]), ("c", [1, 4, 4, 4]))
    ]
    path = tmp_path / "net.onnx"
    onnx.save(helper.make_model(helper.make_graph(nodes, "net", ends[:1], ends[1:], constants)), str(path))
    return path, kernel, depthwise


def test_kernels_are_read_in_the_order_of_tensorflow(network: tuple[Path, np.ndarray, np.ndarray]) -> None:
    path, kernel, depthwise = network
    first, active, second = onnx_file.read(path)
    np.testing.assert_array_equal(first.weights[0], kernel.transpose(2, 3, 1, 0))
    np.testing.assert_array_equal(first.weights[1], range(4))
    assert (first.stride, first.inputs, first.outputs) == (2, ("data",), ("a",))
    assert active.convolution is None
    np.testing.assert_array_equal(second.weights[0], depthwise.transpose(2, 3, 0, 1))
    np.testing.assert_array_equal(second.weights[1], [0] * 4)
    assert (second.stride, second.inputs) == (1, ("b",))


def test_other_files_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="needs the extra onnx")
    path = tmp_path / "net.onnx"
    for content in (b"", b"hello", bytes(range(256))):
        path.write_bytes(content)
        with pytest.raises(InputError, match="not an ONNX file"):
            onnx_file.read(path)
    with pytest.raises(InputError, match="cannot be read"):
        onnx_file.read(tmp_path / "absent.onnx")
