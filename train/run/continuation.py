"""The start of a run that goes on from an earlier one with more data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runtime.common.errors import InputError
from train.run.options import Options, from_dict
from train.run.run_folder import RunFolder, open_run


def open_earlier(path: str) -> RunFolder:
    """The run at `path` to go on from.

    Raises InputError if it is no run, has not ended, has no best checkpoint, or was trained with --qat.
    """
    run = open_run(path)
    if run.quantization_file.exists():
        source = run.config()["task"]["float_run"]
        raise InputError(f"{path}: was trained with --qat; go on from its float run, with --from {source}, and then --qat")
    if not run.has_ended:
        raise InputError(f"{path}: this run has not ended; go on with it first: python -m train --resume {path}")
    if not any(run.best.glob("*.index")):
        raise InputError(f"{run.best}: no checkpoint here, and --from begins with it; give a run that has one")
    return run


def options(path: str, given: Mapping[str, Any]) -> Options:
    """Options of a run that goes on from the one at `path`; `given` are those of the user.

    The network is that of the earlier run, its size and tiles too unless they are given, the tiles "none" for whole images;
    statistics that were fixed stay fixed.
    Raises InputError as `open_earlier` does, for invalid options, and for those that contradict.
    """
    run = open_earlier(path)
    for name, why in (("init", "begins with the weights of RUN"), ("qat", "trains in float; tune the new run afterwards")):
        if given.get(name) is not None:
            raise InputError(f"--{name}: leave it out with --from {path}, which {why}")
    network = run.network().name
    if given.get("model", network) != network:
        raise InputError(
            f"--model {given['model']}: {path} is a run of {network}, and --from keeps its network; leave out --model, or"
            " start without --from"
        )
    kept: dict[str, Any] = {"model": network, "init": str(run.path), "from_run": path}
    if run.config()["task"].get("frozen_statistics"):
        kept["frozen_statistics"] = True
    return from_dict({"size": run.size().recorded, "tiles": run.recorded_tiles, **given, **kept}, "--from")
