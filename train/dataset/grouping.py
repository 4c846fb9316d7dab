"""Groups of images that belong on one side of a split: copies of a file, and images of one original or scene."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from runtime.common.errors import InputError
from train.dataset.examples import content
from train.dataset.examples.example import Example

AUTO, FOLDER, SIMILAR, NONE = "auto", "folder", "similar", "none"

# Roboflow writes each augmented version of photo.jpg under a name such as photo_jpg.rf.5c1e...e0.jpg.
_VERSION = re.compile(r"(.+)\.rf\.[\w-]+(?:\.[^.]+)?", re.DOTALL)

# Why two images belong together, the surest first.
REASONS = SAME_FILE, SAME_ORIGINAL, NEARLY_SAME, SAME_GROUP = (
    "the same file", "of the same Roboflow original", "nearly the same image", "of the same group"
)  # fmt: skip


@dataclass(frozen=True)
class Rule:
    """What keeps images together besides the same bytes, which always do.

    `by` is "auto" for images of one Roboflow original (see `original`); "none" for nothing else; "folder" for "auto" and
    images in one folder; "similar" for "auto" and images that are nearly the same (see `near_duplicates`), for which all
    images are read; or a regular expression: "auto" and images for which its first group (else the whole match),
    searched for in the image's path in the data set with forward slashes, is the same. An image in whose path it is not
    found is in no such group. Raises InputError for what is no regular expression.
    """

    by: str = AUTO

    def __post_init__(self) -> None:
        try:
            re.compile(self.by)
        except re.error as error:
            raise InputError(
                f"--group-by {self.by}: not a regular expression: {error}; give one, or {AUTO}, {FOLDER}, {SIMILAR} or {NONE}"
            ) from error

    def keys(self, parts: Sequence[DatasetPart]) -> list[dict[str, str]]:
        """The keys of each image of `parts`, one after the other, by the reason: images with an equal key belong together.

        Raises InputError if no image matches the regular expression.
        """
        examples = [example for part in parts for example in part.examples]
        found: list[dict[str, str]] = [{} for _ in examples]
        for number, indices in enumerate(content.identical([example.image for example in examples])):
            for index in indices:
                found[index][SAME_FILE] = str(number)
        if self.by != NONE:
            for keys, example in zip(found, examples):
                if (name := original(example.image.name)) is not None:
                    keys[SAME_ORIGINAL] = name
        if self.by == SIMILAR:
            # Pillow is loaded for this rule alone.
            from train.dataset import near_duplicates

            for keys, like in zip(found, near_duplicates.alike(examples)):
                if like is not None:
                    keys[NEARLY_SAME] = str(like)
        elif self.by not in (AUTO, NONE):
            names = [name for part in parts for name in part.names()]
            for keys, name in zip(found, names):
                if (group := self._group(name)) is not None:
                    keys[SAME_GROUP] = group
            if names and not any(SAME_GROUP in keys for keys in found):
                raise InputError(
                    f"--group-by {self.by}: found in none of the {len(names)} images' paths, such as {names[0]};"
                    f" give {AUTO}, {FOLDER}, {SIMILAR}, {NONE}, or a regular expression"
                )
        return found

    def _group(self, name: str) -> Optional[str]:
        if self.by == FOLDER:
            return name.rpartition("/")[0]
        match = re.search(self.by, name)
        if match is None:
            return None
        return match[1] if match.re.groups and match[1] is not None else match[0]


@dataclass(frozen=True)
class DatasetPart:
    """Examples of the data set in the folder or zip file `path`."""

    examples: tuple[Example, ...]
    path: Path

    def names(self) -> Iterator[str]:
        """The images' paths in the data set, with forward slashes.

        Images that were extracted from a file are named from the folder that holds all of them.
        """
        images = [example.image for example in self.examples]
        if not all(image.is_relative_to(self.path) for image in images):
            images = [Path(os.path.abspath(image)) for image in images]
            root = Path(os.path.commonpath([image.parent for image in images]))
        else:
            root = self.path
        return (image.relative_to(root).as_posix() for image in images)


def original(name: str) -> Optional[str]:
    """The name of the original of which `name` is a version by Roboflow: what stands before `.rf.`; None for others."""
    match = _VERSION.fullmatch(name)
    return match[1] if match else None


def joined(keys: Iterable[dict[str, str]]) -> list[int]:
    """The number of the group of each image, from the images' keys: groups that share an image are one."""
    parents: list[int] = []

    def root(index: int) -> int:
        while parents[index] != index:
            parents[index] = parents[parents[index]]
            index = parents[index]
        return index

    first: dict[tuple[str, str], int] = {}
    for index, own in enumerate(keys):
        parents.append(index)
        for key in own.items():
            parents[root(index)] = root(first.setdefault(key, index))
    return [root(index) for index in range(len(parents))]
