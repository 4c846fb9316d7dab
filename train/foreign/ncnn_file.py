"""Reads networks of ncnn: a text of layers (.param), and their weights (.bin) in float16 or float32.

The layout of both is that of ncnn's modelwriter: https://github.com/Tencent/ncnn/wiki/param-and-model-file-structure.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from runtime.common.errors import InputError
from train.foreign.folded_layers import Operation

_MAGIC = "7767517"
_CONVOLUTIONS = ("Convolution", "ConvolutionDepthWise")
# What is in front of weights that are stored as float16.
_FLOAT16 = 0x01306B47
# Keys of a convolution's settings.
_FILTERS, _WIDTH, _STRIDE, _HAS_BIAS, _COUNT, _GROUPS, _HEIGHT = 0, 1, 3, 5, 6, 7, 11


def read(param: Path) -> list[Operation]:
    """The operations of the network whose layers are in `param`, and its weights beside it in a file of the ending .bin.

    Raises InputError where a file is missing, cut off or not of ncnn, and for a layer with weights that is no
    convolution.
    """
    weights = param.with_suffix(".bin")
    try:
        lines = param.read_text(encoding="utf-8").split("\n")
        source = _Weights(weights, weights.read_bytes())
    except OSError as error:
        raise InputError(f"{error.filename}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{param}: not a file of ncnn's layers") from error
    if lines[0].strip() != _MAGIC:
        raise InputError(f"{param}: not a file of ncnn's layers: its first line is not {_MAGIC}")
    operations = []
    for number, line in enumerate(lines[2:], 3):
        if line.strip():
            try:
                operations.append(_operation(line.split(), source))
            except (ValueError, KeyError, IndexError, ZeroDivisionError) as error:
                raise InputError(f"{param}: line {number} is no layer: {error!r}") from error
    source.end()
    return operations


def _operation(words: list[str], weights: _Weights) -> Operation:
    kind, _, inputs, outputs = words[0], words[1], int(words[2]), int(words[3])
    names = words[4 : 4 + inputs + outputs]
    tensors = tuple(names[:inputs]), tuple(names[inputs:])
    if kind not in _CONVOLUTIONS:
        return Operation(*tensors)
    settings = {int(key): value for key, value in (word.split("=") for word in words[4 + inputs + outputs :])}
    numbers = {key: int(value) for key, value in settings.items() if key in range(_HEIGHT + 1) and "," not in value}
    filters, width, groups = numbers[_FILTERS], numbers[_WIDTH], numbers.get(_GROUPS, 1)
    height = numbers.get(_HEIGHT, width)
    channels = numbers[_COUNT] // (filters * height * width)
    if groups not in (1, filters) or channels * filters * height * width != numbers[_COUNT]:
        raise ValueError(f"{words[1]} is neither a convolution of all channels nor a depthwise one")
    flat = weights.kernel(numbers[_COUNT])
    bias = weights.floats(filters) if numbers.get(_HAS_BIAS) else np.zeros(filters, np.float32)
    kernel = flat.reshape(filters, channels, height, width)
    kernel = kernel.transpose(2, 3, 1, 0) if groups == 1 else kernel.transpose(2, 3, 0, 1)
    return Operation(*tensors, (np.ascontiguousarray(kernel), bias), numbers.get(_STRIDE, 1))


class _Weights:
    """The contents of a .bin file, read from its beginning to its end."""

    def __init__(self, path: Path, content: bytes) -> None:
        self._path = path
        self._content = content
        self._place = 0

    def kernel(self, count: int) -> np.ndarray:
        """float32 [count], stored with a word in front that tells the type."""
        kind = int(np.frombuffer(self._taken(4), "<u4")[0])
        if kind == _FLOAT16:
            # Padded to whole words of four bytes.
            stored = np.frombuffer(self._taken(-(-count // 2) * 4), "<f2")[:count]
            return stored.astype(np.float32)
        if kind == 0:
            return self.floats(count)
        raise InputError(f"{self._path}: weights of the kind {kind:#x}; the kit reads float16 and float32")

    def floats(self, count: int) -> np.ndarray:
        """float32 [count]."""
        return np.frombuffer(self._taken(4 * count), "<f4").astype(np.float32)

    def end(self) -> None:
        """Raises InputError if something is left."""
        left = len(self._content) - self._place
        if left:
            raise InputError(f"{self._path}: {left} bytes more than its .param says; the two do not belong together")

    def _taken(self, count: int) -> bytes:
        start, self._place = self._place, self._place + count
        if self._place > len(self._content):
            raise InputError(f"{self._path}: ends too early; it is cut off, or of another .param")
        return self._content[start : self._place]
