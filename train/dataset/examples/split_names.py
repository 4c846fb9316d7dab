"""The split of a data set that a file belongs to, by the usual names of folders and files."""

from __future__ import annotations

import re
from pathlib import PurePath

# Roboflow writes valid, COCO val, tutorials of the Object Detection API val or eval.
_SPLITS = {
    "train": "train", "training": "train", "trainval": "train",
    "valid": "val", "val": "val", "validation": "val", "eval": "val",
    "test": "test", "testing": "test",
}  # fmt: skip


def split_of(name: PurePath) -> str:
    """Returns "train", "val" or "test" by a folder of that name, else by a word in the file's name, else ""."""
    return split_of_folder(name) or _of_words(name.name.partition(".")[0])


def split_of_folder(name: PurePath) -> str:
    """Returns the split by the names of the folders alone; the outermost one that names a split counts."""
    # Numbers at the end are ignored, as in train2017; a folder such as "test results" does not count.
    words = (re.sub(r"\d+$", "", part.lower()) for part in name.parts[:-1])
    return next((_SPLITS[word] for word in words if word in _SPLITS), "")


def without_split(name: PurePath) -> str:
    """Returns the letters of the file's name without the words that name a split."""
    kept = (word for word in re.findall("[a-z]+", name.name.lower()) if word not in _SPLITS)
    return " ".join(kept)


def _of_words(stem: str) -> str:
    """Returns the split that the last such word names: `test_train` is a training set for a test."""
    words = re.findall("[a-z]+", stem.lower())
    return next((_SPLITS[word] for word in reversed(words) if word in _SPLITS), "")
