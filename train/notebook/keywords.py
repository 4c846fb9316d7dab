"""The keyword arguments of `train`: the fields of `train.run.options.Options`, none of them required.

`Options` is their one source, with their meaning, defaults and checks. Type checkers cannot read it, so that names and
types are repeated here; a test compares them.
"""

from __future__ import annotations

import dataclasses
import inspect
import os
from collections.abc import Callable, Mapping
from typing import Any, TypedDict, TypeVar

from train.run.options import Options

_Function = TypeVar("_Function", bound=Callable[..., Any])


class Keywords(TypedDict, total=False):
    """The options of a run by name; paths may be path objects too."""

    steps: int
    epochs: float | None
    batch: int
    model: str
    size: int | str | None
    tiles: str | None
    seed: int
    init: str | os.PathLike[str]
    init_mirror: str | os.PathLike[str] | None
    format: str | None
    classes: str | os.PathLike[str] | None
    val: str | os.PathLike[str] | None
    val_split: float
    group_by: str
    redraw: bool
    allow_bad: float | None
    strict: bool
    photometric: bool
    mosaic: float
    scale_jitter: float
    expand: float
    hue: float
    blur: float
    vflip: float
    rotate: float
    oversample: float
    rate: float | None
    momentum: float | None
    frozen_statistics: bool
    backbone_rate: float | None
    head_steps: int
    class_weights: str | None
    label_smoothing: float
    match_iou: float
    best_anchors: int
    ema: float | None
    mixed_precision: bool
    validate_every: int | None
    patience: int | None
    checkpoint_every: int | None
    rehash: bool
    cache_gb: float
    strategy: str | None
    tpu: str
    logger: str | None
    from_run: str | os.PathLike[str] | None
    qat: str | os.PathLike[str] | None


def plain(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options `given` with paths as text, as `Options` has them."""
    return {name: os.fspath(value) if isinstance(value, os.PathLike) else value for name, value in given.items()}


def listed(function: _Function) -> _Function:
    """`function`, whose signature lists the options in place of `**options`, so that notebooks complete and show them."""
    signature = inspect.signature(function)
    own = [item for item in signature.parameters.values() if item.kind is not inspect.Parameter.VAR_KEYWORD]
    options = [
        inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=field.type)
        for field in dataclasses.fields(Options)
    ]
    vars(function)["__signature__"] = signature.replace(parameters=[*own, *options])
    return function
