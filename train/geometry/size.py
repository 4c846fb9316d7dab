"""The size of a network's input."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from runtime.common.errors import InputError

_WORDS = re.compile(r"(\d{1,5})(?:\s*[xX]\s*(\d{1,5}))?")


class InputSize(NamedTuple):
    """Height and width of a network's input, in pixels."""

    height: int
    width: int

    @classmethod
    def of(cls, value: int | str | Sequence[int]) -> InputSize:
        """The size that `value` stands for: a side, "320", or "192x320", which is height x width.

        Raises InputError for what is no size.
        """
        if isinstance(value, str):
            match = _WORDS.fullmatch(value.strip())
            if not match:
                raise InputError(
                    f"{value!r} is no input size; give a side in pixels such as 320, or HEIGHTxWIDTH such as 192x320"
                )
            return cls(int(match[1]), int(match[2] or match[1]))
        if isinstance(value, int):
            return cls(value, value)
        height, width = value
        return cls(height, width)

    @property
    def square(self) -> bool:
        """Whether both sides are the same."""
        return self.height == self.width

    @property
    def recorded(self) -> int | str:
        """The size as files and options have it: the side where it is square, else "192x320"."""
        return self.height if self.square else f"{self.height}x{self.width}"

    @property
    def about(self) -> str:
        """The size in a sentence: "320 x 320"."""
        return f"{self.height} x {self.width}"

    @property
    def pixels(self) -> int:
        """How many pixels such an image has."""
        return self.height * self.width

    def __str__(self) -> str:
        return str(self.recorded)


class SizeRule(NamedTuple):
    """Which sizes a network takes: sides that are multiples of `multiple`, from `least` to `greatest` pixels.

    `default` is the size that is taken where none is named.
    """

    default: InputSize
    multiple: int = 32
    least: int = 96
    greatest: int = 1280

    def fault(self, size: InputSize) -> str:
        """What is wrong with `size`, with the nearest that are taken; empty where nothing is."""
        wrong = [side for side in size if side % self.multiple or not self.least <= side <= self.greatest]
        if not wrong:
            return ""
        near = self.nearest(size)
        step = f"multiples of {self.multiple} " if self.multiple > 1 else ""
        return f"sides are {step}from {self.least} to {self.greatest}, not {size}; the nearest is {near}"

    def nearest(self, size: InputSize) -> InputSize:
        """The size that is taken and whose sides are nearest to those of `size`."""
        return InputSize(*(self._near(side) for side in size))

    def _near(self, side: int) -> int:
        steps = -(-self.least // self.multiple), self.greatest // self.multiple
        return min(max(round(side / self.multiple), steps[0]), steps[1]) * self.multiple
