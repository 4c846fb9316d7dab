"""What to say of a folder that is no data set: what is in it, and what to do."""

from __future__ import annotations

import shlex
from collections import Counter
from pathlib import Path

from runtime.common.command import spelling
from train.dataset import formats, other_tools
from train.dataset.examples import packed
from train.dataset.examples.image_files import is_image, walk
from train.dataset.yolo import description
from train.files.cache import cache_folder

_ANNOTATIONS = (".xml", ".json", ".jsonl", ".ndjson", ".manifest", ".labels", ".csv", ".tsv", ".txt", ".yaml", ".yml", ".record", ".tfrecord")
_SHOWN = 4


def message(folder: Path) -> str:
    """Returns the message on `folder`, in which no format finds anything."""
    if advice := other_tools.classes_alone(folder):
        return f"{folder}: {advice}"
    files = list(walk(folder))
    images = sum(map(is_image, files))
    kinds = Counter(file.suffix for file in files if file.suffix in _ANNOTATIONS)
    source = description.candidate(files)
    if source is not None and source.suffix in (".yaml", ".yml"):
        return (
            f"{folder}: {source.name} describes images and labels of YOLO, but not one label file is in the folder"
            f" ({_images(images)}): put the folders that it names there{packed.advice(folder)}"
        )
    if images and not kinds:
        return (
            f"{folder}: no labelled images of a known format in it, but {images:,} without labels; give the folder that holds both the"
            f" images and their annotations, or draw boxes, for example in the browser with: {_labelling(folder)}{packed.advice(folder)}"
        )
    found = ", ".join([_images(images), *(f"{count} {suffix}" for suffix, count in kinds.most_common(_SHOWN))])
    return (
        f"{folder}: no labelled images of a known format in it ({', '.join(formats.names())}), but {found};"
        f" give the folder that holds both the images and their annotations{packed.advice(folder)}"
    )


def _images(count: int) -> str:
    return f"{count:,} image{'s' * (count != 1)}" if count else "no images"


def _labelling(folder: Path) -> str:
    # What a zip file was extracted to is no place to label in.
    name = "FOLDER" if cache_folder() in folder.parents else shlex.quote(str(folder))
    return f"{spelling('label', 'train.label')} {name} --serve"
