"""The two models of a soak whose frames are those of `street`: built in another process, since TensorFlow stays where it is."""

from __future__ import annotations

import functools
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Tuple

from tests.support.paths import ROOT

_BUILD = """
import sys
from pathlib import Path
from tests.support import small_detector

built = small_detector._built()
Path(sys.argv[1], "first").write_bytes(built.int8)
Path(sys.argv[1], "second").write_bytes(built.fp16)
"""


def first() -> bytes:
    """The detector that counts: red, green and blue squares, int8."""
    return _both()[0]


def second() -> bytes:
    """The same network in float16, which does not always agree."""
    return _both()[1]


@functools.lru_cache(maxsize=1)
def _both() -> Tuple[bytes, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-c", _BUILD, folder], cwd=ROOT, check=True, capture_output=True)
        return (Path(folder, "first").read_bytes(), Path(folder, "second").read_bytes())
