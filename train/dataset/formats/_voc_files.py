"""The files of a PASCAL VOC data set in any layout: annotations, their images, and the split lists."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path, PurePosixPath
from typing import Iterable, Iterator, Optional

from runtime.common.errors import InputError
from train.dataset.examples.image_files import (
    File,
    ImageFiles,
    best_match,
    folder_proximity,
    is_image,
    quoted,
    unique_ids,
    walk,
)
from train.dataset.examples.image_info import SUFFIXES, UNREAD_SUFFIXES
from train.dataset.examples.problems import Problems
from train.dataset.examples.split_names import split_of_folder
from train.dataset.formats import Score
from train.files import archives

_ANNOTATION_ZIPS = ("annotations.zip",)
_IMAGE_ZIPS = ("images.zip", "jpegimages.zip")

# The lists of ImageSets/Main to use, in order of preference: the split into training and testing comes
# before the further split of the training part.
_LISTS = (("trainval", "test"), ("train", "val"), ("train", "test"))

# What may come before the root element: a mark of the byte order, a declaration, comments, a document type.
_HEAD_BYTES = 4096
_ROOT = re.compile(rb"(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?(?:\s+|<\?.*?\?>|<!--.*?-->|<![^>\[]*>)*<([A-Za-z_:][\w:.-]*)", re.DOTALL)


class VocFiles:
    """The annotations and images below a folder, or in `annotations.zip` and `images.zip` in it.

    `annotations` maps ids to annotation files. The id is the XML file's stem if the stems are unique, so
    that the same images have the same ids in every layout; else its path relative to the folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        files = list(walk(folder))
        found = [file for file in files if is_image(file)]
        every = [file for file in files if file.suffix == ".xml"]
        xml = annotation_files(every) or every
        self._others = len(every) - len(xml)
        if not xml:
            xml = [file for file in _unzipped(folder, _ANNOTATION_ZIPS) if file.suffix == ".xml"]
        if not found:
            found = list(_unzipped(folder, _IMAGE_ZIPS))
        unread = (file for file in files if file.suffix in UNREAD_SUFFIXES)
        self._images = ImageFiles([*found, *unread], str(folder))
        self._xml = _by_stem(xml)
        self._lists = [file for file in files if file.suffix == ".txt" and _is_list(file.name)]
        ids = unique_ids(file.name for file in xml)
        self.annotations = {ids[file.name]: file for file in xml}
        self._ids = {file: id for id, file in self.annotations.items()}

    def image(self, annotation: File, tag: str) -> File:
        """Returns the image of `annotation`, by the annotation's stem or else by `tag`, its `filename` tag.

        Of several images with that stem, returns the nearest in the tree. Raises InputError if there is
        no such image, or if several are equally near.
        """
        tag = tag.replace("\\", "/").rsplit("/", 1)[-1]
        tagged = Path(tag).stem if Path(tag).suffix.lower() in SUFFIXES else tag
        found = self._images.with_stem(annotation.name.stem) or self._images.with_stem(tagged)
        if not found:
            names = f"{annotation.name.stem}.*" + (f" or {quoted(tag)}" if tag else "")
            raise InputError(f"{annotation.name}: its image is missing: no {names} in {self._folder}")
        return best_match(
            found, lambda file: (*folder_proximity(annotation.name, file.name), file.name.name == tag), str(annotation.name)
        )

    def splits(self, problems: Problems) -> tuple[list[str], Optional[list[str]]]:
        """Returns the ids of the training and the validation split; None for the latter if there is none.

        The splits are given by lists in `ImageSets/Main`, or by folders named `train` and `valid`, `val`
        or `test`.
        """
        for train, validation in _LISTS:
            if self._has_list(train) and self._has_list(validation):
                return _without_overlap(self._listed(train, problems), self._listed(validation, problems), problems)
        return self._foldered(problems) or (sorted(self.annotations), None)

    def _foldered(self, problems: Problems) -> Optional[tuple[list[str], list[str]]]:
        ids = defaultdict(list)
        for id, file in sorted(self.annotations.items()):
            ids[split_of_folder(file.name)].append(id)
        if "" in ids or "train" not in ids or len(ids) < 2:
            return None
        if "val" in ids and "test" in ids:
            kept = len(ids["test"])
            problems.add_note(f"kept out of training and validation, because in a folder named test: {kept} images")
        return ids["train"], ids.get("val") or ids["test"]

    def _has_list(self, name: str) -> bool:
        return any(file.name.stem == name for file in self._lists)

    def _listed(self, name: str, problems: Problems) -> list[str]:
        ids: dict[str, None] = {}
        for file in self._lists:
            if file.name.stem != name:
                continue
            for line in file.path.read_text(encoding="utf-8-sig", errors="replace").splitlines():
                if not line.strip():
                    continue
                found = self._entry(line.strip(), file.name.parts[:-3])
                if found:
                    ids[self._ids[found]] = None
                else:
                    problems.add_file(f"{file.name}: {line.strip()[:80]!r} has no XML file")
        return list(ids)

    def _entry(self, line: str, top: tuple[str, ...]) -> Optional[File]:
        """Returns the annotation that a line of a list refers to; None if there is not exactly one.

        The line is a stem, possibly with a suffix or followed by 0, 1 or -1. `top` is the folder that
        contains `ImageSets`.
        """
        for text in (line, line.rsplit(maxsplit=1)[0]):
            for stem in (text, PurePosixPath(text).stem):
                found = [file for file in self._xml.get(stem, ()) if file.name.parts[: len(top)] == top]
                # Annotations from a zip file are not below the folder of the lists.
                found = found or self._xml.get(stem, [])
                if len(found) == 1:
                    return found[0]
        return None


def voc_score(folder: Path) -> Optional[Score]:
    """Returns how many images have an XML file of their name; None if no XML file has the root `<annotation>`.

    Without XML files, those in a zip file named `annotations.zip` count.
    """
    files = list(walk(folder))
    xml = annotation_files(file for file in files if file.suffix == ".xml")
    images = [file for file in files if is_image(file)]
    if not xml:
        xml = annotation_files(file for file in _unzipped(folder, _ANNOTATION_ZIPS) if file.suffix == ".xml")
        images = images or list(_unzipped(folder, _IMAGE_ZIPS))
    if not xml:
        return None
    stems = {file.name.stem for file in xml}
    explained = sum(file.name.stem in stems for file in images)
    return Score(explained, len(xml), reason=f"{xml[0].name} has the root <annotation>")


def annotation_files(files: Iterable[File]) -> list[File]:
    """Returns the XML files in whose folder an annotation is found by its root.

    One folder has files of one kind: its first files are examined, and all of them only if none is an annotation.
    """
    folders: defaultdict[Path, list[File]] = defaultdict(list)
    for file in files:
        folders[file.name.parent].append(file)
    return [file for found in folders.values() if any(map(_is_annotation, found)) for file in found]


def _is_annotation(file: File) -> bool:
    """Returns True if the root element of the XML file is `<annotation>`, by the beginning of the file."""
    try:
        with file.path.open("rb", buffering=0) as opened:
            head = opened.read(_HEAD_BYTES)
    except OSError:
        return False
    root = _ROOT.match(head.replace(b"\0", b""))
    return root is not None and root[1].lower() == b"annotation"


def _without_overlap(train: list[str], validation: list[str], problems: Problems) -> tuple[list[str], list[str]]:
    """Removes from `train` the ids that are also in `validation`; training on them would inflate the figures."""
    both = set(train) & set(validation)
    if both:
        problems.add_note(
            f"{len(both)} examples are in the lists for training and for validation ({min(both)} is one);"
            " kept out of training"
        )
    return [id for id in train if id not in both], validation


def _zips(folder: Path, names: tuple[str, ...]) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.name.lower() in names)


def _unzipped(folder: Path, names: tuple[str, ...]) -> Iterator[File]:
    for path in _zips(folder, names):
        yield from walk(archives.extract(path), path.name)


def _by_stem(files: list[File]) -> dict[str, list[File]]:
    found = defaultdict(list)
    for file in files:
        found[file.name.stem].append(file)
    return dict(found)


def _is_list(name: Path) -> bool:
    return name.parts[-3:-1] == ("ImageSets", "Main")
