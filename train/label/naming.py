"""Names for images that come from several folders and are put into one, where each has an annotation of its name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from train.dataset.examples import image_info
from train.dataset.examples.example import Example


def stems(examples: Sequence[Example]) -> list[str]:
    """A name without suffix for each, no two the same in any case: that of its file, else of its path, else with a number.

    Annotations are named by the stem alone, so that `a.jpg` and `a.png` need two.
    """
    own = [example.image.stem for example in examples]
    counts = Counter(stem.lower() for stem in own)
    taken = {stem for stem, count in counts.items() if count == 1}
    found = []
    for stem, example in zip(own, examples):
        if counts[stem.lower()] > 1:
            stem = _free(_path(example.id), taken)
        found.append(stem)
    return found


def _path(id: str) -> str:
    """The path that `id` is, as one name; ids of images without annotations have the file's suffix."""
    name = id.replace("/", "_")
    stem, _, suffix = name.rpartition(".")
    return stem if stem and f".{suffix.lower()}" in image_info.SUFFIXES else name


def _free(stem: str, taken: set[str]) -> str:
    free, number = stem, 1
    while free.lower() in taken:
        number += 1
        free = f"{stem}-{number}"
    taken.add(free.lower())
    return free
