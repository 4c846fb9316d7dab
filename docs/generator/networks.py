"""The page of the networks: what each is for, its sizes and its published figures."""

from __future__ import annotations

from docs.generator.markdown import code, escaped, table
from train import models
from train.network.network import Network

PATH = "reference/networks.md"

_HEAD = """\
# Networks

`edk train --model NAME` trains one of these; `edk train --models` prints the list. `--size` is a side, or
HEIGHTxWIDTH. COCO AP is the published figure at the default size with COCO's classes, and so is the number of
multiply-adds of an image. How to choose: [Networks and sizes](../how-to/networks.md).
"""


def pages() -> dict[str, str]:
    """The page by its path below docs/."""
    names = (models.DEFAULT, *(name for name in models.names() if name != models.DEFAULT))
    networks = [models.find(name) for name in names]
    rows = [_row(network) for network in networks]
    parts = [_HEAD.rstrip(), table(["`--model`", "COCO AP", "multiply-adds", "default size", "other sizes"], rows)]
    for network in networks:
        parts += [f"## {network.name}", *_details(network)]
    return {PATH: "\n\n".join(parts) + "\n"}


def _row(network: Network) -> list[str]:
    facts, sizes = network.facts, network.sizes
    name = f"[`{network.name}`](#{network.name})" + (" (default)" if network.name == models.DEFAULT else "")
    step = f"multiples of {sizes.multiple}" if sizes.multiple > 1 else "any"
    others = f"{step} from {sizes.least} to {sizes.greatest}"
    return [name, f"{facts.ap:g}", f"{facts.multiply_adds:g} G", str(sizes.default), others]


def _details(network: Network) -> list[str]:
    facts, defaults = network.facts, network.defaults
    kept = "" if defaults.ema is None else f", and a moving average of the weights ({defaults.ema:g})"
    lines = [
        f"{escaped(facts.title)}. {escaped(facts.about[:1].upper() + facts.about[1:])}.",
        f"Published weights: {escaped(facts.weights)}; {escaped(facts.licence)}.",
        f"Trained with {defaults.optimizer.upper()} at a rate of {defaults.tuning_rate:g} from trained weights, "
        f"{defaults.rate:g} from random ones, at batch 8{kept}.",
    ]
    refused = sorted({f"--{name.replace('_', '-')}" for name in network.without})
    if refused:
        lines.append(f"Refused, since they mean nothing here: {', '.join(map(code, refused))}.")
    return lines
