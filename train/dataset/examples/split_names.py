"""Which part of a data set a file belongs to, by the names that people and exports give the parts."""

from __future__ import annotations

import re
from pathlib import PurePath

# Roboflow says valid, COCO val, the Object Detection API's tutorials val or eval.
_SPLITS = {
    "train": "train", "training": "train", "trainval": "train",
    "valid": "val", "val": "val", "validation": "val", "eval": "val",
    "test": "test", "testing": "test",
}  # fmt: skip


def split_of(name: PurePath) -> str:
    """ "train", "val" or "test", by a folder of that name, else by a word of the file's name; else ""."""
    return split_of_folder(name) or _of_words(name.name.partition(".")[0])


def split_of_folder(name: PurePath) -> str:
    """As `split_of`, by the folders alone; the outermost counts."""
    # A folder such as train2017 is one, but not one such as "test results".
    words = (re.sub(r"\d+$", "", part.lower()) for part in name.parts[:-1])
    return next((_SPLITS[word] for word in words if word in _SPLITS), "")


def without_split(name: PurePath) -> str:
    """The file's name without the words and numbers that may differ from part to part."""
    kept = (word for word in re.findall("[a-z]+", name.name.lower()) if word not in _SPLITS)
    return " ".join(kept)


def _of_words(stem: str) -> str:
    """The last word counts: `test_train` is what somebody trains on for a test."""
    words = re.findall("[a-z]+", stem.lower())
    return next((_SPLITS[word] for word in reversed(words) if word in _SPLITS), "")
