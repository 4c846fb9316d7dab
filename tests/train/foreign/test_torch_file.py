"""Checkpoints of PyTorch, written here without it: a ZIP archive of a pickle and of storages."""

from __future__ import annotations

import os
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runtime.common.errors import InputError
from train.foreign.torch_file import TorchFile


class Named:
    """Pickled as what a module holds under a name."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name


class Rebuilt:
    """Pickled as the call of a named function with arguments."""

    def __init__(self, function: Named, *arguments: Any) -> None:
        self.function, self.arguments = function, arguments


class Storage:
    def __init__(self, kind: str, key: str) -> None:
        self.kind, self.key = kind, key


class Pickler(pickle._Pickler):  # type: ignore[name-defined,misc]  # The one in Python can be told how to save a name.
    def persistent_id(self, thing: Any) -> Any:
        return ("storage", Named("torch", thing.kind), thing.key, "cpu", 0) if isinstance(thing, Storage) else None

    def save(self, thing: Any, save_persistent_id: bool = True) -> None:
        if isinstance(thing, Named):
            self.write(pickle.GLOBAL + f"{thing.module}\n{thing.name}\n".encode())
        elif isinstance(thing, Rebuilt):
            self.save(thing.function)
            self.save(thing.arguments)
            self.write(pickle.REDUCE)
        else:
            super().save(thing, save_persistent_id)


def tensor(key: str, shape: tuple[int, ...], strides: tuple[int, ...], offset: int = 0, kind: str = "FloatStorage") -> Rebuilt:
    function = Named("torch._utils", "_rebuild_tensor_v2")
    return Rebuilt(function, Storage(kind, key), offset, shape, strides, False, OrderedDict())


def written(folder: Path, content: Any, storages: dict[str, np.ndarray], protocol: int = 2, **extra: bytes) -> Path:
    path = folder / "model.ckpt"
    pickled = folder / "data.pkl"
    with pickled.open("wb") as file:
        Pickler(file, protocol).dump(content)
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(pickled, "archive/data.pkl")
        for key, values in storages.items():
            archive.writestr(f"archive/data/{key}", values.tobytes())
        for name, value in extra.items():
            archive.writestr(f"archive/{name}", value)
    return path


VALUES = np.arange(12, dtype="<f4")


def test_tensors_are_views_of_their_storages(tmp_path: Path) -> None:
    state = OrderedDict(
        a=tensor("0", (3, 4), (4, 1)),
        turned=tensor("0", (4, 3), (1, 4)),
        part=tensor("0", (2,), (1,), offset=10),
        count=tensor("1", (), (), kind="LongStorage"),
    )
    path = written(tmp_path, {"epoch": 3, "state_dict": state}, {"0": VALUES, "1": np.array([7], "<i8")})
    file = TorchFile(path)
    assert set(file.tensors) == set(state)
    read = file.read({name: name for name in state})
    np.testing.assert_array_equal(read["a"], VALUES.reshape(3, 4))
    np.testing.assert_array_equal(read["turned"], VALUES.reshape(3, 4).T)
    np.testing.assert_array_equal(read["part"], [10, 11])
    assert read["count"] == 7


def test_tensors_at_the_root_and_parameters_are_read_too(tmp_path: Path) -> None:
    parameter = Rebuilt(Named("torch._utils", "_rebuild_parameter"), tensor("0", (2,), (1,)), True, OrderedDict())
    file = TorchFile(written(tmp_path, OrderedDict(weight=parameter), {"0": VALUES}))
    np.testing.assert_array_equal(file.read({"w": "weight"})["w"], [0, 1])


@pytest.mark.parametrize("protocol", [2, 4])
def test_no_function_that_a_file_names_is_called(tmp_path: Path, protocol: int) -> None:
    trace = tmp_path / "called"
    calls = [
        Rebuilt(Named(os.name, "system"), f"touch {trace}"),
        Rebuilt(Named("builtins", "exec"), f"open({str(trace)!r}, 'w')"),
        Rebuilt(Named("torch", "load"), str(trace)),
        Rebuilt(Named("collections", "Counter"), [1]),
    ]
    content = {"hyper_parameters": calls, "state_dict": OrderedDict(w=tensor("0", (2,), (1,)))}
    file = TorchFile(written(tmp_path, content, {"0": VALUES}, protocol))
    np.testing.assert_array_equal(file.read({"w": "w"})["w"], [0, 1])
    assert not trace.exists()


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (tensor("0", (13,), (1,)), "beyond what is stored"),
        (tensor("0", (2,), (1,), offset=-1), "beyond what is stored"),
        (tensor("0", (2,), (-1,), offset=5), "beyond what is stored"),
        (tensor("0", (1000, 1000, 1000), (0, 0, 0)), "more values than are stored"),
        (tensor("9", (2,), (1,)), "damaged"),
        (tensor("0", (2,), (1,), kind="BFloat16Storage"), "BFloat16Storage"),
    ],
)
def test_a_tensor_that_does_not_fit_is_named(tmp_path: Path, bad: Rebuilt, message: str) -> None:
    file = TorchFile(written(tmp_path, {"state_dict": {"w": bad}}, {"0": VALUES}))
    with pytest.raises(InputError, match=message):
        file.read({"w": "w"})


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.ckpt"
    path.write_bytes(b"\x80\x02no zip")
    with pytest.raises(InputError, match="not a checkpoint of PyTorch"):
        TorchFile(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", b"")
    with pytest.raises(InputError, match="without data"):
        TorchFile(path)
    with pytest.raises(InputError, match="no tensors"):
        TorchFile(written(tmp_path, {"state_dict": {"w": 1}}, {}))
    with pytest.raises(InputError, match="big-endian"):
        TorchFile(written(tmp_path, {"w": tensor("0", (2,), (1,))}, {"0": VALUES}, byteorder=b"big"))
    with pytest.raises(InputError, match="cannot be read"):
        TorchFile(tmp_path / "absent.ckpt")
    path = written(tmp_path, {"w": tensor("0", (2,), (1,))}, {"0": VALUES})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02}q\x00X")
    with pytest.raises(InputError, match="damaged"):
        TorchFile(path)
