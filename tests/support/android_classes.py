"""The wrapper for Android, compiled for the JVM: the core, its tests, the Android layer and the app's logic.

All at once, since starting the compiler takes longest. What needs Android's SDK is compiled against
tests/android_declarations, by hand: names and types fit what those say.
"""

from __future__ import annotations

import os
from pathlib import Path

from tests.support import kotlin_compiler
from tests.support.paths import ROOT

CORE = ROOT / "android" / "detector" / "src" / "main" / "kotlin" / "kit" / "detector"
APP = ROOT / "android" / "app" / "src" / "main"
TESTS = ROOT / "tests" / "kotlin"


def folder() -> Path:
    """The folder of classes. Raises kotlin_compiler.Unavailable or CompilerError."""
    app = [APP / "kotlin" / "kit" / "app" / f"{name}.kt" for name in ("Camera", "DetectionSession", "ModelLibrary")]
    declarations = (ROOT / "tests" / "android_declarations").rglob("*.java")
    sources = [*CORE.rglob("*.kt"), *TESTS.glob("*.kt"), *app, *declarations]
    return kotlin_compiler.compiled(sources, [*kotlin_compiler.classpath(), kotlin_compiler.coroutines()])


def classpath() -> str:
    """What `java -cp` takes to run the core and its tests."""
    return os.pathsep.join(map(str, [folder(), *kotlin_compiler.classpath()]))
