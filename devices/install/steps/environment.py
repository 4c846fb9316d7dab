"""The kit and its requirements, in a virtual environment that only root can change.

The environment can import the system's packages, since picamera2 is not on PyPI. The kit is copied before pip builds
it, so that the build leaves nothing in its folder.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import urllib.parse
import urllib.request
from importlib import metadata
from pathlib import Path
from typing import Any, List, Optional, Sequence, Tuple

from devices.boards.requirements import requirements
from devices.install.commands import Commands
from devices.install.resources import Resource, Tree
from devices.install.steps import Installation
from devices.install.target import HOME, Target
from runtime.common.errors import InputError

TITLE = "the kit, in an environment of its own"
RANK = 40

VENV = (HOME / "venv").as_posix()
KIT = (HOME / "kit").as_posix()

# The name by which pip knows the kit.
NAME = "edge-detection-kit"

# The parts of the kit's folder that a device needs.
PARTS = ("pyproject.toml", "README.md", "LICENSE", "runtime", "devices")


def options(parser: argparse._ActionsContainer) -> None:
    """Adds `--kit`."""
    parser.add_argument(
        "--kit",
        metavar="PATH",
        help="the kit to install: its folder or its wheel (default: the folder that this command is in or was installed from)",
    )


def resources(installation: Installation) -> List[Resource]:
    """The copy of the kit, the virtual environment, and the packages in it."""
    kit = _kit(installation.options.kit)
    names = _names(kit)
    home = kit if kit.is_dir() else kit.parent
    wheel = "" if kit.is_dir() else f"/{kit.name}"
    digest = _digest(home, names)
    wanted = requirements(installation.profile, installation.target.release(), f"{KIT}{wheel}")
    return [
        Tree(KIT, str(home), names, digest),
        Commands(
            VENV,
            (("python3", "-m", "venv", "--system-site-packages", VENV),),
            undo=(("rm", "-rf", "--", VENV),),
            exists=lambda target: target.host.exists(f"{VENV}/bin/pip"),
        ),
        Commands(
            "the kit in it",
            ((f"{VENV}/bin/pip", "install", "--quiet", *wanted),),
            exists=_is_installed,
            identity=f"{' '.join(wanted)} {digest}",
        ),
    ]


def _kit(named: Any) -> Path:
    kit = Path(named).resolve() if named else Path(__file__).resolve().parents[3]
    if _is_folder(kit):
        return kit
    if kit.is_file() and kit.suffix == ".whl":
        return kit
    if named:
        raise InputError(f"--kit {named}: is neither the kit's folder, with {PARTS[0]}, nor a wheel of it")
    source = _installed_from()
    if source and _is_folder(source):
        return source
    raise InputError(
        f"{kit}: the kit was installed without its folder, so that it cannot be installed from there; give that "
        "folder, or a wheel, with --kit"
    )


def _is_folder(kit: Path) -> bool:
    return kit.is_dir() and all((kit / name).exists() for name in PARTS)


def _installed_from() -> Optional[Path]:
    """The local folder from which pip installed this command; None if it came from elsewhere.

    pip records it: https://packaging.python.org/en/latest/specifications/direct-url/
    """
    try:
        recorded = metadata.distribution(NAME).read_text("direct_url.json")
        url = urllib.parse.urlsplit(json.loads(recorded or "")["url"])
    except (metadata.PackageNotFoundError, ValueError, KeyError, TypeError):
        return None
    return Path(urllib.request.url2pathname(url.path)) if url.scheme == "file" else None


def _is_installed(target: Target) -> bool:
    return bool(target.host.glob(f"{VENV}/lib/python3*/site-packages/edge_detection_kit-*.dist-info"))


def _names(kit: Path) -> Tuple[str, ...]:
    """The files to copy, by their paths below the folder of the kit or of the wheel."""
    if kit.is_file():
        return (kit.name,)
    found = [path for name in PARTS for path in ([kit / name] if (kit / name).is_file() else (kit / name).rglob("*"))]
    kept = (path for path in found if path.is_file() and "__pycache__" not in path.parts)
    return tuple(sorted(path.relative_to(kit).as_posix() for path in kept))


def _digest(home: Path, names: Sequence[str]) -> str:
    """A hash of everything that is installed, so that a changed kit of the same version is installed again."""
    digest = hashlib.sha256()
    for name in names:
        data = (home / name).read_bytes()
        digest.update(f"{name} {len(data)}\n".encode())
        digest.update(data)
    return digest.hexdigest()
