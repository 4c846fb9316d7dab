"""TensorFlow Lite's C library for Linux, to test the phone wrappers with.

The library is not published on its own for Linux; it comes from the wheel of a wake-word package (Apache-2.0),
which is downloaded once and cached. `python tests/support/tensorflow_lite_c.py` prints the folder.
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
# The wheel's own models, sound classifiers: examples of files that are no detectors.
CLASSIFIERS = "models"


def folder() -> Path:
    """The folder with the library and the folder of classifiers. Raises Unavailable."""
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
            place = None
            if name.endswith(f"/{LIBRARY}"):
                place = target / LIBRARY
            elif name.endswith(".tflite"):
                place = target / CLASSIFIERS / Path(name).name
            if place is not None:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(archive.read(name))
    if not (target / LIBRARY).exists():
        raise Unavailable(f"{wheel.name} holds no {LIBRARY}")


if __name__ == "__main__":
    try:
        print(folder())
    except Unavailable as reason:
        sys.exit(f"error: {reason}")
