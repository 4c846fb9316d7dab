"""Draws detections on images, and contact sheets of many images."""

from __future__ import annotations

import colorsys
import math
from typing import Sequence, Tuple, Union

import numpy as np

from runtime.areas.areas import LINE, ZONE, Area, LineCounts, ZoneCounts
from runtime.common.opencv import cv2
from runtime.common.values import Detection, Frame

_FONT = cv2.FONT_HERSHEY_SIMPLEX
# Steps of the golden ratio around the color wheel give neighboring classes different colors.
_GOLDEN = 0.618034
# Of zones and lines, as (blue, green, red): white, which no class has.
_AREA_COLOR = (255, 255, 255)


def color_of(class_id: int) -> Tuple[int, int, int]:
    """The color of a class, as (blue, green, red); always the same for the same class."""
    red, green, blue = colorsys.hsv_to_rgb((0.33 + class_id * _GOLDEN) % 1.0, 0.85, 0.95)
    return round(blue * 255), round(green * 255), round(red * 255)


def draw(image: np.ndarray, detections: Sequence[Detection], color: str = "BGR") -> np.ndarray:
    """Draws boxes, labels and scores of `detections` on a copy of `image`, and returns the copy in BGR.

    `image` is uint8 [height, width, 3] with channels in the order `color`.
    """
    canvas = image.copy() if color == "BGR" else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    # The highest scores come first; they are drawn last, on top.
    for detection in reversed(detections):
        _draw_one(canvas, detection)
    return canvas


def annotated(frame: Frame, detections: Sequence[Detection]) -> np.ndarray:
    """A copy of the frame's image in BGR, with its zones and lines and their counts, and with the detections on top."""
    canvas = frame.image.copy() if frame.color == "BGR" else cv2.cvtColor(frame.image, cv2.COLOR_RGB2BGR)
    if frame.areas is not None:
        for zone, present in frame.areas.zones:
            _draw_area(canvas, zone, present)
        for line, crossed in frame.areas.lines:
            _draw_area(canvas, line, crossed)
    for detection in reversed(detections):
        _draw_one(canvas, detection)
    return canvas


def caption(detection: Detection) -> str:
    """The text beside a box: `person 0.87`, or `person #3 0.87` for a tracked object."""
    number = "" if detection.track is None else f" #{detection.track}"
    return f"{detection.label}{number} {detection.score:.2f}"


def fit(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """Scales `image` to fit into `width` x `height` with its aspect ratio; the rest is filled with gray."""
    if image.shape[:2] == (height, width):
        return image
    scale = min(width / image.shape[1], height / image.shape[0])
    # A difference of up to two pixels (an odd side made even) is scaled away rather than filled.
    inner = [max(1, round(side * scale)) for side in (image.shape[1], image.shape[0])]
    inner = [side if side < room - 2 else room for side, room in zip(inner, (width, height))]
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(image, tuple(inner), interpolation=method)
    canvas = np.full((height, width, 3), 40, np.uint8)
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    canvas[top : top + inner[1], left : left + inner[0]] = small
    return canvas


def contact_sheet(
    images: Sequence[np.ndarray], columns: int = 4, cell: Tuple[int, int] = (320, 240), gap: int = 4
) -> np.ndarray:
    """Arranges `images` (BGR, any sizes) row by row in one BGR image.

    `cell` is the (width, height) in pixels that each image is fitted into; `gap` is the pixels between cells. Raises
    ValueError where there are no images.
    """
    if not len(images) or columns < 1:
        raise ValueError("a contact sheet needs at least one image and one column")
    width, height = cell
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    sheet = np.full((rows * (height + gap) + gap, columns * (width + gap) + gap, 3), 40, np.uint8)
    for index, image in enumerate(images):
        top = gap + index // columns * (height + gap)
        left = gap + index % columns * (width + gap)
        sheet[top : top + height, left : left + width] = fit(image, width, height)
    return sheet


def _draw_one(canvas: np.ndarray, detection: Detection) -> None:
    height, width = canvas.shape[:2]
    thick = max(1, round(min(width, height) / 200))
    color = color_of(detection.class_id)
    left, top, right, bottom = (round(side) for side in detection.box.as_tuple())
    cv2.rectangle(canvas, (left, top), (min(right, width - 1), min(bottom, height - 1)), color, thick)
    _draw_tag(canvas, caption(detection), left, top, color)


def _draw_tag(canvas: np.ndarray, text: str, left: int, top: int, color: Tuple[int, int, int]) -> None:
    """Writes `text` on `color` above the point (left, top)."""
    height, width = canvas.shape[:2]
    thick = max(1, round(min(width, height) / 200))
    # The font has only ASCII characters.
    text = text.encode("ascii", "replace").decode()
    scale = max(0.4, min(width, height) / 900)
    (text_width, text_height), base = cv2.getTextSize(text, _FONT, scale, thick)
    # Above the point where there is room, else below it; moved left where it would leave the image.
    tag_height = text_height + base + thick
    tag_top = top - tag_height if top >= tag_height else top
    tag_left = max(0, min(left, width - text_width))
    cv2.rectangle(canvas, (tag_left, tag_top), (tag_left + text_width, tag_top + tag_height), color, cv2.FILLED)
    ink = (0, 0, 0) if _is_light(color) else (255, 255, 255)
    cv2.putText(canvas, text, (tag_left, tag_top + text_height + thick // 2), _FONT, scale, ink, thick, cv2.LINE_AA)


def _draw_area(canvas: np.ndarray, area: Area, counts: Union[ZoneCounts, LineCounts]) -> None:
    height, width = canvas.shape[:2]
    thick = max(1, round(min(width, height) / 200))
    across, down = (1, 1) if area.pixels else (width - 1, height - 1)
    corners = np.array([(round(x * across), round(y * down)) for x, y in area.corners], np.int32)
    cv2.polylines(canvas, [corners], area.kind == ZONE, _AREA_COLOR, thick, cv2.LINE_AA)
    if area.kind == LINE:
        # An arrow from the middle shows which way is in: to the right hand, with y pointing down.
        (left, top), (right, bottom) = corners.tolist()
        length = math.hypot(right - left, bottom - top) or 1.0
        middle = ((left + right) / 2, (top + bottom) / 2)
        reach = 12 * thick / length
        tip = (round(middle[0] - reach * (bottom - top)), round(middle[1] + reach * (right - left)))
        cv2.arrowedLine(canvas, (round(middle[0]), round(middle[1])), tip, _AREA_COLOR, thick, cv2.LINE_AA, 0, 0.4)
    left, top = corners.min(axis=0).tolist()
    _draw_tag(canvas, f"{area.name}: {counts}", max(left, 0), max(top, 0), _AREA_COLOR)


def _is_light(color: Tuple[int, int, int]) -> bool:
    # Luma of ITU-R BT.601.
    return 0.114 * color[0] + 0.587 * color[1] + 0.299 * color[2] > 140
