"""The start of quantization-aware training: a finished float run, and the options that may differ from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runtime.common.errors import InputError
from train.network.network import Defaults
from train.run.options import BATCH, Options, as_recorded, from_dict, option_name
from train.run.run_folder import RunFolder, open_run

STEPS = 200
# Highest learning rate at the default batch; it is scaled in proportion to the batch, and to the rate at which the network is
# tuned in float: a step of AdamW is as long as the rate itself.
RATE = 0.001

# Taken over from the float run. Not what depends on the length of a run, or on the machine. Not the learning rates
# either: the backbone is quantized like all else and needs the same rate, and no layer is new.
_TAKEN_OVER = (
    "batch",
    "seed",
    "photometric",
    "mosaic",
    "scale_jitter",
    "expand",
    "hue",
    "blur",
    "vflip",
    "rotate",
    "class_weights",
    "label_smoothing",
    "oversample",
    "match_iou",
    "best_anchors",
    "ema",
)
_ITS_OWN = "--qat goes on with its weights and images"
_REFUSED = {
    **dict.fromkeys(("init", "init_mirror", "format", "val", "val_split", "group_by", "redraw", "allow_bad", "strict"), _ITS_OWN),
    **dict.fromkeys(("momentum", "frozen_statistics"), "--qat folds its batch norms, whose statistics stay"),
    "mixed_precision": "--qat needs float32 to tell the steps of int8 apart",
}


def open_float(path: str) -> RunFolder:
    """The float run at `path`. Raises InputError if it is no run, has not ended, or was itself trained with --qat."""
    run = open_run(path)
    if run.quantization_file.exists():
        float_run = run.config()["task"]["float_run"]
        raise InputError(f"{path}: was trained with --qat itself; start from {float_run} again, with more --steps")
    if not run.has_ended:
        raise InputError(f"{path}: this run has not ended; go on with it first: python -m train --resume {path}")
    return run


def options(run: RunFolder, given: Mapping[str, Any]) -> Options:
    """Options of quantization-aware training from the float run `run`; `given` are those of the user.

    Batch, seed, augmentation, oversampling, matching and moving average are those of the float run, unless given.

    Raises InputError for an option that is fixed by the float run, or that does not apply here.
    """
    for name, why in _REFUSED.items():
        if name in given:
            raise InputError(f"{option_name(name)}: leave it out for {run.path}: {why}")
    if given.get("strategy") == "multi_worker":
        raise InputError("--strategy multi_worker: --qat trains on one machine")
    network = run.network()
    fixed = {"model": network.name, "size": run.size().recorded, "tiles": run.recorded_tiles}
    for name, value in fixed.items():
        if as_recorded(name, given.get(name, value)) != value:
            raise InputError(
                f"{option_name(name)} {given[name]}: {run.path} was trained with {name} {value or 'none'}, and --qat keeps it"
            )
    kept = {**fixed, **_taken_over(run.config())}
    # A network that has no backbone rate trains all layers at one rate anyway.
    ours = {"steps": STEPS} if "backbone_rate" in network.without else {"steps": STEPS, "backbone_rate": 1.0}
    values = {**ours, **kept, **given, "init": str(run.path), "qat": str(run.path)}
    rate = RATE * network.defaults.tuning_rate / Defaults().tuning_rate
    return from_dict({"rate": rate * values["batch"] / BATCH, **values}, "--qat")


def _taken_over(config: Mapping[str, Any]) -> dict[str, Any]:
    """The options that are taken over, from `config`, the contents of config.yaml."""
    data = config["task"]["train_data"]
    # Early runs have no section with their options.
    recorded = {"batch": data["global_batch_size"], **data, **(config.get("options") or {})}
    return {name: recorded[name] for name in _TAKEN_OVER if name in recorded}


def default_out(run: RunFolder) -> RunFolder:
    """The default run folder: `runs/mine-qat` for `runs/mine`."""
    return RunFolder(run.path.with_name(f"{run.path.resolve().name}-qat"))
