"""Where the texts beside boxes are drawn so that they stay legible, and the characters that a font has for them."""

from __future__ import annotations

import unicodedata
from typing import List, Sequence, Tuple

# Left, top, right, bottom in pixels.
Rectangle = Tuple[float, float, float, float]

# Letters that do not come apart into one of ASCII and a mark.
_SPELT = str.maketrans({"ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O"})
_SPELT.update(str.maketrans({"ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "þ": "th", "ð": "d"}))


def place(
    boxes: Sequence[Rectangle], sizes: Sequence[Tuple[float, float]], width: float, height: float
) -> List[Tuple[float, float]]:
    """The left and top of the text of each of `boxes`, whose (width, height) is in `sizes`.

    A text stands above its box at the left where there is room, else inside at the top; where that covers a text before
    it, at the corner of its box where it covers least. Texts stay in the image of `width` x `height` where they fit.
    """
    placed: List[Rectangle] = []
    for (left, top, right, bottom), (wide, tall) in zip(boxes, sizes):
        above, below = top - tall, bottom
        tops = [*([above] if above >= 0 else []), top, *([below] if below + tall <= height else []), bottom - tall]
        best: Rectangle = (0.0, 0.0, 0.0, 0.0)
        least = float("inf")
        for y in tops:
            for x in (left, right - wide):
                x, y = max(0.0, min(x, width - wide)), max(0.0, min(y, height - tall))
                here = (x, y, x + wide, y + tall)
                covered = sum(_common(here, other) for other in placed)
                if covered < least:
                    best, least = here, covered
            if least == 0:
                break
        placed.append(best)
    return [(left, top) for left, top, _, _ in placed]


def in_ascii(text: str) -> str:
    """`text` for a font of ASCII characters: accents are left out; what has no letter there is a question mark."""
    apart = unicodedata.normalize("NFKD", text.translate(_SPELT))
    return "".join(letter for letter in apart if not unicodedata.combining(letter)).encode("ascii", "replace").decode()


def _common(one: Rectangle, other: Rectangle) -> float:
    """The area that two rectangles have in common."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    tall = min(one[3], other[3]) - max(one[1], other[1])
    return wide * tall if wide > 0 and tall > 0 else 0.0
