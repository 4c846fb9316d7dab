"""Compiles the wrapper for Android for the JVM: the core, its tests, the Android layer and the app's logic.

All sources are compiled in one go, since starting the compiler takes longest. Sources that need Android's SDK are
compiled against the hand-written declarations in tests/android_declarations.
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
    """The folder of compiled classes. Raises kotlin_compiler.Unavailable or CompilerError."""
    app = [APP / "kotlin" / "kit" / "app" / f"{name}.kt" for name in ("Camera", "DetectionSession", "ModelLibrary")]
    declarations = (ROOT / "tests" / "android_declarations").rglob("*.java")
    sources = [*CORE.rglob("*.kt"), *TESTS.rglob("*.kt"), *app, *declarations]
    return kotlin_compiler.compiled(sources, [*kotlin_compiler.classpath(), kotlin_compiler.coroutines()])


def classpath() -> str:
    """The class path for running the core and its tests with `java -cp`."""
    return os.pathsep.join(map(str, [folder(), *kotlin_compiler.classpath()]))
