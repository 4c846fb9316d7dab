"""The part of a data set (training, validation, test) that a file belongs to, by the usual names of folders and files."""

from __future__ import annotations

import functools
import re
from pathlib import PurePath

# Roboflow writes valid, COCO val, tutorials of the Object Detection API val or eval.
_SPLITS = {
    "train": "train", "training": "train", "trainval": "train", "trn": "train",
    "valid": "val", "val": "val", "validation": "val", "validate": "val", "vali": "val", "eval": "val", "evaluation": "val",
    "dev": "val", "holdout": "val", "hold-out": "val", "heldout": "val",
    "test": "test", "testing": "test", "tst": "test",
}  # fmt: skip
# In a file's name these may be anything else, such as a language; alone they are the usual abbreviations.
_SHORT = {"tr": "train", "va": "val", "te": "test", "ts": "test"}

# Words beside the name of a split that say no more: train_images, ValidationSet.
_FILLERS = frozenset(
    (
        *("a", "the", "all", "part", "set", "sets", "split", "subset", "data", "dataset", "datasets", "file", "files"),
        *("image", "images", "img", "imgs", "jpegimages", "jpg", "jpgs", "png", "frame", "frames", "photo", "photos"),
        *("pic", "pics", "picture", "pictures", "annotation", "annotations", "annots", "ann", "anns", "box", "boxes"),
        *("label", "labels", "labelled", "labeled", "csv", "json", "txt", "xml", "xmls", "record", "records", "voc", "yolo"),
    )
)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_GLUED = re.compile(r"^(train|training|test|testing|val|valid|validation|eval|dev)(?:set|data|images|imgs|img|labels)$")


def split_of(name: PurePath) -> str:
    """Returns "train", "val" or "test" by a folder of that name, else by a word in the file's name, else ""."""
    return split_of_folder(name) or _of_words(name.name.partition(".")[0])


def split_of_folder(name: PurePath) -> str:
    """Returns the split by the names of the folders alone; the outermost one that names a split counts."""
    return next((split for part in name.parts[:-1] if (split := _of_folder(part))), "")


def without_split(name: PurePath) -> str:
    """Returns the letters of the file's name without the words that name a split."""
    kept = (word for word in re.findall("[a-z]+", name.name.lower()) if word not in _SPLITS)
    return " ".join(kept)


@functools.lru_cache(maxsize=4096)
def _of_folder(name: str) -> str:
    """Returns the split that a folder's name means.

    Numbers at the end are ignored, as in train2017. Beside the split's name there may be words such as images, or
    the data set's name before it, as in raccoon_train; a folder "test results" does not count.
    """
    plain = name.lower().strip(" ._-0123456789")
    if plain in _SPLITS or plain in _SHORT:
        return _SPLITS.get(plain) or _SHORT[plain]
    words = [glued[1] if (glued := _GLUED.match(word)) else word for word in map(str.lower, _WORD.findall(name))]
    telling = [word for word in words if word not in _FILLERS]
    splits = [word for word in telling if word in _SPLITS]
    if len(splits) == 1 and (len(telling) == 1 or (telling[-1] == splits[0] and not re.search(r"\s", name))):
        return _SPLITS[splits[0]]
    return ""


def _of_words(stem: str) -> str:
    """Returns the split that the last such word names: `test_train` is a training set for a test."""
    words = [glued[1] if (glued := _GLUED.match(word)) else word for word in re.findall("[a-z]+", stem.lower())]
    if len(words) == 1 and words[0] in _SHORT:
        return _SHORT[words[0]]
    return next((_SPLITS[word] for word in reversed(words) if word in _SPLITS), "")
