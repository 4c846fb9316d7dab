"""The networks as a table: what `python -m train --models` prints."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from runtime.common.tables import aligned
from train import models


def table() -> str:
    """A block of lines for each network, the default first."""
    names = sorted(models.names(), key=lambda name: (name != models.DEFAULT, name))
    return "\n\n".join(_block(name) for name in names)


def _block(name: str) -> str:
    network = models.find(name)
    facts, sizes = network.facts, network.sizes
    step = f"multiples of {sizes.multiple}" if sizes.multiple > 1 else "any"
    default = " (the default)" if name == models.DEFAULT else ""
    rows = [
        ("what", facts.title),
        ("for", facts.about),
        ("sizes", f"{sizes.default}; {step} from {sizes.least} to {sizes.greatest}, square or HEIGHTxWIDTH"),
        ("COCO AP", f"{facts.ap:g} as published, {facts.multiply_adds:g} thousand million multiply-adds"),
        ("weights", f"{facts.weights}, {facts.licence}"),
    ]
    return f"{name}{default}\n{aligned(rows)}"


class ListModels(argparse.Action):
    """An argparse action that prints the table and ends the program."""

    def __init__(self, option_strings: Sequence[str], dest: str, **kwargs: Any):
        super().__init__(option_strings, dest, nargs=0, **kwargs)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Prints the table."""
        print(table())
        parser.exit()
