"""Draws detections on images, and contact sheets of many images."""

from __future__ import annotations

import colorsys
import math
from typing import Sequence, Tuple, Union

import numpy as np

from runtime.areas.areas import LINE, ZONE, Area, LineCounts, ZoneCounts
from runtime.common.opencv import cv2
from runtime.common.values import Detection, Frame
from runtime.media import tags

_FONT = cv2.FONT_HERSHEY_SIMPLEX
# OpenCV writes the letters of most languages from version 5 on; before, those of ASCII alone.
_HAS_ALL_LETTERS = int(cv2.__version__.partition(".")[0]) >= 5
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
    _draw_detections(canvas, detections)
    return canvas


def annotated(frame: Frame, detections: Sequence[Detection]) -> np.ndarray:
    """A copy of the frame's image in BGR, with its zones and lines and their counts, and with the detections on top."""
    canvas = frame.image.copy() if frame.color == "BGR" else cv2.cvtColor(frame.image, cv2.COLOR_RGB2BGR)
    if frame.areas is not None:
        for zone, present in frame.areas.zones:
            _draw_area(canvas, zone, present)
        for line, crossed in frame.areas.lines:
            _draw_area(canvas, line, crossed)
    _draw_detections(canvas, detections)
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


def _draw_detections(canvas: np.ndarray, detections: Sequence[Detection]) -> None:
    height, width = canvas.shape[:2]
    thick = _thickness(canvas)
    boxes = []
    for detection in detections:
        left, top, right, bottom = (round(side) for side in detection.box.as_tuple())
        boxes.append((left, top, min(right, width - 1), min(bottom, height - 1)))
    texts = [_written(caption(detection)) for detection in detections]
    places = tags.place(boxes, [_tag_size(canvas, text) for text in texts], width, height)
    # The highest scores come first; they are drawn last, on top, and all texts above all boxes.
    for detection, (left, top, right, bottom) in zip(reversed(detections), reversed(boxes)):
        cv2.rectangle(canvas, (left, top), (right, bottom), color_of(detection.class_id), thick)
    for detection, text, (x, y) in zip(reversed(detections), reversed(texts), reversed(places)):
        _draw_tag(canvas, text, round(x), round(y), color_of(detection.class_id))


def _draw_tag(canvas: np.ndarray, text: str, left: int, top: int, color: Tuple[int, int, int]) -> None:
    """Writes `text` on `color`; (left, top) is its upper left corner."""
    thick, scale = _thickness(canvas), _font_scale(canvas)
    (text_width, text_height), base = cv2.getTextSize(text, _FONT, scale, thick)
    cv2.rectangle(canvas, (left, top), (left + text_width, top + text_height + base + thick), color, cv2.FILLED)
    ink = (0, 0, 0) if _is_light(color) else (255, 255, 255)
    cv2.putText(canvas, text, (left, top + text_height + thick // 2), _FONT, scale, ink, thick, cv2.LINE_AA)


def _tag_size(canvas: np.ndarray, text: str) -> Tuple[int, int]:
    """Width and height in pixels of a tag with `text`."""
    (text_width, text_height), base = cv2.getTextSize(text, _FONT, _font_scale(canvas), _thickness(canvas))
    return int(text_width), int(text_height) + int(base) + _thickness(canvas)


def _thickness(canvas: np.ndarray) -> int:
    return int(max(1, round(min(canvas.shape[:2]) / 200)))


def _font_scale(canvas: np.ndarray) -> float:
    return float(max(0.4, min(canvas.shape[:2]) / 900))


def _written(text: str) -> str:
    return text if _HAS_ALL_LETTERS else tags.in_ascii(text)


def _draw_area(canvas: np.ndarray, area: Area, counts: Union[ZoneCounts, LineCounts]) -> None:
    height, width = canvas.shape[:2]
    thick = _thickness(canvas)
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
    text = _written(f"{area.name}: {counts}")
    left, top = (max(side, 0) for side in corners.min(axis=0).tolist())
    ((x, y),) = tags.place([(left, top, left, top)], [_tag_size(canvas, text)], width, height)
    _draw_tag(canvas, text, round(x), round(y), _AREA_COLOR)


def _is_light(color: Tuple[int, int, int]) -> bool:
    # Luma of ITU-R BT.601.
    return 0.114 * color[0] + 0.587 * color[1] + 0.299 * color[2] > 140
