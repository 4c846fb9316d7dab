"""TensorFlow Lite's C library for Linux, for the tests of the wrappers for phones.

The library is not published separately for Linux. It comes from the wheel of a package for wake words, licensed under
Apache-2.0, which is downloaded once and kept in the cache. `python -m tests.support.tensorflow_lite_c` prints the folder.
"""

from __future__ import annotations

import os
import sys
import zipfile
from pathlib import Path

from tests.support.locks import cached
from tests.support.wheel_download import Unavailable, download

WHEEL = "pymicro-wakeword==2.5.0"
LIBRARY = "libtensorflowlite_c.so"
# The folder of the wheel's models: sound classifiers, which are not detectors.
CLASSIFIERS = "models"


def folder() -> Path:
    """The folder of the library, with the folder CLASSIFIERS in it. Raises Unavailable."""
    if not sys.platform.startswith("linux"):
        raise Unavailable(f"the library is for Linux, this is {sys.platform}")
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "edge-detection-kit"
    return cached(cache / "tensorflow-lite-c" / WHEEL.replace("==", "-"), _fetch)


def _fetch(folder: Path) -> Path:
    _unpack(download(WHEEL, folder), folder / "unpacked")
    return folder / "unpacked"


def _unpack(wheel: Path, target: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            path = None
            if name.endswith(f"/{LIBRARY}"):
                path = target / LIBRARY
            elif name.endswith(".tflite"):
                path = target / CLASSIFIERS / Path(name).name
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(archive.read(name))
    if not (target / LIBRARY).exists():
        raise Unavailable(f"{wheel.name} has no {LIBRARY}")


if __name__ == "__main__":
    try:
        print(folder())
    except Unavailable as reason:
        sys.exit(f"error: {reason}")
