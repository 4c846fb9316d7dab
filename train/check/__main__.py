"""`python -m train.check DATA`: what is wrong with a data set, before an hour is spent on it.

Reads and decodes every image, and says of each finding where it is and what to do.
Exit 0: it can be trained. 1: it has a failure. 2: there is no data set to read.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from runtime.common.command import run
from runtime.common.errors import InputError
from runtime.common.tables import columns
from train.check import checks
from train.check.checks import FAILURE, OK, WARNING, Finding, number
from train.check.statistics.dataset_statistics import SPLITS, Survey, survey
from train.dataset import options

_CLASSES = 20
_PLACES = 3


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    _check_out(arguments.out)
    looked_at = survey(
        arguments.data,
        size=arguments.size,
        **options.given(arguments),
        progress=sys.stderr.isatty(),
    )
    findings = checks.run(looked_at)
    if arguments.json:
        print(json.dumps(as_dict(looked_at, findings)))
    else:
        print(as_text(looked_at, findings, min(shutil.get_terminal_size((100, 0)).columns, 120)))
    if arguments.out:
        from train.check import page

        page.write(looked_at, findings, arguments.out)
        print(f"written: {arguments.out}", file=sys.stderr)
    return 0 if checks.trainable(findings) else 1


def as_dict(looked_at: Survey, findings: Sequence[Finding]) -> dict[str, Any]:
    """Everything for programs; of a finding's places the first hundred."""
    counts = {split: looked_at.label_counts(split) for split in SPLITS}
    return {
        "data": looked_at.name,
        "size": looked_at.size,
        "trainable": checks.trainable(findings),
        "pictures": {split: len(looked_at.of(split)) for split in SPLITS},
        "boxes": {label: {split: counts[split][label] for split in SPLITS} for label in looked_at.labels},
        "findings": [{key: value for key, value in asdict(found).items() if key != "images"} for found in findings],
    }


def as_text(looked_at: Survey, findings: Sequence[Finding], width: int = 100) -> str:
    """Counts by class and split, then what was found, failures first, in lines of up to `width`."""
    parts = [_counts(looked_at)]
    names = max((len(found.check) for found in findings), default=0)
    for severity, title in ((FAILURE, "failures"), (WARNING, "warnings"), (OK, "ok")):
        chosen = [found for found in findings if found.severity == severity]
        if chosen:
            parts.append("\n".join([title, *(line for found in chosen for line in _lines(found, names, width))]))
    return "\n\n".join([*parts, verdict(looked_at, findings)])


def verdict(looked_at: Survey, findings: Sequence[Finding]) -> str:
    """One sentence: can it be trained."""
    failures, warnings = (sum(found.severity == kind for found in findings) for kind in (FAILURE, WARNING))
    if failures:
        return f"{looked_at.name} should not be trained as it is: {number(failures, 'failure')}, {number(warnings, 'warning')}"
    return f"{looked_at.name} can be trained" + (f"; {number(warnings, 'warning')}" if warnings else "")


def _counts(looked_at: Survey) -> str:
    counts = [looked_at.label_counts(split) for split in SPLITS]
    rows: list[Sequence[object]] = [(looked_at.name, *SPLITS)]
    rows.append(("images", *(f"{len(looked_at.of(split)):,}" for split in SPLITS)))
    rows.append(("boxes", *(f"{sum(count.values()):,}" for count in counts)))
    names = sorted(looked_at.labels, key=lambda name: -counts[0][name])
    rows += [(f"  {name}", *(f"{count[name]:,}" for count in counts)) for name in names[:_CLASSES]]
    if rest := names[_CLASSES:]:
        rows.append((f"  {len(rest)} more classes", *(f"{sum(count[name] for name in rest):,}" for count in counts)))
    return columns(rows)


def _lines(found: Finding, names: int, width: int) -> list[str]:
    indent = " " * (names + 4)

    def wrapped(text: str, first: str, later: str) -> list[str]:
        return textwrap.wrap(text, max(width, 40), initial_indent=first, subsequent_indent=later, break_long_words=False)

    lines = wrapped(found.what, f"  {found.check.ljust(names)}  ", indent)
    if found.severity == OK:
        return lines
    for place in found.where[:_PLACES]:
        lines += wrapped(place, f"{indent}- ", f"{indent}  ")
    if found.places > _PLACES:
        lines.append(f"{indent}- and {found.places - _PLACES:,} more")
    return lines + (wrapped(found.do, f"{indent}> ", f"{indent}  ") if found.do else [])


def _check_out(out: str | None) -> None:
    if out is not None and (Path(out).is_dir() or Path(out).suffix.lower() not in (".html", ".htm")):
        raise InputError(f"--out {out}: name an .html file")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m train.check", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", metavar="DATA", help="folder or zip file with labelled images")
    parser.add_argument("--size", type=int, choices=(320, 640), default=320, help="side of the network's input (320)")
    parser.add_argument("--out", metavar="FILE.html", help="also write a page with images and charts")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options.add(parser)
    return parser


if __name__ == "__main__":
    run(main)
