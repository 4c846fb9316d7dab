"""Copies of the images of a data set, for those who write it elsewhere."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from train.dataset.examples import images
from train.dataset.examples.example import Example


def copy(examples: Sequence[Example], folder: Path) -> Iterator[tuple[Example, str]]:
    """Copies the images into `folder`, and gives each example with the name that its image has there.

    That is its own name, or one made of its id where others have the same before the suffix. The boxes
    fit the copy as every reader shows it: an image with an EXIF orientation is written anew, upright.
    Raises InputError where an image has gone or changed since the data set was opened.
    """
    folder.mkdir(parents=True)
    stems = Counter(example.image.stem.lower() for example in examples)
    for example in examples:
        name = example.image.name
        if stems[example.image.stem.lower()] > 1:
            name = example.id.replace("/", "_") + example.image.suffix
        if images.inspect(example.image).orientation == 1:
            shutil.copyfile(example.image, folder / name)
        else:
            data, format = images.encoded(example)
            name = str(Path(name).with_suffix({"jpeg": ".jpg", "png": ".png"}[format]))
            (folder / name).write_bytes(data)
        yield example, name
