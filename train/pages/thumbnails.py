"""Images for a page: small, inside the page, with boxes drawn over them as SVG."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import cv2

from runtime.common.errors import InputError
from runtime.common.values import Box
from train.dataset.examples import images
from train.dataset.examples.example import Example
from train.pages.html import Markup, tag

_QUALITY = 72


@dataclass(frozen=True)
class BoxOverlay:
    """A box to draw: `style` names its colour, `title` is shown when pointed at, `text` beside it."""

    box: Box
    style: str
    title: str
    text: str = ""


def thumbnail(example: Example, boxes: Sequence[BoxOverlay], caption: object, width: int = 360) -> Markup:
    """The example's image, `width` pixels wide at most, with `boxes` on it; a note where it cannot be read."""
    try:
        image = images.load(example)
    except InputError as error:
        return tag("figure", tag("div", "cannot be shown: ", error, class_="none"), tag("figcaption", caption), class_="picture")
    image = _small(image, width)
    _, data = cv2.imencode(".webp", image, [cv2.IMWRITE_WEBP_QUALITY, _QUALITY])
    href = "data:image/webp;base64," + base64.b64encode(data.tobytes()).decode("ascii")
    # A letter is as high as a 26th of the image's width, 13 of 340 pixels on the page.
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
    return tag("figure", drawn, tag("figcaption", caption), class_="picture")


def _small(image, width: int):
    # Tall images count by their height, or they would be as large as four others.
    scale = width / max(image.shape[1], image.shape[0] * 3 // 4)
    if scale >= 1:
        return image
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def _rectangle(item: BoxOverlay, style: str, *content: object) -> Markup:
    box = item.box
    return tag(
        "rect", content, x=f"{box.xmin:.1f}", y=f"{box.ymin:.1f}", width=f"{max(box.width, 0):.1f}",
        height=f"{max(box.height, 0):.1f}", class_=style,
    )  # fmt: skip


def _text(item: BoxOverlay, example: Example) -> Markup:
    letter = example.width / 26
    above = item.box.ymin > 1.3 * letter
    # Near the right edge the text ends at the box instead of beginning there.
    late = item.box.xmin > 0.7 * example.width
    return tag(
        "text",
        item.text,
        x=f"{item.box.xmax if late else item.box.xmin + letter / 6:.1f}",
        y=f"{item.box.ymin - letter / 4 if above else item.box.ymin + 1.1 * letter:.1f}",
        text_anchor="end" if late else "start",
    )
