"""Copying of a data set's images, for the writers."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from train.dataset.examples import images
from train.dataset.examples.example import Example


def copy(examples: Sequence[Example], folder: Path) -> Iterator[tuple[Example, str]]:
    """Copies the images into `folder` and yields each example with the file name of its copy.

    The copy has the name of the image, or one made from the example's id if the stem is not unique. An
    image with an EXIF rotation is encoded again, upright, so that the boxes fit in every program. Raises
    InputError if an image was removed or changed since the data set was opened.
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
