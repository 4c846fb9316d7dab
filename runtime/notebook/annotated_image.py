"""An image with its detections, drawn where a notebook shows it."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass, field
from html import escape
from typing import Iterator, List, Sequence, Tuple, Union

import numpy as np

from runtime.common.errors import InputError
from runtime.common.opencv import cv2
from runtime.common.values import Detection
from runtime.media import drawing, images

# The widest that an image is embedded and shown, in pixels, and the least wide that it is shown.
_WIDTH = 960
_LEAST_WIDTH = 320
# Width of a line and height of a letter in pixels as shown.
_LINE, _LETTER = 2.0, 13.0
_QUALITY = 85
_ROWS = 50
_FONT = "system-ui,sans-serif"
_HEAD = ("class", "score", "xmin", "ymin", "xmax", "ymax")


@dataclass(frozen=True, eq=False, repr=False)
class AnnotatedImage:
    """The detections of an image, which iterating and `len` give, drawn on it where a notebook shows it.

        found = detector.detect("street.jpg")
        people = [detection for detection in found if detection.label == "person"]
        AnnotatedImage(found.image, people).save("people.jpg")

    `image` is uint8 [height, width, 3] with channels in the order `color`, "BGR" or "RGB"; boxes are in its pixels.
    """

    image: np.ndarray
    detections: Sequence[Detection] = field(default=())
    color: str = "BGR"

    def __post_init__(self) -> None:
        """Raises InputError where `image` is no such array."""
        image = self.image
        if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise InputError("an annotated image needs an array, uint8 [height, width, 3]")

    def __iter__(self) -> Iterator[Detection]:
        return iter(self.detections)

    def __len__(self) -> int:
        return len(self.detections)

    def __repr__(self) -> str:
        return f"<AnnotatedImage {self.image.shape[1]} x {self.image.shape[0]}: {len(self.detections)} detections>"

    def draw(self) -> np.ndarray:
        """The image with boxes, labels and scores drawn on it, uint8 [height, width, 3] in BGR."""
        return drawing.draw(self.image, self.detections, self.color)

    def save(self, path: Union[str, os.PathLike[str]]) -> None:
        """Writes the drawn image in the format of the suffix of `path`. Raises KitError where it cannot be written."""
        images.write(path, self.draw())

    def rows(self) -> List[Tuple[str, float, float, float, float, float]]:
        """(label, score, xmin, ymin, xmax, ymax) of each detection, boxes in pixels: for a table or a data frame."""
        return [(item.label, item.score, *item.box.as_tuple()) for item in self.detections]

    def _repr_html_(self) -> str:
        """The image with vector boxes, and a table of the detections."""
        return f"<div>{self._svg()}{self._table()}</div>"

    def _svg(self) -> str:
        height, width = self.image.shape[:2]
        shown = max(min(width, _WIDTH), _LEAST_WIDTH)
        line, letter = (size * width / shown for size in (_LINE, _LETTER))
        parts = [f'<image href="{self._data()}" width="{width}" height="{height}"/>']
        # The highest scores come first; they are drawn last, on top.
        for item in reversed(self.detections):
            box, ink = item.box, _css(item.class_id)
            caption = escape(drawing.caption(item))
            top = box.ymin - letter * 0.3 if box.ymin > letter * 1.3 else box.ymin + letter
            parts.append(
                f'<rect x="{box.xmin:.1f}" y="{box.ymin:.1f}" width="{box.width:.1f}" height="{box.height:.1f}"'
                f' fill="none" stroke="{ink}" stroke-width="{line:.2f}"><title>{caption}</title></rect>'
                f'<text x="{box.xmin:.1f}" y="{top:.1f}" fill="{ink}" stroke="#000" stroke-width="{letter / 5:.2f}"'
                f' paint-order="stroke" font-family="{_FONT}" font-size="{letter:.1f}" font-weight="600">{caption}</text>'
            )
        return (
            f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{len(self.detections)} detections"'
            f' style="display:block;width:100%;max-width:{shown}px;height:auto">{"".join(parts)}</svg>'
        )

    def _data(self) -> str:
        """The image as a data address, in JPEG."""
        image = self.image if self.color == "BGR" else self.image[:, :, ::-1]
        scale = _WIDTH / max(image.shape[:2])
        if scale < 1:
            size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        _, data = cv2.imencode(".jpg", np.ascontiguousarray(image), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode("ascii")

    def _table(self) -> str:
        if not self.detections:
            return "<p>no detections</p>"
        head = "".join(f"<th>{name}</th>" for name in _HEAD)
        body = "".join(
            f"<tr><td>{escape(label)}</td><td>{score:.2f}</td>" + "".join(f"<td>{side:.0f}</td>" for side in sides) + "</tr>"
            for label, score, *sides in self.rows()[:_ROWS]
        )
        more = len(self.detections) - _ROWS
        rest = f"<p>and {more} more</p>" if more > 0 else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{rest}"


def _css(class_id: int) -> str:
    blue, green, red = drawing.color_of(class_id)
    return f"#{red:02x}{green:02x}{blue:02x}"
