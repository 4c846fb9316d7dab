"""`python -m devices.doctor`: checks whether this machine is fit to run a detector, and says how to fix what is not.

It checks the board, the system, packages, cameras, the Edge TPU, the clock, temperature, power supply and disk. With
`--root` it checks a recorded machine: a folder with its files and the output of its commands.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Dict, List, Optional, Sequence, Tuple

from devices.boards import catalogue
from devices.boards.profile import Profile
from devices.doctor import checks
from devices.doctor.checks import FAILURE, OK, WARNING, Finding, HostUnderTest
from devices.host import time_limit
from devices.host.host import Host
from runtime.common import plugins
from runtime.common.command import run as run_command
from runtime.common.command_parser import Parser
from runtime.common.errors import InputError, KitError

INSTALL = "pip install 'edge-detection-kit[devices]'"


@dataclass(frozen=True)
class Report:
    """The results of all checks.

    `findings` are in the order of the checks, each with the name of its check. `untried` are the checks that cannot
    be done on a recorded machine. `device` is the name of the machine's profile, empty where it has none.
    """

    board: str
    device: str
    findings: Tuple[Tuple[str, Finding], ...]
    untried: Tuple[str, ...] = ()

    def count(self, level: str) -> int:
        """The number of findings of a level."""
        return sum(finding.level == level for _, finding in self.findings)

    @property
    def exit_code(self) -> int:
        """1 where there are failures, else 0; warnings do not count."""
        return 1 if self.count(FAILURE) else 0


def examine(under_test: HostUnderTest, only: Sequence[str] = ()) -> Report:
    """Runs all checks, or those named in `only`, each with its timeout. Raises InputError for an unknown check."""
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
        findings += [(name, finding) for finding in _run_check(module, name, under_test)]
    device = under_test.profile.name if under_test.profile else ""
    return Report(catalogue.board(under_test.host), device, tuple(findings), tuple(untried))


def _profile(host: Host) -> Optional[Profile]:
    try:
        return catalogue.identify(host)
    except InputError:
        # The packages that read profiles are missing; the check of the board reports it.
        return None


def _run_check(module: ModuleType, name: str, under_test: HostUnderTest) -> List[Finding]:
    def work() -> List[Dict[str, str]]:
        findings: List[Dict[str, str]] = []
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
    """Splits an error of the kit at its last semicolon into the problem and the fix."""
    problem, separator, fix = message.rpartition("; ")
    return (problem, fix) if separator else (message, "")


def table(report: Report) -> str:
    """The report as text: a line for each finding, and its fix below it."""
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
    summary = " and ".join(f"{count} {level}{'s' * (count > 1)}" for count, level in counts if count)
    return "\n".join([*lines, "", summary or "all is well"])


def as_json(report: Report) -> str:
    """The report as JSON. The fix of a finding is called `mend` there."""
    content = {
        "board": report.board,
        "device": report.device,
        "ok": report.exit_code == 0,
        "counts": {level: report.count(level) for level in (OK, WARNING, FAILURE)},
        "findings": [
            {"check": name, "level": finding.level, "text": finding.text, "mend": finding.fix}
            for name, finding in report.findings
        ],
        "untried": list(report.untried),
    }
    return json.dumps(content, indent=1, ensure_ascii=False)


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Runs the command; gives its exit code: 1 where a check failed."""
    arguments = _parser().parse_args(argv)
    if arguments.golden and not arguments.model:
        raise InputError("--golden: is for the file that --model names; give both")
    root = Path(arguments.root)
    if not root.is_dir():
        raise InputError(f"--root {root}: no such folder")
    profile = catalogue.find(arguments.device) if arguments.device else None
    if profile and profile.kind != "linux":
        raise InputError(f"--device {profile.name}: runs an app, which cannot be checked here; give a Linux device")
    under_test = HostUnderTest(Host(root), profile, arguments.model, arguments.golden)
    report = examine(under_test, [name for part in arguments.only for name in part.split(",") if name])
    print(as_json(report) if arguments.json else table(report))
    return report.exit_code


def _parser() -> argparse.ArgumentParser:
    listed = "\n".join(f"  {plugins.name_of(module):<12} {module.TITLE}" for module in checks.modules())
    parser = Parser(
        prog="python -m devices.doctor",
        description="Checks this machine for everything that would keep a detector from running well.",
        epilog=f"checks:\n{listed}\n\nexamples:\n"
        "  python -m devices.doctor\n"
        "  python -m devices.doctor --model detector_int8.tflite --only model,edgetpu\n\n"
        "exit codes: 0 nothing failed, 1 something failed, 2 wrong usage",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument_group("what is checked").add_argument
    add("--device", default="", metavar="NAME", help="what the machine should be (default: what it looks like)")
    add("--model", default="", metavar="FILE", help="a .tflite file to run on its engine (default: none)")
    add("--golden", default="", metavar="DIR", help="images with the expected detections of --model (default: none)")
    add("--only", action="append", default=[], metavar="CHECKS", help="run these checks, by name (default: all)")
    add("--root", default="/", metavar="DIR", help="check the machine that is recorded in this folder (default /)")
    parser.add_argument_group("output").add_argument("--json", action="store_true", help="print the report as JSON")
    return parser


if __name__ == "__main__":
    run_command(main)
