"""`python -m devices.doctor`: is this machine fit to run a detector, and what would mend it?

Looks at the board, its system, packages, cameras, Edge TPU, clock, heat, supply and disk. With `--root`
it looks at a recorded machine: a folder with its files and the output of its commands.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import List, Optional, Sequence, Tuple

from devices.boards import catalogue
from devices.doctor import checks
from devices.doctor.checks import FAILURE, OK, WARNING, Finding, HostUnderTest
from devices.host import time_limit
from devices.host.host import Host
from runtime.common import plugins
from runtime.common.command import run as run_command
from runtime.common.errors import InputError, KitError

INSTALL = "pip install 'edge-detection-kit[devices]'"


@dataclass(frozen=True)
class Report:
    """`findings` with the name of the check that each is of, in order; `untried` are the checks that
    only the machine itself could have done. `device` is the name of its profile, maybe empty.
    """

    board: str
    device: str
    findings: Tuple[Tuple[str, Finding], ...]
    untried: Tuple[str, ...] = ()

    def count(self, level: str) -> int:
        return sum(finding.level == level for _, finding in self.findings)

    @property
    def exit_code(self) -> int:
        """1 where something failed; warnings are no failure."""
        return 1 if self.count(FAILURE) else 0


def examine(under_test: HostUnderTest, only: Sequence[str] = ()) -> Report:
    """Does all checks, or those of `only`, each for as long as it may take. Raises InputError for a
    check that there is not.
    """
    known = checks.modules()
    names = [plugins.name_of(module) for module in known]
    for name in only:
        if name not in names:
            raise InputError(f"--only {name}: there is no such check; there are {', '.join(names)}")
    if under_test.profile is None:
        under_test = replace(under_test, profile=_profile(under_test.host))
    findings: List[Tuple[str, Finding]] = []
    untried = []
    for name, module in zip(names, known):
        if only and name not in only:
            continue
        if module.LIVE and not under_test.host.live:
            untried.append(name)
            continue
        findings += [(name, finding) for finding in _done(module, name, under_test)]
    device = under_test.profile.name if under_test.profile else ""
    return Report(catalogue.board(under_test.host), device, tuple(findings), tuple(untried))


def _profile(host: Host) -> Optional[checks.Profile]:
    try:
        return catalogue.identify(host)
    except InputError:
        # Without the packages that read profiles; the check of the board says so.
        return None


def _done(module: ModuleType, name: str, under_test: HostUnderTest) -> List[Finding]:
    def work() -> list:
        findings = []
        try:
            findings += [asdict(finding) for finding in module.check(under_test)]
        except KitError as error:
            findings.append(asdict(checks.failure(*_parts(str(error)))))
        except ImportError as error:
            findings.append(asdict(checks.failure(f"cannot be tried: {error}", INSTALL)))
        return findings

    result = time_limit.call_with_timeout(work, module.SECONDS)
    if result.problem:
        return [checks.failure(f"the check {result.problem}", f"python -m devices.doctor --only {name}, and report it")]
    return [Finding(**finding) for finding in result.value]


def _parts(message: str) -> Tuple[str, str]:
    """What is wrong and what to do, by the last semicolon of an error of the kit."""
    said, separator, fix = message.rpartition("; ")
    return (said, fix) if separator else (message, "")


def table(report: Report) -> str:
    """The report for people: a line each, and under it what mends it."""
    width = max((len(name) for name, _ in report.findings), default=0)
    lines = [f"{report.board or 'this machine'}" + (f" ({report.device})" if report.device else ""), ""]
    last = ""
    for name, finding in report.findings:
        lines.append(f"  {name if name != last else '':<{width}}  {finding.level:<7}  {finding.text}")
        if finding.fix:
            lines.append(f"  {'':<{width}}  {'':<7}  > {finding.fix}")
        last = name
    if report.untried:
        lines += ["", f"not tried on a recorded machine: {', '.join(report.untried)}"]
    counts = [(report.count(level), level) for level in (FAILURE, WARNING)]
    said = " and ".join(f"{count} {level}{'s' * (count > 1)}" for count, level in counts if count)
    return "\n".join([*lines, "", said or "all is well"])


def as_json(report: Report) -> str:
    """The report for programs."""
    content = {
        "board": report.board,
        "device": report.device,
        "ok": report.exit_code == 0,
        "counts": {level: report.count(level) for level in (OK, WARNING, FAILURE)},
        "findings": [{"check": name, **asdict(finding)} for name, finding in report.findings],
        "untried": list(report.untried),
    }
    return json.dumps(content, indent=1, ensure_ascii=False)


def main(argv: Optional[Sequence[str]] = None) -> int:
    arguments = _parser().parse_args(argv)
    if arguments.golden and not arguments.model:
        raise InputError("--golden: is for the file that --model names; give both")
    root = Path(arguments.root)
    if not host.is_dir():
        raise InputError(f"--root {root}: no such folder")
    profile = catalogue.find(arguments.device) if arguments.device else None
    if profile and profile.kind != "linux":
        raise InputError(f"--device {profile.name}: runs an app, which this cannot look at; it is for Linux devices")
    under_test = HostUnderTest(Host(host), profile, arguments.model, arguments.golden)
    report = examine(under_test, [name for part in arguments.only for name in part.split(",") if name])
    print(as_json(report) if arguments.json else table(report))
    return report.exit_code


def _parser() -> argparse.ArgumentParser:
    listed = "\n".join(f"  {plugins.name_of(module):<12} {module.TITLE}" for module in checks.modules())
    parser = argparse.ArgumentParser(
        prog="python -m devices.doctor",
        description="Looks at this machine, and says what would keep a detector from running well on it.",
        epilog=f"checks:\n{listed}\n\nexit codes: 0 nothing failed, 1 something did, 2 wrong usage",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--device", default="", metavar="NAME", help="what it should be; else found out")
    parser.add_argument("--model", default="", metavar="FILE", help="a .tflite file to try on its engine")
    parser.add_argument("--golden", default="", metavar="DIR", help="images and what that file finds in them")
    parser.add_argument("--only", action="append", default=[], metavar="CHECKS", help="these checks, by name")
    parser.add_argument("--root", default="/", metavar="DIR", help="look at the machine recorded in this folder")
    parser.add_argument("--json", action="store_true", help="for programs")
    return parser


if __name__ == "__main__":
    run_command(main)
