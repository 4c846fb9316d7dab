"""Runs that were not trained: a folder with the data set, the labels and the settings of one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from train import open_dataset
from train.run.run_folder import RunFolder


def small_run(folder: Path, data: Path, size: int = 320, **options: Any) -> RunFolder:
    """A run in `folder` on the data set at `data`; the options are those of `open_dataset`."""
    run = RunFolder(folder)
    run.write_dataset(open_dataset(data, **options))
    run.write_config({"task": {"size": size}, "data": {"name": data.name}, "options": options})
    return run


def make_old(run: RunFolder) -> RunFolder:
    """Takes out of `dataset.json` what early versions did not write."""
    file = run.path / "dataset.json"
    content = json.loads(file.read_text())
    del content["test"]
    for item in (*content["train"], *content["validation"]):
        del item["content"]
    file.write_text(json.dumps(content))
    return run
