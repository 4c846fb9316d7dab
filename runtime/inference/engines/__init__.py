"""What runs a model. One file a kind of engine.

A module of this package offers

    KIND: str                              what it is, for messages: "the Edge TPU"
    RANK: int                              `auto` tries the lowest first
    unfit(model, request) -> str           why it cannot run this file here, then maybe a comma and
                                           advice; empty where it may
    load(path, request) -> Engine          raises KitError, or InputError for what the user asked for

and is found by being here: adding an engine touches no other file. What it loads has the surface of
TFLite's Python `Interpreter`.
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

# The operation that the Edge TPU's compiler puts in place of what the chip takes over.
COMPILED = "edgetpu-custom-op"


@dataclass(frozen=True)
class Request:
    """What the user asks for.

    `engine` is the name of a module here, or `auto`. `device` is what that engine understands by it,
    such as `usb:0`; empty for any. With `fallback`, a file for the Edge TPU may be replaced by the
    int8 file beside it where there is no chip.
    """

    engine: str = AUTO
    device: str = ""
    threads: int = 2
    fallback: bool = False


@dataclass(frozen=True)
class Engine:
    """A loaded model. `native` has its tensors allocated; `path` is the file that was loaded.

    `package` is what pip calls the interpreter; `what` says in words what runs the model; `notes`
    are what the user should know, one line each.
    """

    native: Any
    path: str
    package: str
    what: str
    name: str = ""
    notes: Tuple[str, ...] = ()


def names() -> List[str]:
    """What `Request.engine` may be."""
    return [AUTO, *(plugins.name_of(module) for module in _modules())]


def open_engine(path: Union[str, os.PathLike], request: Request = Request()) -> Engine:
    """Loads the model at `path` with the engine asked for; with `auto`, with the best that works.

    Raises InputError where `path` is no model, or the request makes no sense; KitError where the
    engine cannot work here.
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
    """Whether the Edge TPU's compiler has made this file."""
    return any(step.custom_name == COMPILED for step in model.main.operators)


def int8_beside(path: str) -> Path:
    """The file that a compiled one was made of, which by the compiler's habit lies beside it."""
    place = Path(path)
    return place.with_name(place.name.replace("_edgetpu", ""))


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
    # Why each engine before the one that is taken was not: those that do not fit this file or this
    # machine, and those that should work and do not.
    unfit, failed = [], []
    for module in _modules():
        reason = module.unfit(model, request)
        if reason:
            # What follows the comma is advice for those who asked for just that engine.
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
    return replace(module.load(model.where, request), name=plugins.name_of(module))


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
