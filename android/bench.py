"""`python android/bench.py`: the time of Kotlin's work around the model against Python's, for the same frames.

Runs the core on the JVM here; a phone's runtime compiles the same code otherwise.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from runtime.common.command import run  # noqa: E402
from runtime.common.options import positive  # noqa: E402
from tests.support import android_classes, kotlin_compiler, tensorflow_lite_c  # noqa: E402
from tests.support.phone_bench import table  # noqa: E402


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python android/bench.py", description=__doc__.partition(": ")[2])
    parser.add_argument("models", nargs="*", type=Path, metavar="FILE", help="detectors (default: those of tests/golden)")
    parser.add_argument("--rounds", type=positive, default=5, metavar="N", help="turns of each language (default 5)")
    parser.add_argument("--frames", type=positive, default=40, metavar="N", help="frames in a turn (default 40)")
    arguments = parser.parse_args(argv)
    models = arguments.models or sorted((ROOT / "tests" / "golden").glob("*.tflite"))
    try:
        print(table("Kotlin", program(), models, arguments.rounds, arguments.frames))
    except (kotlin_compiler.Unavailable, tensorflow_lite_c.Unavailable) as reason:
        sys.exit(f"error: {reason}")
    return 0


def program() -> list[str]:
    """The command that runs tests/kotlin/Bench.kt, compiled first."""
    path = android_classes.classpath()
    return ["java", f"-Djna.library.path={tensorflow_lite_c.folder()}", "-cp", path, "kit.detector.Bench"]


if __name__ == "__main__":
    run(main)
