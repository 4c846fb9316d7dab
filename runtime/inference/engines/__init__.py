"""Engines: the ways to run a model, one file for each. Uses `common`, `machine` and `model`.

A module of this package defines

    KIND: str                              its name in messages: "the Edge TPU"
    RANK: int                              `auto` tries the lowest first
    unfit(model, request) -> str           the reason why it cannot run this file here, optionally followed by a comma
                                           and advice; empty where it can
    load(path, request) -> Engine          loads the file; raises KitError, or InputError for a wrong request

and is found because it lies here; no other file changes. `Engine.native` has the interface of TFLite's Python
`Interpreter`.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, List, Tuple, Union

from runtime.common import plugins
from runtime.common.errors import InputError, KitError
from runtime.model.tflite import Model

AUTO = "auto"

# The operation into which the Edge TPU's compiler puts the part that the chip runs.
COMPILED = "edgetpu-custom-op"


@dataclass(frozen=True)
class Request:
    """How to run a model.

    `engine` is the name of a module of this package, or `auto`. `device` is the name of a device for that engine, such
    as `usb:0`; empty for any. `threads` is the number of threads of the interpreter. With `fallback`, the int8 file
    beside a file for the Edge TPU is run where no Edge TPU can be used.
    """

    engine: str = AUTO
    device: str = ""
    threads: int = 2
    fallback: bool = False


@dataclass(frozen=True)
class Engine:
    """A loaded model.

    `native` is the interpreter, with its tensors allocated; `path` is the file that was loaded; `package` is the pip
    name of the interpreter's package; `what` describes in words what runs the model; `notes` are messages for the
    user, one line each; `name` is the name of the engine's module.
    """

    native: Any
    path: str
    package: str
    what: str
    name: str = ""
    notes: Tuple[str, ...] = ()


def names() -> List[str]:
    """The values that `Request.engine` may have."""
    return [AUTO, *(plugins.name_of(module) for module in _modules())]


def open_engine(path: Union[str, os.PathLike[str]], request: Request = Request()) -> Engine:
    """Loads the model at `path` with the requested engine; with `auto`, the best engine that works.

    Raises InputError where `path` is not a model or the request is wrong, KitError where the engine cannot work on
    this machine.
    """
    model = Model.read(path)
    try:
        return _open(model, request)
    except InputError:
        raise
    except KitError as error:
        if not (is_compiled(model) and request.fallback):
            raise _with_advice(model, error) from error
        return _fall_back(model, request, str(error))


def is_compiled(model: Model) -> bool:
    """Whether this file was written by the Edge TPU's compiler."""
    return any(step.custom_name == COMPILED for step in model.main.operators)


def int8_beside(path: str) -> Path:
    """The path of the int8 file that a compiled file was made from; the compiler leaves it in the same folder."""
    compiled = Path(path)
    return compiled.with_name(compiled.name.replace("_edgetpu", ""))


def _modules() -> List[ModuleType]:
    return sorted(plugins.modules(sys.modules[__name__]), key=lambda module: module.RANK)


def _open(model: Model, request: Request) -> Engine:
    if request.engine not in names():
        raise InputError(f"--engine: there is no {request.engine!r}; give one of {', '.join(names())}")
    if request.engine != AUTO:
        (module,) = (found for found in _modules() if plugins.name_of(found) == request.engine)
        reason = module.unfit(model, request)
        if reason:
            raise InputError(f"{model.where}: {plugins.name_of(module)}: {reason}")
        return _load(module, model, request)
    # Reasons why the engines before the chosen one were not: those that cannot run this file here, and those that
    # should work but failed.
    unfit, failed = [], []
    for module in _modules():
        reason = module.unfit(model, request)
        if reason:
            # The advice after the comma is for users who asked for this engine.
            unfit.append(f"{plugins.name_of(module)}: {reason.partition(',')[0]}")
            continue
        try:
            engine = _load(module, model, request)
        except InputError:
            raise
        except KitError as error:
            failed.append(f"{plugins.name_of(module)}: {error}")
            continue
        why = f" ({'; '.join(unfit)})" if unfit else ""
        return replace(engine, what=engine.what + why, notes=(*failed, *engine.notes))
    raise KitError("; ".join(failed or unfit))


def _load(module: ModuleType, model: Model, request: Request) -> Engine:
    engine: Engine = module.load(model.where, request)
    return replace(engine, name=plugins.name_of(module))


def _fall_back(model: Model, request: Request, reason: str) -> Engine:
    beside = int8_beside(model.where)
    if beside == Path(model.where) or not beside.is_file():
        raise KitError(f"{reason}; and there is no {beside.name} beside {model.where} to fall back on")
    engine = open_engine(beside, replace(request, engine=AUTO, device="", fallback=False))
    return replace(engine, notes=(f"{reason}; fell back on {beside}", *engine.notes))


def _with_advice(model: Model, error: KitError) -> KitError:
    beside = int8_beside(model.where)
    if not is_compiled(model) or beside == Path(model.where) or not beside.is_file():
        return error
    return KitError(f"{error}; or run {beside} on the CPU, which --fallback does by itself")
