"""Whether what the runtime needs can be imported: an interpreter, NumPy, OpenCV."""

from __future__ import annotations

from importlib import import_module, metadata
from typing import Iterable, Optional

from devices.doctor.checks import Finding, HostUnderTest, failure, ok, warning
from runtime.machine.interpreter_packages import PACKAGES

TITLE = "the packages that the runtime needs"
RANK = 30
SECONDS = 60.0
LIVE = True

OPENCV = ("opencv-python", "opencv-python-headless")


def check(under_test: HostUnderTest) -> Iterable[Finding]:
    """Imports NumPy, OpenCV and an interpreter."""
    for name, package in (("numpy", "numpy"), ("cv2", "opencv-python-headless")):
        try:
            module = import_module(name)
        except Exception as error:
            again = "--force-reinstall " if _version(package) else ""
            yield failure(f"{name} cannot be imported: {_line(error)}", f"pip install {again}{package}")
        else:
            yield ok(f"{name} {module.__version__}")
    yield from _interpreter()
    if all(_version(package) for package in OPENCV):
        yield warning(
            f"{' and '.join(OPENCV)} are both installed, and overwrite each other's files",
            f"pip uninstall {' '.join(OPENCV)}; then pip install opencv-python-headless",
        )


def _interpreter() -> Iterable[Finding]:
    broken, works = [], ""
    # Those behind the first that works need no look: the runtime does not take them.
    for module, package in PACKAGES:
        if _version(package) is None:
            continue
        try:
            import_module(module)
        except Exception as error:
            broken.append(f"{package} {_version(package)} cannot be imported: {_line(error)}")
        else:
            works = package
            break
    for line in broken:
        yield (warning if works else failure)(line, _advice(line))
    if not works:
        if not broken:
            yield failure("no interpreter for .tflite files is installed", "pip install ai-edge-litert")
    elif works == "tensorflow":
        yield warning(f"tensorflow {_version(works)}: takes seconds to import", "pip install ai-edge-litert")
    else:
        yield ok(f"{works} {_version(works)}")


def _advice(line: str) -> str:
    # tflite-runtime's last builds are for NumPy 1 (LiteRT issue 71).
    if line.startswith("tflite-runtime") and ("numpy" in line.lower() or "_ARRAY_API" in line):
        return "pip install 'numpy<2'"
    return f"pip install --force-reinstall {line.split()[0]}"


def _version(package: str) -> Optional[str]:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
