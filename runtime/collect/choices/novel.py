"""A frame unlike those that were kept: other light, another place, another season."""

from __future__ import annotations

import argparse
from collections import deque
from typing import Deque, Iterable, Optional

from runtime.collect.choices import Choice
from runtime.collect.fingerprint import BITS, distance, fingerprint
from runtime.collect.moment import Moment, Pick

HELP = "novel=BITS"
DEFAULT = "12"

# Hashes that a frame is compared with: the latest that were picked.
_MOST = 2000
# Seconds between two frames that are hashed: scenes change slowly, and a hash takes a millisecond.
_INTERVAL = 0.5


def read(text: str) -> int:
    """A whole number of bits from 1 to 64."""
    bits = int(text)
    if not 1 <= bits <= BITS:
        raise argparse.ArgumentTypeError(f"a hash has {BITS} bits; give 1 to {BITS}")
    return bits


def connect(bits: int) -> Choice:
    """Picks frames whose hashes differ from those of all picked ones in at least `bits` bits."""
    return Novel(bits)


class Novel(Choice):
    """Picks frames by their perceptual hash; the further from all that were picked, the worthier."""

    def __init__(self, bits: int) -> None:
        self._bits = bits
        self._known: Deque[int] = deque(maxlen=_MOST)
        self._hashed_at: Optional[float] = None

    def picks(self, moment: Moment) -> Iterable[Pick]:
        """The moment itself."""
        if self._hashed_at is not None and 0 <= moment.time - self._hashed_at < _INTERVAL:
            return
        self._hashed_at = moment.time
        found = fingerprint(moment.frame.image)
        # Hashes of unlike images differ in half of the bits.
        nearest = min((distance(found, known) for known in self._known), default=BITS // 2)
        if nearest >= self._bits:
            self._known.append(found)
            yield Pick(moment, min(1.0, 0.25 + nearest / BITS))
