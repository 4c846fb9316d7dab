"""Builds the wheel and the sdist from what git has of the checkout, and holds them against each other."""

from __future__ import annotations

import hashlib
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import Dict, Mapping, NamedTuple

from tests.support.paths import ROOT
from tests.support.release.tools import Failed, Tools


class Distributions(NamedTuple):
    wheel: Path
    sdist: Path


def tracked() -> Dict[str, Path]:
    """The files that git has, as they are in the checkout, by their paths with slashes. Raises Failed."""
    paths = {name: ROOT / name for name in _git("ls-files", "-z", "--cached").split("\0") if name}
    return {name: path for name, path in paths.items() if path.is_file()}


def build(tools: Tools, files: Mapping[str, Path], folder: Path) -> Distributions:
    """Builds both from the tracked `files` in `folder`, which must not exist. Raises Failed.

    The wheel is built from the tree and a second time from the sdist; both must have the same files.
    """
    tree = folder / "tree"
    for name, path in files.items():
        # Of the tests only those that a build could take with it, by mistake.
        if not name.startswith("tests/") or name.startswith("tests/test_"):
            target = tree / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    from_tree, dist = folder / "from-tree", folder / "dist"
    add = {"SOURCE_DATE_EPOCH": _committed()}
    # The environment of the programs is one of its own already: another one would only be slower.
    tools.run("build", "--no-isolation", "--wheel", "--outdir", from_tree, tree, folder=folder, add=add)
    # Without an option `build` makes the wheel from the sdist.
    tools.run("build", "--no-isolation", "--outdir", dist, tree, folder=folder, add=add)
    wheel, sdist = next(dist.glob("*.whl")), next(dist.glob("*.tar.gz"))
    difference = set(hashes(next(from_tree.glob("*.whl"))).items()) ^ set(hashes(wheel).items())
    if difference:
        raise Failed(f"the sdist builds another wheel than the tree: {sorted({name for name, _ in difference})[:10]}")
    return Distributions(wheel, sdist)


def hashes(wheel: Path) -> Dict[str, str]:
    """The SHA-256 of each file in a wheel, by its path."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist() if name[-1] != "/"}


def members(sdist: Path) -> Dict[str, int]:
    """The sizes in bytes of the files in an sdist, by their paths below its folder."""
    with tarfile.open(sdist) as archive:
        return {item.name.partition("/")[2]: item.size for item in archive if item.isfile()}


def _committed() -> str:
    """The time of the last commit: two builds of one commit have the same bytes."""
    return _git("log", "-1", "--format=%ct").strip()


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"git {' '.join(words)}\n{done.stderr.strip()}\na release is made from a checkout")
    return done.stdout
