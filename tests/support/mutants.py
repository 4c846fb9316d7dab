"""How many small errors in the kit's code its tests find: python -m tests.support.mutants train/targets/losses.py

Each mutant is the file with one error. The tests of the file run on it, in a copy of the checkout; a mutant that they
pass is printed. TensorFlow is imported once, since that takes longer than most tests: each mutant gets a process that is
forked before TensorFlow does anything.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.mutant_sources import Mutant, mutants
from tests.support.paths import ROOT

_COPIED = ("train", "convert", "runtime", "devices", "tests", "pyproject.toml")
# Imported before processes are forked, and after the first run what else the tests use. The kit is not: each process
# imports its own mutant.
_LIBRARIES = ("tensorflow", "tf_keras", "pytest")
# Tests of a file besides those that lie as it does.
_RECIPE = ("tests/train/training/test_recipe.py",)
_UPDATES = tuple(f"tests/devices/update/test_{name}.py" for name in ("update", "attacks", "kills"))
_ENGINES = tuple(f"tests/runtime/inference/process/test_{name}.py" for name in ("launch", "engine"))
_FURTHER = {
    "devices/update/release_store.py": _UPDATES,
    "devices/update/updater.py": _UPDATES,
    "runtime/inference/process/child.py": _ENGINES,
    "runtime/inference/process/engine.py": _ENGINES[:1],
    "runtime/inference/process/launch.py": _ENGINES[1:],
    "runtime/inference/process/shared_tensors.py": _ENGINES,
    "runtime/inference/process/worker.py": (*_ENGINES, "tests/runtime/pipeline/test_loop.py"),
    "runtime/pipeline/loop.py": ("tests/runtime/pipeline/test_iteration.py", "tests/runtime/pipeline/test_model_swap.py"),
    "train/augment/augmentation.py": ("tests/train/augment/test_inputs.py",),
    "train/targets/losses.py": ("tests/train/training/test_task.py",),
    "train/training/experiment.py": _RECIPE,
    "train/training/schedule.py": _RECIPE,
    "train/training/training.py": _RECIPE,
    "convert/evaluation/gate.py": ("tests/convert/evaluation/test_per_class.py",),
}
# A mutant may take this much longer than the tests do without one, and some seconds.
_LONGER, _SECONDS = 3, 30
_KILLED, _SURVIVED, _ENDLESS = "killed", "survived", "timed out"


@dataclass(frozen=True)
class Result:
    """What became of each mutant of `path`: its outcome is killed, survived or timed out."""

    path: str
    outcomes: tuple[tuple[Mutant, str], ...]

    def of(self, outcome: str) -> list[Mutant]:
        """The mutants with this outcome."""
        return [mutant for mutant, found in self.outcomes if found == outcome]

    def summary(self) -> str:
        """One line of figures. A mutant that hangs is found."""
        found = len(self.outcomes) - len(self.of(_SURVIVED))
        return (
            f"{self.path}: {len(self.outcomes)} mutants, {len(self.of(_KILLED))} killed, {len(self.of(_SURVIVED))}"
            f" survived, {len(self.of(_ENDLESS))} timed out: {found / max(len(self.outcomes), 1):.0%} found"
        )


def tests_of(path: str, root: Path) -> list[str]:
    """The test files of the source file `path` that exist below `root`, the quickest first."""
    folder, name = os.path.split(path)
    named = (f"tests/{folder}/test_{name}", *_FURTHER.get(path, ()))
    return [test for test in named if (root / test).is_file()]


def run(
    path: str,
    tests: Sequence[str],
    root: Path = ROOT,
    *,
    limit: int | None = None,
    seed: int = 0,
    lines: Sequence[int] = (),
    seconds: float | None = None,
) -> Result:
    """Runs `tests` on mutants of `path`, both relative to `root`, and prints those that survive.

    Args:
      path: the source file.
      tests: test files.
      root: the checkout. Nothing in it is changed.
      limit: how many mutants are drawn, by `seed`; all by default.
      seed: of the draw.
      lines: only mutants in these lines.
      seconds: how long the tests of a mutant may take, by default some times as long as without one.

    Raises RuntimeError if the tests fail without a mutant.
    """
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = Path(folder) / "kit"
        _copy(root, copy)
        source = (copy / path).read_text()
        chosen = [mutant for mutant in mutants(source) if not lines or mutant.line(source) in lines]
        if limit is not None and limit < len(chosen):
            chosen = random.Random(seed).sample(chosen, limit)
            chosen.sort(key=lambda mutant: mutant.start)
        begin = time.monotonic()
        if _outcome(copy, tests, None) != _SURVIVED:
            raise RuntimeError(f"{path}: its tests fail without a mutant:\n{(copy / 'log').read_text()[-4000:]}")
        for name in (copy / "libraries").read_text().split():
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
        seconds = seconds or _LONGER * (time.monotonic() - begin) + _SECONDS
        outcomes = []
        for mutant in chosen:
            (copy / path).write_text(mutant.of(source))
            _forget_bytecode(copy / path)
            outcomes.append((mutant, _outcome(copy, tests, seconds)))
            if outcomes[-1][1] != _KILLED:
                print(f"{outcomes[-1][1]} {path}:{mutant.line(source)}: {mutant.describe(source)}", flush=True)
    return Result(path, tuple(outcomes))


def _copy(root: Path, copy: Path) -> None:
    for name in _COPIED:
        if (root / name).is_dir():
            shutil.copytree(root / name, copy / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        elif (root / name).exists():
            copy.mkdir(exist_ok=True)
            shutil.copy(root / name, copy / name)
    if (root.parent / "shared").is_dir():
        (copy.parent / "shared").symlink_to((root.parent / "shared").resolve())


def _forget_bytecode(path: Path) -> None:
    for old in (path.parent / "__pycache__").glob(f"{path.stem}.*"):
        old.unlink()


def _outcome(copy: Path, tests: Sequence[str], seconds: float | None) -> str:
    """Runs `tests` in a process of their own, which is ended after `seconds`."""
    basetemp = copy.parent / "session" / "run"
    basetemp.parent.mkdir(exist_ok=True)
    child = os.fork()
    if not child:
        code = 99
        try:
            code = _tests(copy, tests, basetemp)
        finally:
            os._exit(code)
    begin = time.monotonic()
    try:
        while True:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                return _SURVIVED if status == 0 else _KILLED
            if seconds is not None and time.monotonic() > begin + seconds:
                return _ENDLESS
            time.sleep(0.02)
    finally:
        # What the tests started is in the process group of the child.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(child, 0)
        shutil.rmtree(basetemp, ignore_errors=True)


def _tests(copy: Path, tests: Sequence[str], basetemp: Path) -> int:
    os.setpgid(0, 0)
    log = os.open(copy / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.chdir(copy)
    for name in [name for name in sys.modules if name.split(".")[0] in _COPIED]:
        del sys.modules[name]
    sys.path[:] = [str(copy), *(entry for entry in sys.path if entry not in ("", str(ROOT)))]
    # What all workers of a session share is made once, without a mutant: see `tests.support.locks.session_folder`.
    os.environ.update(PYTHONPATH=str(copy), PYTEST_XDIST_WORKER="mutants")
    import pytest

    code = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", f"--basetemp={basetemp}", *tests]))
    names = [name for name, module in sys.modules.items() if module and name.split(".")[0] not in (*_COPIED, "__main__")]
    (copy / "libraries").write_text("\n".join(names))
    return code


def main() -> int:
    """Runs the command with the arguments of the process. Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", metavar="FILE", help="a source file, relative to the checkout")
    parser.add_argument("--limit", type=int, help="draw this many mutants of each file")
    parser.add_argument("--seed", type=int, default=0, help="of the draw")
    parser.add_argument("--line", type=int, nargs="*", default=(), help="only mutants in these lines")
    parser.add_argument("--tests", nargs="*", help="test files, or tests of them, in place of those of the file")
    parser.add_argument("--root", type=Path, default=ROOT, help="another checkout")
    arguments = parser.parse_args()
    for name in _LIBRARIES:
        importlib.import_module(name)
    root = arguments.root.resolve()
    for path in arguments.files:
        tests = arguments.tests or tests_of(path, root)
        print(f"{path}: {', '.join(tests)}", flush=True)
        options = {"limit": arguments.limit, "seed": arguments.seed, "lines": arguments.line}
        print(run(path, tests, root, **options).summary(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
