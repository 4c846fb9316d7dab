"""Builds the documentation site from docs/ and the code.

Pages of commands, of runtime.yaml, of the networks and of the Python API are made from the code; the others are
docs/*.md. A link that leads nowhere ends the build with 1. The site needs no network: open its index.html, or serve the
folder.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from docs.generator import external_links, site
from docs.generator.commands import ROOT
from runtime.common.command import run
from runtime.common.command_parser import command_parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    arguments = _parser().parse_args(argv)
    if arguments.external or arguments.check_online:
        return _external(arguments.check_online)
    site.build(arguments.out, ROOT / "build" / "docs")
    print(f"the site is {arguments.out}/index.html", file=sys.stderr)
    return 0


def _external(online: bool) -> int:
    addresses = external_links.external()
    faults = external_links.faults(addresses) if online else {}
    for address, places in addresses.items():
        if not online or address in faults:
            print(f"{address}  {faults.get(address, '')}\n  {', '.join(places)}")
    return int(bool(faults))


def _parser() -> argparse.ArgumentParser:
    parser = command_parser("python -m docs.generator", __doc__)
    parser.add_argument(
        "--out", type=Path, default=ROOT / "site", metavar="DIR", help="folder of the site, made anew (default: site)"
    )
    parser.add_argument("--external", action="store_true", help="build nothing; list the links to the web, each once")
    parser.add_argument(
        "--check-online", action="store_true", help="build nothing; list the links to the web that fail"
    )
    return parser


if __name__ == "__main__":
    run(main)
