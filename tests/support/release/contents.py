"""What must be in the wheel and in the sdist, and what must not."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import PurePosixPath
from typing import Dict, Iterable, List, Mapping, Set

# What the packages are useless without, as a list of its own: git could have lost a file as well as the wheel.
NEEDED = (
    "convert/py.typed", "devices/py.typed", "runtime/py.typed", "train/py.typed",
    "runtime/web/page/index.html", "runtime/web/page/app.js", "runtime/web/page/token.html",
    "runtime/sources/v4l2.py", "runtime/sinks/mqtt.py", "runtime/filters/track.py", "runtime/inference/engines/cpu.py",
    "runtime/inference/decoders/raw_head.py",
    "train/pages/style.css", "train/models/ssd_mobilenet_v2_fpnlite.py", "train/dataset/formats/coco.py",
    "train/dataset/writers/yolo.py", "train/loggers/mlflow.py", "train/check/checks/boxes.py",
    "train/warm_start/ckpt-0.index", "train/warm_start/ckpt-0.data-00000-of-00001",
    "devices/boards/profiles/raspberry-pi-5.yaml", "devices/doctor/checks/board.py", "devices/install/steps/service.py",
    "devices/selftest/golden/detector_int8.tflite", "devices/selftest/golden/golden.json",
)  # fmt: skip
METADATA = {"METADATA", "WHEEL", "RECORD", "top_level.txt", "entry_points.txt", "licenses/LICENSE"}
SDIST = {"LICENSE", "MANIFEST.in", "PKG-INFO", "README.md", "CHANGELOG.md", "constraints.txt", "pyproject.toml", "setup.cfg"}
# With the deflated weights and the self-test's detector a wheel has 9 MB.
MEGABYTES = 12


def faults_of_wheel(files: Iterable[str], tracked: Iterable[str], project: Mapping[str, object]) -> List[str]:
    """What is wrong with a wheel of these files, for the files that git has; an empty list where nothing is."""
    expected, found = expected_files(tracked, project), {name for name in files if not _metadata(name)}
    wrong = [f"{name} is not in the wheel" for name in sorted(expected - found)]
    wrong += [f"{name} is in the wheel, but is no file of a package" for name in sorted(found - expected)]
    wrong += [f"{name} is needed" for name in NEEDED if name not in found]
    metadata = {_metadata(name) for name in files} - {""}
    wrong += [f"its metadata has {name}" for name in sorted(metadata - METADATA)]
    wrong += [f"its metadata lacks {name}" for name in sorted(METADATA - {"entry_points.txt"} - metadata)]
    return wrong


def faults_of_sdist(files: Iterable[str], tracked: Iterable[str], project: Mapping[str, object]) -> List[str]:
    """What is wrong with an sdist of these files; an empty list where nothing is."""
    packages = _packages(project)
    expected = {name for name in tracked if name.partition("/")[0] in packages}
    rest = {name for name in files if not re.match(r"[\w-]+\.egg-info/", name)}
    wrong = [f"{name} is not in the sdist" for name in sorted(expected - rest)]
    return wrong + [f"{name} is in the sdist" for name in sorted(rest - expected - SDIST)]


def expected_files(tracked: Iterable[str], project: Mapping[str, object]) -> Set[str]:
    """The files of the packages, and those that pyproject.toml puts at a second place."""
    tracked, packages = set(tracked), _packages(project)
    expected = {name for name in tracked if name.partition("/")[0] in packages}
    tool = project["tool"]["setuptools"]  # type: ignore[index]
    folders: Dict[str, str] = tool.get("package-dir", {})
    for module in tool.get("py-modules", ()):
        package, _, name = module.rpartition(".")
        assert f"{folders.get(package, package)}/{name}.py" in tracked, f"pyproject.toml names {module}"
        expected.add(f"{package.replace('.', '/')}/{name}.py")
    return expected


def summary(files: Iterable[str]) -> str:
    """How many files of each kind each folder at the top has, a line each."""
    kinds = Counter((PurePosixPath(name).parts[0], PurePosixPath(name).suffix or "other") for name in files)
    rows: Dict[str, List[str]] = {}
    for (folder, kind), number in sorted(kinds.items()):
        rows.setdefault(folder, []).append(f"{number} {kind}")
    return "\n".join(f"  {folder}: {', '.join(row)}" for folder, row in rows.items())


def _packages(project: Mapping[str, object]) -> Set[str]:
    patterns: List[str] = project["tool"]["setuptools"]["packages"]["find"]["include"]  # type: ignore[index]
    return {pattern.rstrip("*.") for pattern in patterns}


def _metadata(name: str) -> str:
    """The path below the metadata's folder; empty for other files."""
    folder, _, rest = name.partition("/")
    return rest if folder.endswith(".dist-info") else ""
