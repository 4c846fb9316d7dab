"""Says what is in a detection .tflite, the kit's or not, and where it works.

python -m convert.inspect FILE [--json]
"""

from __future__ import annotations

import argparse
import json
from typing import Optional, Sequence

from convert.inspect.inspection import as_dict, inspect
from convert.inspect.text import as_text
from runtime.common.command import run
from runtime.model.tflite import Model


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m convert.inspect", description=__doc__)
    parser.add_argument("file", help="a .tflite")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(argv)
    found = inspect(Model.read(options.file))
    print(json.dumps(as_dict(found), indent=1) if options.json else as_text(found))
    return 0


if __name__ == "__main__":
    run(main)
