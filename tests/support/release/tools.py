"""The programs that build and check a release, in an environment of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import List, Mapping, Optional, Sequence

from tests.support.locks import cached
from tests.support.wheel_download import Unavailable

# setuptools builds the kit (see pyproject.toml); the others are commands.
REQUIREMENTS = ("build>=1.3", "setuptools>=77", "wheel", "twine>=6.1", "uv>=0.8", "cyclonedx-bom>=7")


class Failed(Exception):
    """A program ended with an error; the message is its last output."""


class Tools:
    """The environment of the programs, which is made once and kept in the cache."""

    def __init__(self) -> None:
        """Raises Unavailable where the package index cannot be reached."""
        name = f"release-tools-{sys.version_info[0]}.{sys.version_info[1]}"
        cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
        self._folder = cached(cache / "edge-detection-kit" / "test-envs" / name, _make)
        self.python = self._folder / "bin" / "python"

    def run(self, *words: object, folder: Optional[Path] = None, add: Optional[Mapping[str, str]] = None) -> str:
        """Runs a module of the environment (`run("build", ...)` is `python -m build ...`). Raises Failed."""
        return run([self.python, "-m", *words], folder, {**_for_uv(), **(add or {})})


def run(
    words: Sequence[object], folder: Optional[Path] = None, add: Optional[Mapping[str, str]] = None, seconds: int = 3600
) -> str:
    """Runs a program outside the checkout's influence; returns what it printed. Raises Failed."""
    # Neither the checkout nor the settings of the caller's environment may help the program to find anything.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON") and k != "VIRTUAL_ENV"}
    command = list(map(str, words))
    try:
        done = subprocess.run(
            command, cwd=folder, env={**environment, **(add or {})}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", timeout=seconds,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise Failed(f"{' '.join(command)}\nnot done after {error.timeout:g} s") from None
    if done.returncode:
        raise Failed(f"{' '.join(command)}\n{done.stdout[-4000:]}\nexit code {done.returncode}")
    return done.stdout


def _make(folder: Path) -> Path:
    run([sys.executable, "-m", "venv", folder])
    try:
        run([folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--retries", "2", *REQUIREMENTS])
    except Failed as error:
        raise Unavailable(f"the package index did not give the programs: {str(error).splitlines()[-2]}") from None
    return folder


def _for_uv() -> Mapping[str, str]:
    """pip's settings in the environment, under the names that uv has for them."""
    names = {"PIP_INDEX_URL": "UV_DEFAULT_INDEX", "PIP_EXTRA_INDEX_URL": "UV_INDEX", "PIP_CERT": "SSL_CERT_FILE"}
    settings = {theirs: os.environ[ours] for ours, theirs in names.items() if os.environ.get(ours)}
    return {"UV_PYTHON_DOWNLOADS": "never", "UV_HTTP_TIMEOUT": "180", **settings}


def pythons(versions: Sequence[str]) -> List[Path]:
    """The Python of each version, such as 3.11, that is on this machine; an empty path where there is none."""
    return [_python(version) for version in versions]


def _python(version: str) -> Path:
    home = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    places = [Path(folder) / f"python{version}" for folder in os.get_exec_path()]
    places += sorted(home.glob(f"versions/{version}.*/bin/python"), reverse=True)
    asked = "import sys, ssl, ensurepip; print('%d.%d' % sys.version_info[:2])"
    for place in places:
        # A shim of pyenv is there for versions that it then refuses to start.
        if place.is_file() and "shims" not in place.parts:
            try:
                if run([place, "-c", asked], seconds=60).strip() == version:
                    return place
            except Failed:
                continue
    return Path()
