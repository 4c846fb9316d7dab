"""`python android/bench.py`: compare pre- and postprocessing times of the Kotlin wrapper with Python's.

The core runs on the JVM of this machine; a phone's runtime compiles the same code differently.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from runtime.common.command import run
from tests.support import android_classes, phone_bench, tensorflow_lite_c


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command."""
    return phone_bench.main("python android/bench.py", "Kotlin", build, argv)


def build() -> list[str]:
    """Compiles tests/kotlin/Bench.kt and returns the command that runs it."""
    path = android_classes.classpath()
    return ["java", f"-Djna.library.path={tensorflow_lite_c.folder()}", "-cp", path, "kit.detector.Bench"]


if __name__ == "__main__":
    run(main)
