"""Thumbnails: small images embedded in a page, with boxes drawn over them as SVG."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from runtime.common.errors import InputError
from runtime.common.values import Box
from runtime.media import tags
from train.dataset.examples import images
from train.dataset.examples.example import Example
from train.pages.html import Markup, tag

_QUALITY = 72
# Of a bold letter on average, in font sizes.
_LETTER_WIDTH = 0.62


@dataclass(frozen=True)
class BoxOverlay:
    """A box to draw: `style` is the class of its color, `title` its tooltip, `text` is drawn beside it."""

    box: Box
    style: str
    title: str
    text: str = ""


def thumbnail(example: Example, boxes: Sequence[BoxOverlay], caption: object, width: int = 360) -> Markup:
    """Returns the example's image with `boxes` drawn on it, at most `width` pixels wide.

    Returns a note instead if the image cannot be read.
    """
    try:
        image = images.load(example)
    except InputError as error:
        return tag("figure", tag("div", "cannot be shown: ", error, class_="none"), tag("figcaption", caption), class_="thumbnail")
    image = _small(image, width)
    _, data = cv2.imencode(".webp", image, [cv2.IMWRITE_WEBP_QUALITY, _QUALITY])
    href = "data:image/webp;base64," + base64.b64encode(data.tobytes()).decode("ascii")
    # The font size is a 26th of the image's width: 13 of 340 pixels on the page.
    drawn = tag(
        "svg",
        tag("image", href=href, width=example.width, height=example.height),
        [_rectangle(item, "back") for item in boxes],
        [_rectangle(item, item.style, tag("title", item.title)) for item in boxes],
        _texts([item for item in boxes if item.text], example),
        viewBox=f"0 0 {example.width} {example.height}",
        style=f"font-size:{example.width / 26:.1f}px",
        role="img",
        aria_label="; ".join(item.title for item in boxes) or "no boxes",
    )
    return tag("figure", drawn, tag("figcaption", caption), class_="thumbnail")


def _small(image: np.ndarray, width: int) -> np.ndarray:
    # Tall images are limited by their height, so that they take no more space than others.
    scale = width / max(image.shape[1], image.shape[0] * 3 // 4)
    if scale >= 1:
        return image
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    small: np.ndarray = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return small


def _rectangle(item: BoxOverlay, style: str, *content: object) -> Markup:
    box = item.box
    return tag(
        "rect", content, x=f"{box.xmin:.1f}", y=f"{box.ymin:.1f}", width=f"{max(box.width, 0):.1f}",
        height=f"{max(box.height, 0):.1f}", class_=style,
    )  # fmt: skip


def _texts(items: Sequence[BoxOverlay], example: Example) -> list[Markup]:
    """The texts of boxes, those of the last box on top of others, where there is no room for all."""
    letter = example.width / 26
    height = 1.3 * letter
    corners = [(item.box.xmin, item.box.ymin, item.box.xmax, item.box.ymax) for item in items]
    sizes = [(_LETTER_WIDTH * letter * len(item.text), height) for item in items]
    places = tags.place(corners, sizes, example.width, example.height)
    return [
        # A text that takes the whole width is squeezed into it, as nothing else shows its end.
        tag(
            "text", item.text, x=f"{left + letter / 6:.1f}", y=f"{top + 0.8 * height:.1f}",
            **({"textLength": f"{example.width - letter / 3:.1f}", "lengthAdjust": "spacingAndGlyphs"} if wide > example.width else {}),
        )
        for item, (left, top), (wide, _) in zip(items, places, sizes)
    ]  # fmt: skip
