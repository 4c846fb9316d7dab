"""Reads tensors from checkpoints of PyTorch, without PyTorch.

Such a file is a ZIP archive: `data.pkl` is a pickle of nested dictionaries, and `data/KEY` holds the bytes of a tensor's
storage. A pickle can name any function of Python to be called. Here it gets none: what is not a dictionary or a tensor
becomes an object without meaning.
"""

from __future__ import annotations

import math
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from runtime.common.errors import InputError

# The published checkpoints have 35 to 65 MB, and pickles of some hundred kB.
_MOST_BYTES = 1 << 30
_MOST_PICKLED = 1 << 26
_STORAGES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "?",
}


@dataclass(frozen=True)
class _Storage:
    kind: str
    key: str


@dataclass(frozen=True)
class Tensor:
    """A tensor that is not read yet: where it lies in its storage. Strides are in elements."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class TorchFile:
    """The tensors of a checkpoint of PyTorch, by name."""

    def __init__(self, path: Path, section: str = "state_dict"):
        """Opens the checkpoint at `path`. Its tensors are those in `section`, or in its root where it has no such entry.

        Raises InputError for a file that cannot be read, that is no such checkpoint, or that has no tensors there.
        """
        self._path = path
        try:
            with zipfile.ZipFile(path) as archive:
                self._root = self._checked(archive)
                content = _unpickled(archive.read(f"{self._root}/data.pkl"))
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            raise InputError(f"{path}: not a checkpoint of PyTorch 1.6 or newer: {error}") from error
        except (pickle.UnpicklingError, EOFError, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
            raise InputError(f"{path}: its data.pkl is damaged: {error}") from error
        found = content.get(section, content) if isinstance(content, dict) else {}
        pairs = found.items() if isinstance(found, dict) else ()
        self.tensors: Mapping[str, Tensor] = {
            name: value for name, value in pairs if isinstance(name, str) and isinstance(value, Tensor)
        }
        if not self.tensors:
            raise InputError(f"{path}: no tensors in it, neither under {section} nor at its root")

    def read(self, names: Mapping[str, str]) -> dict[str, np.ndarray]:
        """The values of the tensors `names`, which are the values of a mapping, by its keys.

        Raises InputError for a tensor that is not there or is cut off.
        """
        with zipfile.ZipFile(self._path) as archive:
            return {key: self._value(archive, name) for key, name in names.items()}

    def _value(self, archive: zipfile.ZipFile, name: str) -> np.ndarray:
        tensor = self.tensors.get(name)
        if tensor is None:
            raise InputError(f"{self._path}: has no tensor {name}")
        if tensor.storage.kind not in _STORAGES:
            raise InputError(f"{self._path}: {name} is stored as {tensor.storage.kind}, which the kit does not read")
        try:
            stored = np.frombuffer(archive.read(f"{self._root}/data/{tensor.storage.key}"), _STORAGES[tensor.storage.kind])
        except (KeyError, ValueError, zipfile.BadZipFile) as error:
            raise InputError(f"{self._path}: {name} is damaged: {error}") from error
        last = tensor.offset + sum((side - 1) * step for side, step in zip(tensor.shape, tensor.strides))
        empty = 0 in tensor.shape
        if min((tensor.offset, *tensor.shape, *tensor.strides), default=0) < 0 or (not empty and last >= len(stored)):
            raise InputError(f"{self._path}: {name} reaches beyond what is stored")
        if math.prod(tensor.shape) > len(stored):
            raise InputError(f"{self._path}: {name} has more values than are stored")
        strides = [step * stored.itemsize for step in tensor.strides]
        view = np.lib.stride_tricks.as_strided(stored[tensor.offset :], tensor.shape, strides, writeable=False)
        return np.array(view)

    def _checked(self, archive: zipfile.ZipFile) -> str:
        """The folder in the archive that all its files lie in."""
        entries = archive.infolist()
        if sum(entry.file_size for entry in entries) > _MOST_BYTES:
            raise InputError(f"{self._path}: holds more than {_MOST_BYTES >> 20} MiB")
        pickles = [entry for entry in entries if entry.filename.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise InputError(f"{self._path}: not a checkpoint of PyTorch: a ZIP archive without data.pkl")
        if pickles[0].file_size > _MOST_PICKLED:
            raise InputError(f"{self._path}: its data.pkl has more than {_MOST_PICKLED >> 20} MiB")
        root = pickles[0].filename.removesuffix("/data.pkl")
        order = f"{root}/byteorder"
        if order in archive.namelist() and archive.read(order) != b"little":
            raise InputError(f"{self._path}: written on a big-endian machine, which the kit does not read")
        return root


class _Inert:
    """What stands for any object that is neither dictionary nor tensor: it takes whatever is done to it."""

    def __new__(cls, *arguments: Any, **named: Any) -> _Inert:
        return super().__new__(cls)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        pass

    def __call__(self, *arguments: Any, **named: Any) -> _Inert:
        return self

    def __setstate__(self, state: Any) -> None:
        pass

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def append(self, value: Any) -> None:
        """Nothing."""

    def extend(self, values: Any) -> None:
        """Nothing."""

    def add(self, value: Any) -> None:
        """Nothing."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return lambda data, *_: data
        if module == "torch" and name.endswith("Storage"):
            return name
        return _Inert

    def persistent_load(self, pid: Any) -> Any:
        _, kind, key, *_ = pid
        return _Storage(str(kind), str(key))


def _unpickled(content: bytes) -> Any:
    import io

    source: BinaryIO = io.BytesIO(content)
    return _Unpickler(source).load()


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> Tensor:
    if not isinstance(storage, _Storage) or len(shape) != len(strides):
        raise ValueError("a tensor without storage")
    return Tensor(storage, int(offset), tuple(map(int, shape)), tuple(map(int, strides)))
