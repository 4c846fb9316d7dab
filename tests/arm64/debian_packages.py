"""Debian packages of another architecture, fetched and unpacked without touching this system's own.

apt is given a state and a cache of its own, and this machine's sources, keys and ways through proxies.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path

CODENAME = "bookworm"

# Longer than a slow mirror takes.
SECONDS = 300


class Unavailable(Exception):
    """Something that this needs is not to be had here; the message says what."""


class Apt:
    """Packages of `architecture` from this machine's sources. Made by `apt`."""

    def __init__(self, folder: Path, architecture: str) -> None:
        self._folder = folder
        self._settings = folder / "apt.conf"
        for name in ("state/lists/partial", "cache/archives/partial"):
            (folder / name).mkdir(parents=True)
        status = folder / "state" / "status"
        status.touch()
        self._settings.write_text(
            f'APT::Architecture "{architecture}";\n'
            f'APT::Architectures {{ "{architecture}"; }};\n'
            f'Dir::State "{folder / "state"}";\n'
            # Nothing is installed yet, so that whatever a package needs comes along.
            f'Dir::State::status "{status}";\n'
            f'Dir::Cache "{folder / "cache"}";\n'
            # The lock of the system's own packages is none of our business.
            'Debug::NoLocking "true";\nAPT::Sandbox::User "root";\nAPT::Install-Recommends "false";\n'
            'Acquire::Languages "none";\nAcquire::Retries "3";\n'
        )
        # One source that cannot be read, of several, leaves the others: what is missing shows below.
        self._problem = self._call(["apt-get", "--quiet=2", "update"])

    def with_dependencies(self, names: Sequence[str]) -> list[Path]:
        """The .deb files of packages and of everything that these depend on."""
        return self._fetched(["install", "--yes", "--download-only", *names], self._folder / "cache" / "archives")

    def alone(self, name: str) -> Path:
        """The .deb file of one package."""
        folder = self._folder / name
        folder.mkdir()
        return self._fetched(["download", name], folder)[0]

    def _fetched(self, arguments: Sequence[str], folder: Path) -> list[Path]:
        problem = self._call(["apt-get", "--quiet=2", *arguments], folder)
        found = sorted(folder.glob("*.deb"))
        if problem or not found:
            raise Unavailable(f"apt-get {' '.join(arguments)}: {problem or 'fetched nothing'}; {self._problem}")
        return found

    def _call(self, command: Sequence[str], folder: Path | None = None) -> str:
        """What went wrong; empty where nothing did."""
        environment = {**os.environ, "APT_CONFIG": str(self._settings), "LC_ALL": "C"}
        try:
            result = subprocess.run(
                command, cwd=folder or self._folder, env=environment, capture_output=True, text=True, timeout=SECONDS
            )
        except subprocess.TimeoutExpired:
            return f"no answer for {SECONDS} s"
        return result.stderr.strip()[-500:] if result.returncode else ""


@contextmanager
def apt(architecture: str):
    """An `Apt` for the time of a `with`. Raises Unavailable on another system than Debian 12."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise Unavailable("needs apt-get and dpkg-deb")
    if f"VERSION_CODENAME={CODENAME}" not in Path("/etc/os-release").read_text():
        raise Unavailable(f"needs the package sources of Debian 12 ({CODENAME}), which this system has not")
    with tempfile.TemporaryDirectory(prefix="kit-apt-") as folder:
        yield Apt(Path(folder), architecture)


def unpack(packages: Sequence[Path], root: Path, only: str = "") -> None:
    """Lays the files of packages, or those that match `only`, below `root`, as Debian 12 has them: /bin and
    the like are links into /usr. Nothing is configured: the packages' own scripts do not run."""
    for name in ("bin", "sbin", "lib"):
        (root / "usr" / name).mkdir(parents=True, exist_ok=True)
        if not (root / name).is_symlink():
            (root / name).symlink_to(f"usr/{name}")
    members = ["--wildcards", only] if only else []
    for package in packages:
        # dpkg-deb --extract would put folders in the place of those links.
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE) as files:
            subprocess.run(
                ["tar", "-x", "--keep-directory-symlink", "--no-same-owner", "-C", str(root), *members],
                stdin=files.stdout,
                check=True,
            )
        if files.returncode:
            raise Unavailable(f"{package.name}: cannot be unpacked")
