"""Check a data set before training: damaged images, bad boxes, duplicates, class balance, anchors.

Reads and decodes every image. Each finding says where it is and what to do about it.

Exit codes:
  0  the data set can be trained
  1  at least one check failed
  2  there is no data set to read

Examples:
  python -m train.check data
  python -m train.check forms.zip --size 640 --out forms.html
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
from runtime.common.command_parser import command_parser
from runtime.common.errors import InputError
from runtime.common.tables import columns
from train.check import checks
from train.check.checks import FAILURE, OK, WARNING, Finding, counted
from train.check.statistics.dataset_statistics import SPLITS, DatasetStatistics, gather
from train.dataset import options as data_options
from train.run import arguments as run_arguments
from train.run.options import Options, check

_CLASSES = 20
_PLACES = 3


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    arguments = _parser().parse_args(argv)
    _check_out(arguments.out)
    options = Options(**{name: getattr(arguments, name) for name in ("model", "size", "tiles") if name in arguments})
    check(options)
    statistics = gather(
        arguments.data,
        network=options.network,
        size=options.input_size,
        tiles=options.grid,
        **data_options.open_arguments(arguments),
        progress=sys.stderr.isatty(),
    )
    findings = checks.run(statistics)
    if arguments.json:
        print(json.dumps(as_dict(statistics, findings)))
    else:
        width = min(shutil.get_terminal_size((100, 0)).columns, 120)
        if arguments.why:
            print(_why(statistics, width), end="\n\n")
        print(as_text(statistics, findings, width))
    if arguments.out:
        from train.check import page

        page.write(statistics, findings, arguments.out)
        print(f"written: {arguments.out}", file=sys.stderr)
    return 0 if checks.trainable(findings) else 1


def as_dict(statistics: DatasetStatistics, findings: Sequence[Finding]) -> dict[str, Any]:
    """Returns the result for `--json`, with the first hundred locations of each finding."""
    counts = {split: statistics.label_counts(split) for split in SPLITS}
    return {
        "data": statistics.name,
        "model": statistics.network.name,
        "size": statistics.size.recorded,
        "tiles": None if statistics.tiles is None else str(statistics.tiles),
        "format": statistics.format,
        "reasons": statistics.reasons,
        "trainable": checks.trainable(findings),
        "pictures": {split: len(statistics.in_split(split)) for split in SPLITS},
        "boxes": {label: {split: counts[split][label] for split in SPLITS} for label in statistics.labels},
        "findings": [{key: value for key, value in asdict(found).items() if key != "images"} for found in findings],
    }


def as_text(statistics: DatasetStatistics, findings: Sequence[Finding], width: int = 100) -> str:
    """Returns counts by class and split, and the findings, failures first, in lines of up to `width` characters."""
    parts = [_counts(statistics)]
    names = max((len(found.check) for found in findings), default=0)
    for severity, title in ((FAILURE, "failures"), (WARNING, "warnings"), (OK, "ok")):
        chosen = [found for found in findings if found.severity == severity]
        if chosen:
            parts.append("\n".join([title, *(line for found in chosen for line in _lines(found, names, width))]))
    return "\n\n".join([*parts, verdict(statistics, findings)])


def verdict(statistics: DatasetStatistics, findings: Sequence[Finding]) -> str:
    """Returns a sentence that says if the data set can be trained."""
    failures, warnings = (sum(found.severity == kind for found in findings) for kind in (FAILURE, WARNING))
    if failures:
        return f"{statistics.name} should not be trained as it is: {counted(failures, 'failure')}, {counted(warnings, 'warning')}"
    return f"{statistics.name} can be trained" + (f"; {counted(warnings, 'warning')}" if warnings else "")


def _counts(statistics: DatasetStatistics) -> str:
    counts = [statistics.label_counts(split) for split in SPLITS]
    rows: list[Sequence[object]] = [(statistics.name, *SPLITS)]
    rows.append(("images", *(f"{len(statistics.in_split(split)):,}" for split in SPLITS)))
    rows.append(("boxes", *(f"{sum(count.values()):,}" for count in counts)))
    names = sorted(statistics.labels, key=lambda name: -counts[0][name])
    rows += [(f"  {name}", *(f"{count[name]:,}" for count in counts)) for name in names[:_CLASSES]]
    if rest := names[_CLASSES:]:
        rows.append((f"  {len(rest)} more classes", *(f"{sum(count[name] for name in rest):,}" for count in counts)))
    return columns(rows)


def _why(statistics: DatasetStatistics, width: int) -> str:
    lines = [f"read as {statistics.format}" if statistics.format else "read in no format"]
    for reason in statistics.reasons:
        lines += textwrap.wrap(reason, max(width, 40), initial_indent="  ", subsequent_indent="    ", break_long_words=False)
    return "\n".join(lines)


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
    lines += wrapped(found.do, f"{indent}> ", f"{indent}  ") if found.do else []
    # Unbroken, to be copied.
    return lines + ([f"{indent}> {found.command}"] if found.command else [])


def _check_out(out: str | None) -> None:
    if out is not None and (Path(out).is_dir() or Path(out).suffix.lower() not in (".html", ".htm")):
        raise InputError(f"--out {out}: name an .html file")


def _parser() -> argparse.ArgumentParser:
    parser = command_parser("python -m train.check", __doc__)
    parser.add_argument("data", nargs="+", metavar="DATA", help="folder or zip file with labelled images; several are read as one")
    run_arguments.add_model(parser)
    run_arguments.add_tiles(parser)
    parser.add_argument("--why", action="store_true", help="say why the data is read in its format")
    data_options.add(parser)

    output = parser.add_argument_group("output")
    output.add_argument("--out", metavar="FILE.html", help="also write a page with images and charts")
    output.add_argument("--json", action="store_true", help="print a JSON object instead of text")
    return parser


if __name__ == "__main__":
    run(main)
