"""Compiles an int8 detector for the Edge TPU, or predicts without the compiler how much of it would be mapped."""

from __future__ import annotations

import argparse
import json
from typing import Any, Optional, Sequence

from convert.edgetpu import prediction
from convert.edgetpu.compilation import add_options, compile_file, finish
from convert.edgetpu.result import as_text
from runtime.common.command import run
from runtime.model.tflite import Model

_EXAMPLES = """examples:
  python -m convert.edgetpu detector_int8.tflite             run edgetpu_compiler, which must be installed
  python -m convert.edgetpu --check detector_int8.tflite     predict the result, without the compiler
  python -m convert.edgetpu --finish LOG FILE                complete a FILE that was compiled elsewhere
"""


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Runs the command; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m convert.edgetpu",
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE", help="an int8 .tflite file; with --finish, the compiled file")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="predict which operations would be mapped; compile nothing")
    mode.add_argument(
        "--finish",
        metavar="LOG",
        help="check FILE, which was compiled on another machine with the report LOG, add its metadata and put "
        "it into the export folder",
    )
    parser.add_argument(
        "--export",
        metavar="DIR",
        help="export folder for --finish (default: the folder of FILE, else the newest runs/*/export)",
    )
    add_options(parser.add_argument_group("compiler"))
    options = parser.parse_args(argv)
    if options.check:
        predicted = prediction.predict(Model.read(options.file))
        _print(options.json, prediction.as_dict(predicted), prediction.as_text(predicted))
        return 0
    if options.finish:
        compiled = finish(
            options.finish, options.file, export=options.export, min_mapped=options.min_mapped
        )
    else:
        compiled = compile_file(
            options.file,
            compiler=options.edgetpu_compiler,
            min_mapped=options.min_mapped,
            timeout=options.edgetpu_timeout,
        )
    _print(options.json, compiled.as_dict(), as_text(compiled))
    return 0


def _print(as_json: bool, facts: dict[str, Any], text: str) -> None:
    print(json.dumps(facts, indent=1) if as_json else text)


if __name__ == "__main__":
    run(main)
