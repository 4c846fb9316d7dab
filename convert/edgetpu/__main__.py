"""Compiles an int8 detector for the Edge TPU, predicts what would map, or takes in what was compiled elsewhere.

python -m convert.edgetpu FILE                 run edgetpu_compiler
python -m convert.edgetpu --check FILE         predict from the rules, without the compiler
python -m convert.edgetpu --finish LOG FILE    FILE and LOG come from the compiler elsewhere
"""

from __future__ import annotations

import argparse
import json
from typing import Any, Optional, Sequence

from convert.edgetpu import prediction as edgetpu_check
from convert.edgetpu.compilation import add_options, compile_file, finish
from convert.edgetpu.result import as_text
from runtime.common.command import run
from runtime.model.tflite import Model


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m convert.edgetpu",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", help="an int8 .tflite; with --finish the compiled one")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="predict only")
    mode.add_argument("--finish", metavar="LOG", help="take in a compiled file and its report")
    parser.add_argument("--export", metavar="DIR", help="with --finish: the export folder")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_options(parser)
    options = parser.parse_args(argv)
    if options.check:
        prediction = edgetpu_check.predict(Model.read(options.file))
        _print(options.json, edgetpu_check.as_dict(prediction), edgetpu_check.as_text(prediction))
        return 0
    if options.finish:
        done = finish(
            options.finish, options.file, export=options.export, min_mapped=options.min_mapped
        )
    else:
        done = compile_file(
            options.file,
            compiler=options.edgetpu_compiler,
            min_mapped=options.min_mapped,
            timeout=options.edgetpu_timeout,
        )
    _print(options.json, done.as_dict(), as_text(done))
    return 0


def _print(as_json: bool, facts: dict[str, Any], text: str) -> None:
    print(json.dumps(facts, indent=1) if as_json else text)


if __name__ == "__main__":
    run(main)
