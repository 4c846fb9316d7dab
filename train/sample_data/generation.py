"""Sample data sets and videos of drawn shapes.

A data set is written as PASCAL VOC with split lists, so that it is read by the same code as a user's own data.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Union

import cv2
import numpy as np

from runtime.common.errors import InputError
from runtime.common.files import atomic_path
from runtime.common.values import Box
from train.dataset.examples.example import LabelledBox
from train.dataset.writers.pascal_voc import annotation, write_list
from train.files.new_folder import new_folder
from train.sample_data import scenes, shape_classes, textures

Size = tuple[int, int]
PathLike = Union[str, "os.PathLike[str]"]

# Number of classes, and most shapes in an image, by default.
CLASSES = len(scenes.LABELS)
BOXES = 7
_MIN_SIDE = 64
_TEST_EVERY = 5
_JPEG_QUALITY = 92
_FRAMES_A_SECOND = 25


def draw_dataset(
    out: PathLike,
    *,
    images: int = 300,
    seed: int = 0,
    size: Size = (400, 300),
    classes: int = CLASSES,
    boxes: int = BOXES,
) -> None:
    """Draws `images` images of `size` (width, height) and writes them as PASCAL VOC to the folder `out`.

    An image has shapes of `classes` classes, 1 to `boxes` of them where there is room. Every fifth image is in the list
    `test`, the others in `trainval`. An image does not depend on `images`. Raises InputError if `out` exists already,
    or for numbers that cannot be drawn.
    """
    out = Path(out)
    _check(images, 2, "images", seed, size)
    _check(boxes, 1, "boxes an image", seed, size)
    if not 1 <= classes <= shape_classes.MOST:
        raise InputError(f"{classes} classes cannot be drawn; give 1 to {shape_classes.MOST}")
    with new_folder(out) as folder:
        _write(folder, images, seed, size, classes, boxes)


def draw_image(
    index: int, seed: int, size: Size, classes: int = CLASSES, boxes: int = BOXES
) -> tuple[np.ndarray, tuple[LabelledBox, ...]]:
    """Returns image number `index` of `seed`, uint8 [height, width, 3] BGR, and its labelled boxes.

    For `classes` and `boxes`, see `draw_dataset`.
    """
    rng = np.random.default_rng((seed, index))
    background = textures.random_background(rng, *size)
    count = int(rng.integers(1, boxes + 1))
    shapes = scenes.random_shapes(rng, background, count, shape_classes.labels(classes))
    image, visible = scenes.draw(background, shapes)
    labelled = tuple(
        LabelledBox(shape.label, box, truncated=_touches_edge(box, size)) for shape, box in zip(shapes, visible) if box
    )
    return textures.finish(rng, image), labelled


def draw_video(path: PathLike, frames: int = 100, seed: int = 0, *, size: Size = (400, 300)) -> None:
    """Writes an MP4 video of `frames` frames at 25 frames per second.

    The shapes move, rotate and bounce off the edges. Raises InputError if the video cannot be written.
    """
    _check(frames, 1, "frames", seed, size)
    width, height = size
    # Differs from the seeds of all images, which have two parts.
    rng = np.random.default_rng((seed, 0, 1))
    background = textures.random_background(rng, width, height)
    shapes = scenes.random_shapes(rng, background, 6)
    speeds = rng.uniform(-2.5, 2.5, (len(shapes), 2))
    rotations = rng.uniform(-0.05, 0.05, len(shapes))
    with atomic_path(path) as temporary:
        writer = cv2.VideoWriter(str(temporary), cv2.VideoWriter.fourcc(*"mp4v"), _FRAMES_A_SECOND, size)
        if not writer.isOpened():
            raise InputError(f"{path}: cannot write a video there; give a name that ends in .mp4")
        for index in range(frames):
            moved = [_moved(*item, index, size) for item in zip(shapes, speeds, rotations)]
            image, _ = scenes.draw(background, moved)
            writer.write(textures.finish(np.random.default_rng((seed, index, 2)), image))
        writer.release()


def _write(folder: Path, images: int, seed: int, size: Size, classes: int, boxes: int) -> None:
    for name in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (folder / name).mkdir(parents=True)
    names = [f"{index:06d}" for index in range(images)]
    for index, name in enumerate(names):
        pixels, labelled = draw_image(index, seed, size, classes, boxes)
        _, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
        (folder / "JPEGImages" / f"{name}.jpg").write_bytes(data.tobytes())
        (folder / "Annotations" / f"{name}.xml").write_bytes(annotation(f"{name}.jpg", size, labelled))
    test = set(names[1::_TEST_EVERY])
    write_list(folder, "trainval", (name for name in names if name not in test))
    write_list(folder, "test", (name for name in names if name in test))


def _moved(shape: scenes.Shape, speed: np.ndarray, turn: float, frame: int, size: Size) -> scenes.Shape:
    x, y = (_bounced(at + step * frame, side) for at, step, side in zip((shape.x, shape.y), speed, size))
    return replace(shape, x=x, y=y, angle=shape.angle + turn * frame)


def _bounced(at: float, side: int) -> float:
    """Returns `at` reflected into 0..side, like a ball between two walls."""
    folded = at % (2 * side)
    return min(folded, 2 * side - folded)


def _touches_edge(box: Box, size: Size) -> bool:
    return box.xmin <= 0 or box.ymin <= 0 or box.xmax >= size[0] or box.ymax >= size[1]


def _check(count: int, least: int, what: str, seed: int, size: Size) -> None:
    if count < least:
        raise InputError(f"{count} {what} are too few; draw at least {least}")
    if min(size) < _MIN_SIDE:
        raise InputError(f"{size[0]}x{size[1]} is too small to draw on; give at least {_MIN_SIDE}x{_MIN_SIDE}")
    if seed < 0:
        raise InputError(f"the seed must not be negative, but it is {seed}")
