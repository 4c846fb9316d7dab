"""Training: from labelled images to a checkpoint.

    from train import open_dataset, train
    run = train(open_dataset("data"), steps=1000)

The rooms, each of which imports only from those before it: `files`, `pages`, `dataset`, `models`, `checkpoints`,
`evaluation`, `augment`, `quantization`, `records`, `sample_data`, `check`, `run`, `report`, `loggers`, `training`,
`notebook`. The commands lie beside them.

The names in `__all__` are imported when they are first used, so that `import train` imports nothing else. TensorFlow is
imported by the modules that need it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runtime.common.errors import InputError, KitError
    from train.dataset.dataset import Dataset, Example, LabelledBox, open_dataset
    from train.loggers import Logger
    from train.notebook.run import Run, open_run
    from train.notebook.training import train

_MODULES = {
    "Dataset": "train.dataset.dataset",
    "Example": "train.dataset.dataset",
    "InputError": "runtime.common.errors",
    "KitError": "runtime.common.errors",
    "LabelledBox": "train.dataset.dataset",
    "Logger": "train.loggers",
    "Run": "train.notebook.run",
    "open_dataset": "train.dataset.dataset",
    "open_run": "train.notebook.run",
    "train": "train.notebook.training",
}

__all__ = [
    "Dataset", "Example", "InputError", "KitError", "LabelledBox", "Logger", "Run", "open_dataset", "open_run", "train",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'train' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
