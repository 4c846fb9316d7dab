"""Describes a detection .tflite, made by the kit or not, and says in which consumers it works."""

from __future__ import annotations

import argparse
import json
from typing import Optional, Sequence

from convert.inspect.inspection import as_dict, inspect
from convert.inspect.text import as_text
from runtime.common.command import run
from runtime.model.tflite import Model

_EXAMPLES = """example:
  python -m convert.inspect runs/NAME/export/detector_int8.tflite
"""


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Runs the command; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m convert.inspect",
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE", help="a .tflite file")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(argv)
    inspection = inspect(Model.read(options.file))
    print(json.dumps(as_dict(inspection), indent=1) if options.json else as_text(inspection))
    return 0


if __name__ == "__main__":
    run(main)
