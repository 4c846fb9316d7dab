"""Groups of things that belong together, found one pair at a time (union-find, Tarjan 1975)."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

_Thing = TypeVar("_Thing", bound=Hashable)


class Groups(Generic[_Thing]):
    """At first, each thing is a group of its own."""

    def __init__(self) -> None:
        self._parents: dict[_Thing, _Thing] = {}
        self._ages: dict[_Thing, int] = {}

    def add(self, thing: _Thing) -> None:
        """Adds a thing."""
        self._parents[thing] = thing
        self._ages[thing] = len(self._ages)

    def join(self, one: _Thing, other: _Thing) -> None:
        """Says that both belong together."""
        first, second = sorted((self.first(one), self.first(other)), key=self._ages.__getitem__)
        self._parents[second] = first

    def first(self, thing: _Thing) -> _Thing:
        """The one of the things in this one's group that was added first."""
        while self._parents[thing] != thing:
            # The way is shortened for the next time.
            self._parents[thing] = self._parents[self._parents[thing]]
            thing = self._parents[thing]
        return thing
