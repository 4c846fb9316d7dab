"""`make release-check`: builds the wheel and the sdist, and tries them as a user meets them.

1. Builds both from what git has; the wheel that the sdist builds must have the same files.
2. `twine check --strict`, and the files in both, which must be those of the packages and no others.
3. Installs the wheel with each extra alone in a fresh environment, for every Python from 3.9 to 3.13 that is on this
   machine, and runs the commands' help and a short piece of work. Nothing is pinned: this is what a user gets today.
4. Writes a software bill of materials (CycloneDX) for each extra.

Takes half an hour to an hour and some gigabytes below the temporary folder. Exits with 1 where something is wrong, with
2 where it cannot be tried. `--quick` ends after the second.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence

import tomllib

from runtime.common.command_parser import kit_version
from runtime.common.tables import columns
from tests.support.paths import ROOT
from tests.support.release import contents, distributions, environments, sbom
from tests.support.release.distributions import Distributions
from tests.support.release.environments import Result
from tests.support.release.extras import EXTRAS, NONE, PYTHONS
from tests.support.release.tools import Failed, Tools, pythons
from tests.support.wheel_download import Unavailable

# The Python that constraints.txt is for, whose environments are described.
DESCRIBED = "3.11"


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.release", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="build and look at the files, install nothing")
    parser.add_argument("--python", action="append", choices=PYTHONS, help="only this Python; may be repeated")
    parser.add_argument("--extra", action="append", choices=sorted(EXTRAS), help="only this extra; may be repeated")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="folder for wheel, sdist and sbom/ (default: dist)")
    parser.add_argument("--work", type=Path, help="folder for the environments, kept (default: a temporary one)")
    options = parser.parse_args(argv)
    started = time.monotonic()
    extras = [name for name in options.extra or EXTRAS if name == NONE or name in project()["project"]["optional-dependencies"]]
    results: List[Result] = []
    try:
        tools = Tools()
        with tempfile.TemporaryDirectory(prefix="release-check-", dir=options.work) as temporary:
            folder = Path(temporary)
            made = build(tools, folder / "build")
            if not options.quick:
                results = try_all(tools, made.wheel, extras, options.python or list(PYTHONS), folder, options.out / "sbom")
            if all(not result.error for result in results):
                for path in made:
                    options.out.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(path, options.out)
                say(f"written to {options.out}: {made.wheel.name}, {made.sdist.name}")
    except Unavailable as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except Failed as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    bad = [result for result in results if result.error]
    say(f"{'FAILED' if bad else 'all is well'} after {(time.monotonic() - started) / 60:.0f} minutes")
    return int(bool(bad))


def project() -> Dict[str, Any]:
    """What pyproject.toml says."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def build(tools: Tools, folder: Path) -> Distributions:
    """Builds both and checks their files. Raises Failed."""
    say("building the wheel from the tree, the sdist, and the wheel from the sdist")
    folder.mkdir()
    tracked = distributions.tracked()
    made = distributions.build(tools, tracked, folder)
    say("twine check --strict")
    tools.run("twine", "check", "--strict", *made)
    files, sources = list(distributions.hashes(made.wheel)), distributions.members(made.sdist)
    wrong = contents.faults_of_wheel(files, tracked, project()) + contents.faults_of_sdist(sources, tracked, project())
    if kit_version() not in made.wheel.name:
        wrong.append(f"{made.wheel.name} is not of version {kit_version()}")
    for path in made:
        if path.stat().st_size > contents.MEGABYTES * 10**6:
            wrong.append(f"{path.name} has {path.stat().st_size / 1e6:.1f} MB, and {contents.MEGABYTES} are much")
    say(f"{made.wheel.name}: {len(files)} files, {made.wheel.stat().st_size / 1e6:.1f} MB\n{contents.summary(files)}")
    if wrong:
        raise Failed("\n".join(wrong))
    return made


def try_all(
    tools: Tools, wheel: Path, extras: Sequence[str], versions: Sequence[str], folder: Path, boms: Path
) -> List[Result]:
    """Tries each extra on each Python, and prints the table."""
    found = dict(zip(versions, pythons(versions)))
    for version, path in found.items():
        say(f"Python {version}: {path if path.name else 'not on this machine'}")
    runs = [(name, version) for name in extras for version in versions if found[version].name and version in EXTRAS[name].pythons]
    results: List[Result] = []
    for number, (name, version) in enumerate(runs, 1):
        place = folder / f"{name}-{version}"
        result = environments.check(tools, wheel, name, EXTRAS[name], found[version], version, place)
        say(f"{number} of {len(runs)}: {name} on Python {version}: {result.cell}")
        if result.error:
            print(result.error, flush=True)
        elif version == DESCRIBED:
            sbom.write(tools, place / "environment", boms / f"{name}.cdx.json", kit_version())
        shutil.rmtree(place)
        results.append(result)
    print(table(results, extras, versions, lambda version: bool(found[version].name)))
    return results


def table(
    results: Sequence[Result], extras: Sequence[str], versions: Sequence[str], here: Callable[[str], bool]
) -> str:
    """Extras by Pythons: seconds to install and to run, `-` where the extra is not for that Python."""
    cells: Dict[tuple, str] = {(result.extra, result.python): result.cell for result in results}
    rows = [
        [name, *(cells.get((name, version), "-" if here(version) else "no such Python") for version in versions)]
        for name in extras
    ]
    return columns([["extra", *versions], *rows], left=range(len(versions) + 1))


def say(text: str) -> None:
    """Prints at once, for whoever waits."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
