"""Finds a learning rate: a range test, in which the rate grows from step to step until the loss diverges.

The loss falls while the rate is useful and grows where it is too high (Smith 2017). A tenth of the rate at which it was
lowest is suggested for `python -m train --rate`. Give the batch, the initial weights and the other options that training
will have. The curve is drawn on a page.

Examples:
  python -m train.find_rate data
  python -m train.find_rate data --init none --batch 16 --steps 200 --low 1e-4 --high 3 --out rate.html
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from runtime.common.command import run, spelling
from runtime.common.command_parser import command_parser
from runtime.common.errors import InputError
from train.dataset.summary import describe
from train.layers import tensorflow_setup
from train.run import arguments
from train.run.options import Options, check, option_name

STEPS = 100
LOW, HIGH = 1e-4, 1.0
PAGE = "find_rate.html"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command with the arguments `argv`, by default those of the process. Returns the exit code."""
    args = _parser().parse_args(argv)
    out = Path(args.out)
    if out.is_dir():
        raise InputError(f"{out}: is a folder; name a file in it, such as {out / PAGE}")
    given = arguments.given(args)
    options = Options(**given)
    check(options)
    dataset = options.open(args.data)
    print(describe(dataset), file=sys.stderr, flush=True)
    tensorflow_setup.prepare()
    from train.report import rate_page
    from train.training.rate_sweep import sweep

    curve = sweep(dataset, options, args.low, args.high)
    rate = curve.suggestion
    use = f"{spelling('train', 'train')} {shlex.quote(args.data)} --out runs/NAME --rate {rate:.2g}{_words(given)}"
    swept = [("rates", f"{args.low:g} to {args.high:g}"), ("steps", str(options.steps))]
    rate_page.write(out, dataset.name, curve, use, [*swept, *((name, str(value)) for name, value in given.items() if name != "steps")])
    if args.json:
        points = {"rates": curve.rates, "losses": curve.losses, "smoothed": curve.smoothed}
        print(json.dumps({"rate": rate, "diverged": curve.diverged, **points}))
    else:
        print(f"{rate:.2g}")
    falls = f"\nThe loss still fell at {args.high:g}: a test with a higher --high may find a higher rate." if curve.falls_to_the_end else ""
    print(f"\nThe curve: {out}{falls}\nTo train with this rate: {use}", file=sys.stderr)
    return 0


def _words(given: Mapping[str, Any]) -> str:
    """The options of the test that training needs too, as on the command line."""
    words = ""
    for name, value in given.items():
        if isinstance(value, bool):
            words += f" {option_name(name)}"
        elif name != "steps":
            words += f" {option_name(name)} {shlex.quote(str(value))}"
    return words


def _parser() -> argparse.ArgumentParser:
    parser = command_parser("python -m train.find_rate", __doc__)
    parser.add_argument("data", metavar="DATA", help="folder or zip file with labelled images")
    test = parser.add_argument_group("test")
    test.add_argument("--steps", type=int, default=STEPS, metavar="N", help=f"training steps ({STEPS})")
    test.add_argument("--low", type=float, default=LOW, metavar="R", help=f"rate to start from ({LOW:g})")
    test.add_argument("--high", type=float, default=HIGH, metavar="R", help=f"rate to end with ({HIGH:g})")
    output = parser.add_argument_group("output")
    output.add_argument("--out", default=PAGE, metavar="FILE", help=f"page with the curve ({PAGE})")
    output.add_argument("--json", action="store_true", help="print one JSON object with the rate and the curve")
    arguments.add_start(parser.add_argument_group("training"))
    arguments.add_data(parser.add_argument_group("data"))
    arguments.add_images(parser.add_argument_group("augmentation"))
    arguments.add_recipe(parser.add_argument_group("optimization"))
    return parser


if __name__ == "__main__":
    run(main)
