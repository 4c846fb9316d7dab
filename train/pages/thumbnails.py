"""Thumbnails: small images embedded in a page, with boxes drawn over them as SVG."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from runtime.common.errors import InputError
from runtime.common.values import Box
from train.dataset.examples import images
from train.dataset.examples.example import Example
from train.pages.html import Markup, tag

_QUALITY = 72


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
        [_text(item, example) for item in boxes if item.text],
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


def _text(item: BoxOverlay, example: Example) -> Markup:
    letter = example.width / 26
    above = item.box.ymin > 1.3 * letter
    # Near the right edge of the image the text is aligned with the right side of the box.
    align_right = item.box.xmin > 0.7 * example.width
    return tag(
        "text",
        item.text,
        x=f"{item.box.xmax if align_right else item.box.xmin + letter / 6:.1f}",
        y=f"{item.box.ymin - letter / 4 if above else item.box.ymin + 1.1 * letter:.1f}",
        text_anchor="end" if align_right else "start",
    )
