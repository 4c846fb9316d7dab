"""Compiles the wrapper for Android for the JVM, each Gradle module for itself: it sees what its dependencies have in `api`.

Sources that need Android's SDK, AndroidX, Compose or LiteRT are compiled against the hand-written declarations in
tests/android_declarations.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from tests.support import kotlin_compiler
from tests.support.paths import ROOT

ANDROID = ROOT / "android"
CORE = ANDROID / "detector" / "src" / "main" / "kotlin" / "kit" / "detector"
APP = ANDROID / "app" / "src" / "main"
LOGIC = APP / "kotlin" / "kit" / "app" / "logic"
TESTS = ROOT / "tests" / "kotlin"
DECLARATIONS = ROOT / "tests" / "android_declarations"

# The declarations that only some modules see: those of what is `implementation` in their build files.
LITERT_1 = DECLARATIONS / "org" / "tensorflow"
LITERT_2 = DECLARATIONS / "com" / "google" / "ai"
COMPOSE = DECLARATIONS / "compose"

_LIBRARY = ("-Xexplicit-api=strict",)


def detector() -> Path:
    """The classes of `:detector`. Like all below, raises kotlin_compiler.Unavailable or CompilerError."""
    return _compiled([*CORE.rglob("*.kt"), *_platform()], options=_LIBRARY)


def litert() -> Path:
    """The classes of `:litert`."""
    return _compiled([*_sources("litert"), *_platform(), *LITERT_1.rglob("*.java")], [detector()], _LIBRARY)


def compiled_model() -> Path:
    """The classes of `:compiled`, without explicit API mode, since its declarations are Kotlin."""
    return _compiled([*_sources("compiled"), *_platform(), *LITERT_2.rglob("*.kt")], [detector()])


def app() -> Path:
    """The classes of `:app` in its flavor `interpreter`."""
    flavor = ANDROID / "app" / "src" / "interpreter"
    return _with_resources([*APP.rglob("*.kt"), *flavor.rglob("*.kt"), *_platform(), *COMPOSE.rglob("*.kt")], [detector(), litert()])


def users(sources: Sequence[Path]) -> Path:
    """The classes of `sources` of an app that depends on all libraries, and of the app's flavor `compiledModel`."""
    flavor = ANDROID / "app" / "src" / "compiledModel"
    return _compiled([*flavor.rglob("*.kt"), *sources, *_platform()], [detector(), litert(), compiled_model()])


def tests() -> Path:
    """The classes of tests/kotlin, which see the internals of `:detector`, and those of the app that need no Android."""
    core = detector()
    return _compiled([*TESTS.rglob("*.kt"), *LOGIC.rglob("*.kt")], [core], [f"-Xfriend-paths={core}"])


def classpath() -> str:
    """The class path for running the core and its tests with `java -cp`."""
    return os.pathsep.join(map(str, [detector(), tests(), *kotlin_compiler.classpath(), kotlin_compiler.coroutines()]))


def string_names() -> list[str]:
    """The names of the app's strings."""
    return [str(entry.get("name")) for entry in ElementTree.parse(APP / "res" / "values" / "strings.xml").getroot()]


def _sources(module: str) -> list[Path]:
    return list((ANDROID / module / "src" / "main").rglob("*.kt"))


def _platform() -> list[Path]:
    hidden = (LITERT_1, LITERT_2)
    return [path for path in DECLARATIONS.rglob("*.java") if not any(folder in path.parents for folder in hidden)]


def _compiled(sources: Sequence[Path], modules: Sequence[Path] = (), options: Sequence[str] = ()) -> Path:
    libraries = [*modules, *kotlin_compiler.classpath(), kotlin_compiler.coroutines()]
    return kotlin_compiler.compiled(sources, libraries, options)


def _with_resources(sources: Sequence[Path], modules: Sequence[Path]) -> Path:
    """Compiles `sources` together with the class R that Android's tools make of the app's strings."""
    with tempfile.TemporaryDirectory() as folder:
        constants = "".join(f"public static final int {name} = {at};\n" for at, name in enumerate(string_names()))
        resources = Path(folder) / "R.java"
        resources.write_text(
            f"package kit.app;\npublic final class R {{\npublic static final class string {{\n{constants}}}\n}}\n", encoding="utf-8"
        )
        return _compiled([*sources, resources], modules)
