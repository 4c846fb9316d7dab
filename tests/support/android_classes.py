"""Compiles the Android wrapper for the JVM: the core, its tests, the Android layer and the app's logic.

Everything is compiled at once, since most of the time goes into starting the compiler. Code that needs
Android's SDK is compiled against tests/android_declarations, hand-written declarations of the classes it uses.
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
    sources = [*CORE.rglob("*.kt"), *TESTS.glob("*.kt"), *app, *declarations]
    return kotlin_compiler.compiled(sources, [*kotlin_compiler.classpath(), kotlin_compiler.coroutines()])


def classpath() -> str:
    """The class path, as `java -cp` takes it, to run the core and its tests."""
    return os.pathsep.join(map(str, [folder(), *kotlin_compiler.classpath()]))
