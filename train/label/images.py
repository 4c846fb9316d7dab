"""The images to label: of a folder, of a data set with its boxes, or of a video."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from runtime.common.errors import InputError
from runtime.common.opencv import cv2
from train.dataset.dataset import read
from train.dataset.examples import image_files, images
from train.dataset.examples.example import Example, LabelledBox
from train.dataset.format_choice import NoDataSetError

VIDEOS = frozenset([".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg"])

_QUALITY = 95


@dataclass(frozen=True)
class Found:
    """An image file with its size in pixels, upright; `boxes` is None where nobody has labelled it."""

    example: Example
    boxes: Optional[tuple[LabelledBox, ...]]


def find(path: Path, *, replace: bool) -> list[Found]:
    """The images at `path`, a folder or a zip of a data set. With `replace`, boxes that are there count for nothing.

    Raises InputError where there are none.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file or folder")
    if not replace or path.is_file():
        try:
            splits = read(path)
        except NoDataSetError:
            # Images without annotations.
            if path.is_file():
                raise
        else:
            for line in splits.problems:
                print(f"note: {line}", file=sys.stderr)
            # Of all parts, since people label them all.
            every = {example.id: example for example in (*splits.train, *(splits.validation or ()), *splits.test)}
            return [Found(example, None if replace else example.boxes) for example in every.values()]
    files = [file for file in image_files.walk(path) if image_files.is_image(file)]
    if not files:
        raise InputError(f"{path}: no images in it")
    found = []
    for file in files:
        info = images.inspect(file.path)
        found.append(Found(Example(file.name.as_posix(), file.path, info.width, info.height, (), info.orientation), None))
    return found


def is_video(path: Path) -> bool:
    """Whether `path` is a video, by its suffix."""
    return path.suffix.lower() in VIDEOS


def frames_of_video(path: Path, folder: Path, every: float) -> Iterator[Found]:
    """Writes a frame every `every` seconds of the video `path` into `folder` as JPEG. Raises InputError if it has none."""
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    folder.mkdir(parents=True, exist_ok=True)
    capture = cv2.VideoCapture(str(path))
    try:
        rate = capture.get(cv2.CAP_PROP_FPS) or 25.0
        step, index = max(1, round(every * rate)), 0
        while capture.grab():
            if index % step == 0:
                done, image = capture.retrieve()
                if done:
                    target = folder / f"{path.stem}_{index:06d}.jpg"
                    cv2.imwrite(str(target), image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
                    height, width = image.shape[:2]
                    yield Found(Example(target.name, target, width, height, ()), None)
            index += 1
    finally:
        capture.release()
    if not index:
        raise InputError(f"{path}: cannot be read as a video; is it complete?")
