"""The networks, one a file: each offers `NETWORK`, a `train.network.network.Network`. Its name is that of the file.

A file imports TensorFlow in its functions only, so that the networks can be listed, and data can be checked for one,
without it. Files whose names begin with `_` are no networks.
"""

from __future__ import annotations

import functools
import pkgutil
from importlib import import_module

from runtime.common.errors import InputError
from train.network.network import Network

DEFAULT = "ssd_mobilenet_v2_fpnlite"


def names() -> tuple[str, ...]:
    """The names of all networks, sorted."""
    return tuple(sorted(info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_")))


@functools.cache
def find(name: str) -> Network:
    """The network of this name. Raises InputError if there is none."""
    if name not in names():
        raise InputError(f"{name!r} is no network of this kit; there are {', '.join(names())}")
    network: Network = import_module(f"{__name__}.{name}").NETWORK
    return network
