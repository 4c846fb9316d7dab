"""The target of an installation: this system, or a system image below a folder."""

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

# The folder of the kit's code and of the manifest, which belongs to root.
HOME = PurePosixPath("/opt/edge-detector")
MANIFEST = HOME / "installed.json"

# dpkg's status of a package that is completely installed.
_INSTALLED = re.compile(r"^Status: \S+ ok installed$", re.MULTILINE)


class Target:
    """The files of a system, and the manifest of what was installed in it.

    `at` turns the system's own paths (`/etc/passwd`) into paths from here. Programs are run only where the system is
    `live`: in a system image they may be built for another processor.
    """

    def __init__(self, host: Host) -> None:
        if not host.path.is_dir():
            raise InputError(f"{host.path}: no such folder; give the root folder of a system")
        self.host = host
        self.manifest = Manifest(host.at(MANIFEST))

    @property
    def live(self) -> bool:
        """Whether it is the running system."""
        return self.host.live

    def at(self, path: object) -> Path:
        """The path from here of the system's `path`. Raises InputError where a symbolic link leads elsewhere.

        In a live system a link may lead to another disk. It may not lead out of a system image, and there must be no
        link below the folder of the service's user, who could have made it.
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
        """The ids in the system's `passwd` or `group`, by name."""
        rows = (line.split(":") for line in self.host.text(f"/etc/{kind}").splitlines())
        return {row[0]: int(row[2]) for row in rows if len(row) > 2 and row[2].isdigit()}

    def packages(self) -> Tuple[str, ...]:
        """The names of the Debian packages that are installed."""
        found = []
        for part in self.host.text("/var/lib/dpkg/status").split("\n\n"):
            name = re.search(r"^Package: (\S+)$", part, re.MULTILINE)
            if name and _INSTALLED.search(part):
                found.append(name[1])
        return tuple(found)

    def systemd(self) -> Optional[int]:
        """The version of systemd, from the name of its library; None where it is unknown."""
        for pattern in ("usr/lib/systemd/", "lib/systemd/", "usr/lib/*/systemd/", "lib/*/systemd/"):
            for path in self.host.glob(f"{pattern}libsystemd-shared-*.so"):
                match = re.search(r"shared-(\d+)", path.name)
                if match:
                    return int(match[1])
        return None

    def release(self) -> str:
        """The code name of the system's release, such as "bookworm"; empty where it has none."""
        match = re.search(r'^VERSION_CODENAME="?([\w-]+)', self.host.text("/etc/os-release"), re.MULTILINE)
        return match[1] if match else ""

    def yaml_field(self, path: object, field: str) -> str:
        """The value of a field in a YAML file of the system; empty where it is missing."""
        yaml = import_module("yaml")
        try:
            content = yaml.safe_load(self.host.text(str(path)))
        except yaml.YAMLError:
            return ""
        value = content.get(field) if isinstance(content, dict) else None
        return "" if value is None else str(value)

    def run(self, command: Sequence[str]) -> None:
        """Runs a program of a live system and shows its output. Raises KitError where it fails."""
        print(f"$ {shlex.join(command)}", file=sys.stderr, flush=True)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "PIP_ROOT_USER_ACTION": "ignore"}
        try:
            code = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, env=environment).returncode
        except OSError as error:
            raise KitError(f"{shlex.join(command)}: cannot be run: {error.strerror}") from error
        if code:
            raise KitError(
                f"{shlex.join(command)}: ended with exit code {code}, see above; fix it and run the installation "
                "again, which continues from here"
            )

    def try_to_run(self, command: Sequence[str]) -> List[str]:
        """As `run`, but gives the error as a line: what is undone may never have been complete."""
        try:
            self.run(command)
        except KitError as error:
            return [str(error)]
        return []


def _linked(folder: Path, top: Path) -> bool:
    """Whether one of the folders from `top` down to `folder` is a link."""
    chain: List[Path] = [folder, *folder.parents]
    return any(path.is_symlink() for path in chain if path == top or top in path.parents)
