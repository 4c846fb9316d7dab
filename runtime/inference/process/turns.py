"""Whose turn it is at engines that several use: each that waits gets one turn, in the order in which they began to wait."""

from __future__ import annotations

from typing import Dict, Generic, Optional, Tuple, TypeVar

Who = TypeVar("Who")


class Turns(Generic[Who]):
    """Those that wait for a turn. Whoever had one and wants another goes behind all others.

    So all that always want one get equally many, and one that seldom wants one waits for one turn of each other at most.
    Not for several threads at once.
    """

    def __init__(self) -> None:
        # A dict keeps the order in which keys were added.
        self._waiting: Dict[Who, int] = {}

    def wait(self, who: Who, most: int) -> None:
        """`who` waits until fewer than `most` inputs are in an engine; where it waits already, it keeps its place."""
        self._waiting[who] = most

    def leave(self, who: Who) -> None:
        """`who` waits no longer: it has its turn, or wants none."""
        self._waiting.pop(who, None)

    @property
    def first(self) -> Optional[Tuple[Who, int]]:
        """Who is next, and the number for which it waits; None where nobody waits.

        Nobody goes before it, even where its number is smaller than that of others: it would never have its turn.
        """
        return next(iter(self._waiting.items()), None)
