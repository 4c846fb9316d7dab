"""Installs the wheel with one extra in a fresh environment, and runs what must then work."""

from __future__ import annotations

import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Iterable, List, Sequence

from tests.support.ports import free_port
from tests.support.release.extras import NONE, Extra
from tests.support.release.tools import Failed, Tools, run

# Starts of Python that share the processor's cores.
HELPS = 2
SECONDS = 900


@dataclass(frozen=True)
class Result:
    """Of one extra on one Python. `error` is empty where all went well."""

    extra: str
    python: str
    installed: float
    seconds: float
    error: str = ""

    @property
    def cell(self) -> str:
        """For the table."""
        return "FAILED" if self.error else f"ok {self.installed:.0f} + {self.seconds:.0f} s"


def check(tools: Tools, wheel: Path, name: str, extra: Extra, python: Path, version: str, folder: Path) -> Result:
    """Installs and runs; `folder` must not exist and is left there."""
    environment, work = folder / "environment", folder / "work"
    work.mkdir(parents=True)
    started = time.monotonic()
    installed = 0.0
    try:
        tools.run("uv", "venv", "--quiet", "--python", python, environment)
        install(tools, environment, wheel, name)
        if extra.beside:
            install(tools, environment, wheel, name, extra.beside)
        installed = time.monotonic() - started
        tools.run("uv", "pip", "check", "--quiet", "--python", environment / "bin" / "python")
        shutil.copytree(golden(environment), work / "golden")
        _help(environment, work, commands(wheel_modules(environment, extra.commands)))
        for step in extra.steps:
            words = [word.replace("{port}", str(free_port())) for word in step]
            run([environment / "bin" / "python", *words], work, seconds=SECONDS)
    except Failed as error:
        return Result(name, version, installed, time.monotonic() - started - installed, str(error))
    return Result(name, version, installed, time.monotonic() - started - installed)


def install(tools: Tools, environment: Path, wheel: Path, *extras: str) -> None:
    """Installs the wheel with these extras. Raises Failed."""
    wanted = f"edge-detection-kit[{','.join(name for name in extras if name != NONE)}] @ {wheel.as_uri()}"
    tools.run("uv", "pip", "install", "--quiet", "--python", environment / "bin" / "python", wanted)


def site_packages(environment: Path) -> Path:
    """Where the environment's packages are."""
    return next((environment / "lib").glob("python*")) / "site-packages"


def golden(environment: Path) -> Path:
    """The self-test's detector and image, as the wheel brought them."""
    return site_packages(environment) / "devices" / "selftest" / "golden"


def wheel_modules(environment: Path, packages: Sequence[str]) -> List[str]:
    """The dotted names of the modules of some packages that are installed."""
    root = site_packages(environment)
    paths = [path for package in packages for path in (root / package).rglob("*.py")]
    return sorted(".".join(path.relative_to(root).with_suffix("").parts) for path in paths)


def commands(modules: Iterable[str]) -> List[str]:
    """The commands among them, as after `python -m`: files in a package's root, and folders with a `__main__`."""
    found = set()
    for module in modules:
        parts = module.split(".")
        if parts[-1] == "__main__":
            found.add(".".join(parts[:-1]))
        elif len(parts) == 2 and parts[-1] != "__init__":
            found.add(module)
    return sorted(found)


def _help(environment: Path, work: Path, names: Sequence[str]) -> None:
    def show(words: Sequence[object]) -> None:
        if "usage" not in run([*words, "--help"], work, seconds=SECONDS):
            raise Failed(f"{' '.join(map(str, words))} --help\nprints no usage")

    python = environment / "bin" / "python"
    every: List[List[object]] = [[python, "-m", name] for name in names]
    every += [[path] for path in sorted((environment / "bin").glob("edk"))]
    with ThreadPoolExecutor(HELPS) as pool:
        for _ in pool.map(show, every):
            pass
