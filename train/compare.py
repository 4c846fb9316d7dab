"""Compare training runs: the settings in which they differ, and their figures side by side.

A star marks the best figure if all runs were validated on the same data. Where one run went on from another (`--from`),
both are measured on the validation images of both.

Examples:
  python -m train.compare runs/ONE runs/TWO
  python -m train.compare runs/* --json
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from runtime.common.command import run as run_command
from runtime.common.command_parser import command_parser
from runtime.common.errors import InputError
from runtime.common.tables import columns
from train.evaluation.coco import FIGURES
from train.report import earlier_images
from train.run.run_folder import RunFolder, open_run
from train.run.settings import flat

_TIMINGS = ("step", "steps", "seconds", "images_per_second")
# Paths of records are not compared: the same data has the same fingerprint in any folder.
_RECORD_FILES = ("task.train_data.files", "task.validation_data.files")
_DATA = "data.fingerprint"
_MAX_WIDTH = 28
# Settings that a user gives; the others follow from them.
_GIVEN = ("options.", "data.")


def compare(runs: Sequence[RunFolder]) -> dict[str, Any]:
    """Returns the settings that differ, and all figures, as lists with one value per run (None if it has none).

    The result is `{"runs": [...], "settings": {name: [...]}, "figures": {name: [...]}}`. Raises InputError
    for a run that has not ended.
    """
    configs = [flat(run.config()) for run in runs]
    metrics = [run.metrics() for run in runs]
    names = dict.fromkeys(name for config in configs for name in config if name not in _RECORD_FILES)
    settings = {name: [config.get(name) for config in configs] for name in names}
    classes = dict.fromkeys(label for found in metrics for label in found.get("per_class", {}))
    figures = {name: [found.get(name) for found in metrics] for name in (*FIGURES, *_TIMINGS)}
    figures |= {f"AP {label}": [found.get("per_class", {}).get(label) for found in metrics] for label in classes}
    return {
        "runs": _names([run.path for run in runs]),
        "settings": {name: values for name, values in settings.items() if len(set(values)) > 1},
        "figures": {name: values for name, values in figures.items() if any(value is not None for value in values)},
    }


def as_text(compared: dict[str, Any]) -> str:
    """Returns an aligned table with a column per run; a star marks the best figure if the data is the same."""
    settings = compared["settings"]
    same = _DATA not in settings
    rows: list[Sequence[object]] = [("", *compared["runs"])]
    given = [name for name in settings if name.startswith(_GIVEN)]
    # If options differ, the other settings follow from them and are not shown.
    shown = given if any(name.startswith("options.") for name in given) else list(settings)
    rows += [(name, *map(_short, settings[full])) for name, full in _suffixes(shown)]
    if len(shown) < len(settings):
        rows.append((f"{len(settings) - len(shown)} that follow, see --json",))
    rows += [()] if settings else [("no setting differs",), ()]
    rows += [(name, *_figures(name, values, same)) for name, values in compared["figures"].items()]
    text = columns(rows)
    return text if same else f"{text}\n\nThese runs were measured on different data, so that their figures say little of each other."


def _figures(name: str, values: Sequence[float | None], same_data: bool) -> list[str]:
    if name in _TIMINGS:
        return ["-" if value is None else f"{value:,.1f} " if isinstance(value, float) else f"{value:,} " for value in values]
    known = {value for value in values if value is not None}
    best = max(known) if same_data and len(known) > 1 else None
    return ["- " if value is None else f"{value:.3f}" + ("*" if value == best else " ") for value in values]


def _short(value: str | None) -> str:
    if value is None:
        return "-"
    return value if len(value) <= _MAX_WIDTH else f"...{value[3 - _MAX_WIDTH :]}"


def _suffixes(names: Sequence[str]) -> list[tuple[str, str]]:
    """Returns (suffix, name) of each name; the suffix has two parts, or as many as make it unique."""
    found = []
    for name in names:
        parts = name.split(".")
        ends = (".".join(parts[-count:]) for count in range(min(2, len(parts)), len(parts) + 1))
        short = next(end for end in ends if sum(f".{other}".endswith(f".{end}") for other in names) == 1)
        found.append((short, name))
    return found


def _names(paths: Sequence[Path]) -> list[str]:
    """Returns the last parts of the paths, as many as make them unique."""
    parts = [path.resolve().parts for path in paths]
    for count in range(1, max(map(len, parts)) + 1):
        names = ["/".join(part[-count:]) for part in parts]
        if len(set(names)) == len(names):
            break
    return names


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    parser = command_parser("python -m train.compare", __doc__)
    parser.add_argument("runs", nargs="+", metavar="RUN", help="folders of runs that have ended, at least two")
    parser.add_argument("--json", action="store_true", help="print a JSON object instead of a table")
    arguments = parser.parse_args(argv)
    if len(arguments.runs) < 2:
        raise InputError("give at least two runs to compare")
    runs = [open_run(path) for path in arguments.runs]
    compared = compare(runs)
    continued = [earlier_images.compare(*pair) for pair in earlier_images.pairs(runs)]
    if arguments.json:
        print(json.dumps({**compared, "continued": [asdict(found) for found in continued]}))
    else:
        print("\n\n".join([as_text(compared), *map(str, continued)]))
    return 0


if __name__ == "__main__":
    run_command(main)
