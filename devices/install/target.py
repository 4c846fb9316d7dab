"""The system that something is installed in: this one, or one below a folder that will run elsewhere."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Dict, List, Optional, Sequence, Tuple

from devices.host.host import Host
from devices.host.paths import STATE
from devices.install.manifest import Manifest
from runtime.common.errors import InputError, KitError

# The kit's own folder, which belongs to root: code and the manifest of the installation.
HOME = PurePosixPath("/opt/edge-detector")
MANIFEST = HOME / "installed.json"

# Where a package was installed and nothing of it is missing.
_INSTALLED = re.compile(r"^Status: \S+ ok installed$", re.MULTILINE)


class Target:
    """A system's files, and what was made in it.

    Its own paths (`/etc/passwd`) become ours by `at`. Where it is not `live`, programs are not run: they
    would be this machine's, or another processor's.
    """

    def __init__(self, host: Host) -> None:
        if not host.path.is_dir():
            raise InputError(f"{host.path}: no such folder; give the root folder of a system")
        self.host = host
        self.manifest = Manifest(host.at(MANIFEST))

    @property
    def live(self) -> bool:
        return self.host.live

    def at(self, path: object) -> Path:
        """Where the system's `path` lies for us. Raises InputError where a link leads elsewhere.

        A link may lead to another disk of a live system, but not out of a root folder, and not out of
        what belongs to the service's user, who could have made it.
        """
        ours = self.host.at(str(path))
        parent = ours.parent
        real = parent.resolve()
        inside = real == self.host.path.resolve() or self.host.path.resolve() in real.parents
        state = PurePosixPath(STATE.as_posix())
        own = PurePosixPath(str(path)) == state or state in PurePosixPath(str(path)).parents
        if not inside or (own and _linked(parent, self.host.at(STATE))):
            raise InputError(f"{parent}: leads to {real}, so that nothing is written there; remove that link")
        return ours

    def ids(self, kind: str) -> Dict[str, int]:
        """Numbers by name, of the system's `passwd` or `group`."""
        rows = (line.split(":") for line in self.host.text(f"/etc/{kind}").splitlines())
        return {row[0]: int(row[2]) for row in rows if len(row) > 2 and row[2].isdigit()}

    def packages(self) -> Tuple[str, ...]:
        """Names of Debian packages that are installed."""
        found = []
        for part in self.host.text("/var/lib/dpkg/status").split("\n\n"):
            name = re.search(r"^Package: (\S+)$", part, re.MULTILINE)
            if name and _INSTALLED.search(part):
                found.append(name[1])
        return tuple(found)

    def systemd(self) -> Optional[int]:
        """The version of systemd, by the name of its library; None where that is not to be seen."""
        for pattern in ("usr/lib/systemd/", "lib/systemd/", "usr/lib/*/systemd/", "lib/*/systemd/"):
            for path in self.host.glob(f"{pattern}libsystemd-shared-*.so"):
                match = re.search(r"shared-(\d+)", path.name)
                if match:
                    return int(match[1])
        return None

    def release(self) -> str:
        """The code name of the system's release: "bookworm"; empty where it has none."""
        match = re.search(r'^VERSION_CODENAME="?([\w-]+)', self.host.text("/etc/os-release"), re.MULTILINE)
        return match[1] if match else ""

    def said(self, path: object, field: str) -> str:
        """A field of a YAML file of the system; empty where it says nothing of it."""
        yaml = import_module("yaml")
        try:
            content = yaml.safe_load(self.host.text(str(path)))
        except yaml.YAMLError:
            return ""
        value = content.get(field) if isinstance(content, dict) else None
        return "" if value is None else str(value)

    def run(self, command: Sequence[str]) -> None:
        """Runs a program of a live system, whose output the user sees. Raises KitError where it fails."""
        print(f"$ {shlex.join(command)}", file=sys.stderr, flush=True)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "PIP_ROOT_USER_ACTION": "ignore"}
        try:
            code = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, env=environment).returncode
        except OSError as error:
            raise KitError(f"{shlex.join(command)}: cannot be run: {error.strerror}") from error
        if code:
            raise KitError(
                f"{shlex.join(command)}: ended with exit code {code}, see above; mend it and run the installation "
                "again, which goes on from here"
            )

    def try_to_run(self, command: Sequence[str]) -> List[str]:
        """As `run`; gives what went wrong. What is undone may never have been whole."""
        try:
            self.run(command)
        except KitError as error:
            return [str(error)]
        return []


def _linked(folder: Path, top: Path) -> bool:
    """Whether one of the folders from `top` down to `folder` is a link."""
    chain: List[Path] = [folder, *folder.parents]
    return any(path.is_symlink() for path in chain if path == top or top in path.parents)
