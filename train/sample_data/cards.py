"""A sample data set of drawn identity cards, whose five fields are the classes."""

from __future__ import annotations

import tempfile
from pathlib import Path

import cv2
import numpy as np

from runtime.common.errors import InputError
from runtime.common.values import Box, Labels
from train.dataset.dataset import Dataset
from train.dataset.examples.example import Example, LabelledBox
from train.dataset.writers import tfrecord
from train.files.new_folder import new_folder
from train.sample_data.generation import PathLike

FIELDS = ("surname", "name", "birth date", "number", "expiry date")

_WIDTH, _HEIGHT = 400, 252
_TEST_EVERY = 5
_FONT = cv2.FONT_HERSHEY_SIMPLEX
# Where the value of each field begins on a card, in pixels; the name of the field is above it.
_PLACES = ((150, 70), (150, 112), (150, 154), (24, 232), (240, 196))
_LETTERS = "ABCDEFGHIKLMNOPRSTUVWZ"


def draw_cards(out: PathLike, *, images: int = 60, seed: int = 0) -> None:
    """Draws `images` identity cards and writes them as Roboflow writes TFRecords to the folder `out`.

    There is `train/cards.tfrecord` and `valid/cards.tfrecord`, each with `cards_label_map.pbtxt` beside it; every fifth
    card is in `valid`. Raises InputError if `out` exists already, or for fewer than 2 images.
    """
    if images < 2:
        raise InputError(f"{images} images are too few; draw at least 2")
    with new_folder(Path(out)) as folder, tempfile.TemporaryDirectory() as drawn:
        examples = [_example(Path(drawn), seed, index) for index in range(images)]
        held_out = tuple(examples[1::_TEST_EVERY])
        train = tuple(example for example in examples if example not in held_out)
        tfrecord.write(Dataset(train, held_out, Labels(FIELDS), (), "cards"), folder)


def draw_card(index: int, seed: int) -> tuple[np.ndarray, tuple[LabelledBox, ...]]:
    """Returns card number `index` of `seed`, uint8 [252, 400, 3] BGR, and the boxes of its fields."""
    rng = np.random.default_rng((seed, index))
    image = np.full((_HEIGHT, _WIDTH, 3), rng.integers(190, 245, 3), np.uint8)
    ink = tuple(int(value) for value in rng.integers(10, 70, 3))
    cv2.rectangle(image, (0, 0), (_WIDTH, 34), tuple(int(value) for value in rng.integers(60, 160, 3)), cv2.FILLED)
    cv2.putText(image, "IDENTITY CARD", (24, 24), _FONT, 0.6, (255, 255, 255), 1, cv2.LINE_AA)
    _portrait(image, rng)
    boxes = []
    dx, dy = (int(value) for value in rng.integers(-6, 7, 2))
    for field, value, (x, y) in zip(FIELDS, _values(rng), _PLACES):
        left, bottom = x + dx, y + dy
        cv2.putText(image, field, (left, bottom - 17), _FONT, 0.32, ink, 1, cv2.LINE_AA)
        cv2.putText(image, value, (left, bottom), _FONT, 0.5, ink, 1, cv2.LINE_AA)
        (width, height), base = cv2.getTextSize(value, _FONT, 0.5, 1)
        boxes.append(LabelledBox(field, Box(left, bottom - height, min(left + width, _WIDTH), bottom + base)))
    noise = rng.normal(0, 4, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8), tuple(boxes)


def _values(rng: np.random.Generator) -> tuple[str, ...]:
    """Values of the five fields."""
    surname, name = ("".join(rng.choice(list(_LETTERS), int(rng.integers(5, 11)))) for _ in range(2))
    birth, expiry = (
        f"{rng.integers(1, 29):02} {rng.integers(1, 13):02} {rng.integers(first, first + 50)}" for first in (1950, 2026)
    )
    return surname, name.capitalize(), birth, f"{rng.integers(10**8, 10**9)}", expiry


def _portrait(image: np.ndarray, rng: np.random.Generator) -> None:
    cv2.rectangle(image, (24, 52), (126, 186), (150, 150, 150), cv2.FILLED)
    skin = tuple(int(value) for value in rng.integers(90, 220, 3))
    cv2.ellipse(image, (75, 186), (44, 46), 0, 180, 360, (90, 60, 60), cv2.FILLED)
    cv2.circle(image, (75, 108), 30, skin, cv2.FILLED, cv2.LINE_AA)


def _example(folder: Path, seed: int, index: int) -> Example:
    image, boxes = draw_card(index, seed)
    path = folder / f"card{index:04d}.jpg"
    _, data = cv2.imencode(".jpg", image)
    path.write_bytes(data.tobytes())
    return Example(path.name, path, _WIDTH, _HEIGHT, boxes)
