"""A Raspberry Pi's own system, run on this machine by emulation: Debian 12 for its processor, its Python,
and wheels as pip on the board would take them.

    board = Userland.of(PI_64_BIT)          made once, kept in the cache
    board.run(board.python, "-c", "import numpy")

What runs there is the board's own code, instruction by instruction in QEMU. So it shows whether things
install and what they answer; it shows nothing of the board's devices, nor of how long anything takes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.arm64 import wheels
from tests.arm64.debian_packages import CODENAME, Unavailable, apt, unpack

ENTER = Path(__file__).resolve().parent / "enter.sh"
RECORDED = wheels.ROOT / "tests" / "device_trees"

# Debian 12's, and what its packages are built against: pip takes wheels by these.
PYTHON, GLIBC = "3.11", 36

ENVIRONMENT = "/opt/edge-detector"
_BASE = ("python3", "python3-pip", "base-files", "dash", "libstdc++6")


@dataclass(frozen=True)
class Board:
    """A system. `architecture` is Debian's word for the processor, `machine` the kernel's; `cpus` are
    cores of the boards that run it, as QEMU names them, the oldest first, with the recorded board (of
    tests/device_trees) that has such; `interpreter` is the package that runs .tflite files. Of the index come the kit's
    `extras` and `requirements`; what has no wheel there comes from Debian, as `packages`, and then every
    wheel needed is named in `requirements`."""

    name: str
    architecture: str
    machine: str
    qemu: str
    cpus: dict[str, str]
    interpreter: str
    extras: str
    packages: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Of everything that its root is made of."""
        files = (wheels.CONSTRAINTS, wheels.ROOT / "pyproject.toml", Path(__file__), ENTER)
        parts = [CODENAME, repr(self), *(path.read_text() for path in files)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


class Userland:
    """A board's system with the kit installed in it. What is written there goes to `layer`."""

    python = f"{ENVIRONMENT}/bin/python"

    def __init__(self, board: Board, root: Path, layer: Path | None) -> None:
        self.board = board
        self._root = root
        self._layer = layer

    @classmethod
    def of(cls, board: Board, layer: Path, kit: Path) -> Userland:
        """With the wheel `kit` installed. Raises Unavailable where this machine cannot run it."""
        _check()
        root = _root(board, kit)
        made = cls(board, root, layer)
        # The root may have been made with the kit of another day.
        if wheels.record(kit) != wheels.record(root / "root" / kit.name):
            made.pip("--force-reinstall", "--no-deps", made.put(kit))
        return made

    def run(self, *command: str, cpu: str = "", timeout: float = 900) -> subprocess.CompletedProcess:
        """Runs a command there, by its path; the working folder is /. `cpu` is one of the board's."""
        cpu = cpu or next(iter(self.board.cpus))
        environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": "/root",
            "LANG": "C.UTF-8",
            "QEMU_CPU": cpu,
        }
        around = ["unshare", "--user", "--map-root-user", "--mount", "/bin/sh", str(ENTER), str(self._root)]
        cpuinfo = RECORDED / self.board.cpus[cpu] / "proc" / "cpuinfo"
        around += [str(self._layer or "-"), str(_qemu(self.board)), self.board.machine, str(cpuinfo)]
        return subprocess.run(
            [*around, *command],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    def call(self, *command: str, cpu: str = "", timeout: float = 900) -> str:
        """As `run`, of a command that must end with exit code 0; gives what it printed."""
        result = self.run(*command, cpu=cpu, timeout=timeout)
        if result.returncode:
            raise AssertionError(f"{' '.join(command)}: exit code {result.returncode}\n{result.stderr[-3000:]}")
        return result.stdout

    def put(self, source: Path) -> str:
        """Copies a file or folder into the board's /root; gives its path there."""
        place = self.path(f"/root/{source.name}")
        place.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, place, dirs_exist_ok=True)
        else:
            shutil.copy(source, place)
        return f"/root/{source.name}"

    def path(self, name: str) -> Path:
        """Where a file that was put or written there lies for us."""
        return (self._layer / "changed" if self._layer else self._root) / name.lstrip("/")

    def pip(self, *arguments: str) -> None:
        """pip install, by Debian's own pip, without an index."""
        self.call(
            *("/usr/bin/python3", "-m", "pip", f"--python={self.python}", "install", "--quiet"),
            *("--disable-pip-version-check", "--no-index", "--no-compile", *arguments),
        )


def _check() -> None:
    if shutil.which("unshare") is None:
        raise Unavailable("needs unshare, of util-linux")
    probe = "mount -t binfmt_misc none /proc/sys/fs/binfmt_misc && test -w /proc/sys/fs/binfmt_misc/register"
    result = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "/bin/sh", "-c", probe], capture_output=True, text=True
    )
    if result.returncode:
        raise Unavailable(f"needs Linux 6.7 or newer, which emulates for one namespace: {result.stderr.strip()}")


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "edge-detection-kit" / "userland"


@contextmanager
def _made(folder: Path):
    """A folder to fill, which becomes `folder` when that is done."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    try:
        making.chmod(0o755)
        yield making
        making.rename(folder)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _qemu(board: Board) -> Path:
    """QEMU for the board's processor: this system's, else from the package, without installing it."""
    installed = shutil.which(board.qemu)
    if installed:
        return Path(installed)
    folder = _cache() / f"qemu-{CODENAME}"
    if not folder.exists():
        own = subprocess.run(
            ["dpkg", "--print-architecture"], capture_output=True, text=True, check=True
        ).stdout.strip()
        with apt(own) as packages, _made(folder) as making:
            unpack([packages.alone("qemu-user-static")], making, only="./usr/bin/qemu-a*-static")
    return folder / "usr" / "bin" / board.qemu


def _root(board: Board, kit: Path) -> Path:
    """The board's system, with the kit and everything that it needs."""
    folder = _cache() / f"{board.name}-{board.key}"
    if folder.exists():
        return folder
    # What may be missing here is asked for first.
    _qemu(board)
    with _made(folder) as making:
        with apt(board.architecture) as packages:
            unpack(packages.with_dependencies((*_BASE, *board.packages)), making)
        # The packages' scripts, which don't run here, would make these links.
        for library in making.glob("usr/lib/*/*/lib*.so.3"):
            if library.parent.name in ("blas", "lapack"):
                (library.parent.parent / library.name).symlink_to(f"{library.parent.name}/{library.name}")
        # Without these XNNPACK gives up, and TFLite's own kernels compute in its place.
        cores = making / "sys" / "devices" / "system" / "cpu"
        cores.mkdir(parents=True)
        for name in ("possible", "present", "online"):
            (cores / name).write_text("0-3\n")
        system = Userland(board, making, layer=None)
        wanted = [f"{system.put(kit)}{board.extras}", *board.requirements]
        wheelhouse = making / "root" / "wheels"
        wheelhouse.mkdir()
        # Without Debian's packages pip would ask the index for them.
        whole = not board.packages
        asked = [f"{kit}{board.extras}", *board.requirements]
        wheels.download(wheelhouse, asked, board.machine, PYTHON, GLIBC, dependencies=whole)
        # Without pip, which takes a minute to install here; Debian's works on it from outside.
        shared = ["--system-site-packages"] if board.packages else []
        system.call("/usr/bin/python3", "-m", "venv", "--without-pip", *shared, ENVIRONMENT)
        system.pip("--find-links=/root/wheels", *wanted)
        shutil.rmtree(wheelhouse)
    return folder
