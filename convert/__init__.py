"""Converts checkpoints to .tflite detectors that keep their accuracy and work in every consumer.

    from convert import convert, evaluate
    files = convert("runs/NAME", int8=True, fp16=True)
    evaluate(files["int8"].path)

python -m convert --int8 --fp16              the newest run under runs/
python -m convert.evaluate FILE DATA         COCO AP of a file, a run or a checkpoint
python -m convert.benchmark RUN              size, AP and speed of each file of a run
python -m convert.quantization_report RUN    where int8 loses accuracy, layer by layer
python -m convert.inspect FILE               what a file holds, and in which consumers it works
python -m convert.edgetpu FILE               an int8 file compiled for the Edge TPU

The rooms follow the way of a file: `quantize` turns the float graph into an int8 one, `file` writes the
.tflite, `contract` says what every file must fulfill, `evaluation` measures it, and `export` does all of
that for an export folder. `inspect` and `edgetpu` work on files that exist, and `notebook` is for programs.

The names in `__all__` are imported when they are first used, so that `import convert` imports nothing else.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from convert.evaluate import evaluate
    from convert.notebook.conversion import convert
    from convert.notebook.results import Evaluation, Export, ExportedFile
    from runtime.common.errors import InputError, KitError

_MODULES = {
    "Evaluation": "convert.notebook.results",
    "Export": "convert.notebook.results",
    "ExportedFile": "convert.notebook.results",
    "InputError": "runtime.common.errors",
    "KitError": "runtime.common.errors",
    "convert": "convert.notebook.conversion",
}

__all__ = ["Evaluation", "Export", "ExportedFile", "InputError", "KitError", "convert", "evaluate"]


def __getattr__(name: str) -> Any:
    if name == "evaluate":
        # The module of the command, which Python keeps under this name. A call of it calls the function.
        return import_module("convert.evaluate")
    if name not in _MODULES:
        raise AttributeError(f"module 'convert' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
