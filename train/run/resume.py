"""Resuming a run: its options and data set, and the check that its checkpoint belongs to them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from runtime.common.errors import InputError
from train import models
from train.checkpoints import files
from train.dataset.dataset import Dataset
from train.run import options
from train.run.options import Options
from train.run.run_folder import RunFolder, fingerprint

# Options that do not change the result of a run; they may differ when it is resumed.
_CHANGEABLE = ("strategy", "tpu", "checkpoint_every", "logger", "rehash", "cache_gb", "init_mirror")


def settings(run: RunFolder, given: Mapping[str, Any]) -> Options:
    """The options that `run` was started with, and those of `given` that may be changed.

    Raises InputError if another option in `given` has a different value, or if config.yaml is damaged.
    """
    file = run.path / "config.yaml"
    values = _of(run, "options")
    started = options.from_dict(values, str(file))
    for name, value in given.items():
        before = getattr(started, name)
        if name not in _CHANGEABLE and options.as_recorded(name, value) != options.as_recorded(name, before):
            raise InputError(
                f"{options.option_name(name)}: this run was started {_differently(before, value)}; leave it out to go on with"
                f" {run.path}, or start another run"
            )
    return options.from_dict({**values, **{name: given[name] for name in _CHANGEABLE if name in given}}, str(file))


def dataset(run: RunFolder, started: Options, *data: str) -> Dataset:
    """The run's data set, from `dataset.json` or opened again from `data`, one or several.

    Raises InputError if it is not the data set that the run was started with.
    """
    known = _of(run, "data")
    found = started.open(data) if data else run.dataset()
    where = " ".join(data) if data else str(run.path / "labels.txt")
    labels = tuple(known.get("labels") or ())
    if found.labels.names != labels:
        raise InputError(
            f"{where}: the labels are {_named(found.labels.names)}, but {run.path} was trained on {_named(labels)}"
        )
    if fingerprint(found) != known.get("fingerprint"):
        where = " ".join(data) if data else str(run.path / "dataset.json")
        raise InputError(
            f"{where}: not the data set that {run.path} was trained on: images, boxes or the split differ"
        )
    return found


def identity(dataset: Dataset, started: Options) -> str:
    """The text that identifies a run in its checkpoints: labels, network, input size, and the fingerprint of the data set."""
    return json.dumps({"labels": dataset.labels.names, "model": started.model, "size": started.input_size.recorded, "data": fingerprint(dataset)})


def first_step(run: RunFolder, expected: str) -> int:
    """The training step of the run's last checkpoint; 0 if there is none.

    Raises InputError if the identity in the checkpoint is not `expected` (see `identity`).
    """
    from train.checkpoints import variables

    prefix = files.newest(run.last)
    if prefix is None:
        return 0
    stored, step = variables.value_of(prefix, "identity"), variables.value_of(prefix, "global_step")
    if not isinstance(stored, bytes) or step is None:
        raise InputError(f"{prefix}: not a checkpoint that training can go on from")
    its, ours = json.loads(stored), json.loads(expected)
    if its["labels"] != ours["labels"]:
        raise InputError(
            f"{prefix}: a checkpoint for the labels {_named(its['labels'])}, but the run's are {_named(ours['labels'])}"
        )
    # Early runs had one network.
    if its.get("model", models.DEFAULT) != ours["model"]:
        raise InputError(f"{prefix}: a checkpoint of {its['model']}, but the run's network is {ours['model']}")
    if its["size"] != ours["size"]:
        raise InputError(f"{prefix}: a checkpoint of size {its['size']}, but the run's size is {ours['size']}")
    if its["data"] != ours["data"]:
        raise InputError(f"{prefix}: a checkpoint of a run on another data set, though with the same labels")
    return int(step)


def config_sections(dataset: Dataset, started: Options) -> dict[str, Any]:
    """The sections of config.yaml that are needed to resume a run."""
    labels = list(dataset.labels.names)
    data = {"name": dataset.name, "labels": labels, "fingerprint": fingerprint(dataset)}
    return {"data": data, "options": options.as_dict(started)}


def _of(run: RunFolder, section: str) -> Mapping[str, Any]:
    config = run.config()
    found = config.get(section) if isinstance(config, Mapping) else None
    if not isinstance(found, Mapping):
        raise InputError(f"{run.path / 'config.yaml'}: it has no section {section}, so that this run cannot be resumed")
    return found


def _differently(before: Any, value: Any) -> str:
    if isinstance(value, bool):
        return "without it"
    return f"with {'the default' if before is None else before}, not with {value}"


def _named(labels: Iterable[str]) -> str:
    return ", ".join(labels)
