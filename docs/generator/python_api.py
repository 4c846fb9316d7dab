"""Pages of the Python API: the public names of the packages, for mkdocstrings."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from docs.generator.markdown import escaped

FOLDER = "reference/python"

_ABOUT = {
    "train": "Data sets, and training on them.",
    "convert": "From a checkpoint to `.tflite` files, and what they find.",
    "runtime": "Detectors, what they find, and the loop over a source.",
    "devices": "Boards and what they need.",
}


def pages() -> dict[str, str]:
    """The pages by their paths below docs/: one for each package that has public names."""
    packages = {name: import_module(name) for name in _ABOUT}
    return {f"{FOLDER}/{name}.md": _page(package) for name, package in packages.items() if public(package)}


def public(package: ModuleType) -> tuple[str, ...]:
    """The names that a package offers."""
    return tuple(getattr(package, "__all__", ()))


def _page(package: ModuleType) -> str:
    name = package.__name__
    parts = [f"# {name}", escaped(_ABOUT[name])]
    for member in public(package):
        # A command's module that is called as the function of its name.
        inside = f".{member}" if isinstance(getattr(package, member), ModuleType) else ""
        parts.append(f"::: {name}.{member}{inside}\n    options:\n      heading_level: 2")
    return "\n\n".join(parts) + "\n"
