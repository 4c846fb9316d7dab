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
from train.dataset.examples.split_names import split_of, split_of_folder
from train.dataset.examples.splits import HELD_OUT
from train.dataset.formats import Score
from train.files import archives, untrusted_bytes

_ANNOTATION_ZIPS = ("annotations.zip",)
_IMAGE_ZIPS = ("images.zip", "jpegimages.zip")

# The lists to use, in order of preference: the split into training and testing comes before the further split of
# the training part.
_LISTS = (("trainval", "test"), ("train", "val", "test"))
_LIST_NAMES = {"training": "train", "valid": "val", "validation": "val", "dev": "val", "eval": "val", "testing": "test"}
# A text file of that name outside of ImageSets is a list if this share of its lines names annotations.
_LISTED = 0.5
_EXAMINED = 100
_MAX_LIST = 64 << 20

# What may come before the root element: a mark of the byte order, a declaration, comments, a document type.
_HEAD_BYTES = 4096
_ROOT = re.compile(rb"(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?(?:\s+|<\?.*?\?>|<!--.*?-->|<![^>\[]*>)*<([A-Za-z_:][\w:.-]*)", re.DOTALL)


class VocFiles:
    """The annotations and images below a folder, or in `annotations.zip` and `images.zip` in it.

    `annotations` maps ids to annotation files. The id is the XML file's stem if the stems are unique, so
    that the same images have the same ids in every layout; else its path relative to the folder. XML files of other
    kinds are left out, with a note.
    """

    def __init__(self, folder: Path, problems: Problems) -> None:
        self._folder = folder
        files = list(walk(folder))
        found = [file for file in files if is_image(file)]
        every = [file for file in files if file.suffix == ".xml"]
        xml = annotation_files(every) or every
        if others := len(every) - len(xml):
            problems.add_note(f"no annotations of PASCAL VOC, by their root, and so not used: {others} XML file{'s' * (others > 1)}")
        if not xml:
            xml = [file for file in _unzipped(folder, _ANNOTATION_ZIPS) if file.suffix == ".xml"]
        if not found:
            found = list(_unzipped(folder, _IMAGE_ZIPS))
        unread = (file for file in files if file.suffix in UNREAD_SUFFIXES)
        self._images = ImageFiles([*found, *unread], str(folder))
        self._xml = _by_stem(xml)
        ids = unique_ids(file.name for file in xml)
        self.annotations = {ids[file.name]: file for file in xml}
        self._ids = {file: id for id, file in self.annotations.items()}
        self._lists = [file for file in files if self._is_list(file)]

    def image(self, annotation: File, tag: str) -> File:
        """Returns the image of `annotation`, by the annotation's stem or else by `tag`, its `filename` tag.

        Of several images with that stem, returns the nearest in the tree. Raises InputError if there is
        no such image, or if several are equally near.
        """
        tag = tag.replace("\\", "/").rsplit("/", 1)[-1]
        stem = annotation.name.stem
        found = (
            self._images.with_stem(stem)
            or self._images.with_stem(_without_suffix(tag))
            or self._images.with_stem(_without_suffix(stem))
        )
        if not found:
            names = f"{annotation.name.stem}.*" + (f" or {quoted(tag)}" if tag else "")
            raise InputError(f"{annotation.name}: its image is missing: no {names} in {self._folder}")
        if len(found) == 1:
            return found[0]
        split = split_of_folder(annotation.name)

        def rank(file: File) -> tuple[int, ...]:
            same_part = bool(split) and split_of_folder(file.name) == split
            return same_part, *folder_proximity(annotation.name, file.name), file.name.name == tag

        return best_match(found, rank, str(annotation.name))

    def is_moved(self, annotation: File) -> bool:
        """Returns True if an annotation is left over in a part from which its image was moved to another, with one of its own.

        Who divides images by hand forgets some XML files.
        """
        part, stem = split_of_folder(annotation.name), annotation.name.stem
        found = {split_of_folder(file.name) for file in self._images.with_stem(stem)}
        if not part or not found or not all(found) or part in found:
            return False
        return any(split_of_folder(other.name) in found for other in self._xml.get(stem, ()))

    def parts(self, problems: Problems) -> dict[str, list[str]]:
        """Returns the ids of each part: "train", "val", "test", and "" for those of which nothing says the part.

        The parts are given by lists (`ImageSets/Main/train.txt`, or a `train.txt` elsewhere), or by folders named `train`
        and `valid`, `val` or `test`. A part whose list is empty has no ids.
        """
        listed = self._by_lists(problems)
        if listed:
            return listed
        found = defaultdict(list)
        for id, file in sorted(self.annotations.items()):
            found[split_of_folder(file.name)].append(id)
        return dict(found)

    def lists(self) -> dict[str, list[Path]]:
        """Returns the names of the lists by part."""
        found = defaultdict(list)
        for file in self._lists:
            found[split_of(file.name)].append(file.name)
        return dict(found)

    def _by_lists(self, problems: Problems) -> dict[str, list[str]]:
        names = {_list_name(file.name) for file in self._lists}
        chosen = next((lists for lists in _LISTS if lists[0] in names and len(names.intersection(lists)) > 1), None)
        if chosen is None:
            return self._by_one_list(names, problems)
        found = {"train" if name == "trainval" else name: self._listed(name, problems) for name in chosen if name in names}
        missing = self.annotations.keys() - {id for ids in found.values() for id in ids}
        if missing:
            problems.add_note(f"not used, because no list names them: {len(missing)} annotation{'s' * (len(missing) > 1)} ({min(missing)})")
        return found

    def _by_one_list(self, names: set[str], problems: Problems) -> dict[str, list[str]]:
        """With a list of images to measure on alone, all others are to train on; without one, nothing is listed."""
        if not names:
            return {}
        name = next((name for name in HELD_OUT if name in names), None)
        if name is None:
            problems.add_note(f"not used, because there is no other list: {self._lists[0].name}")
            return {}
        listed = self._listed(name, problems)
        return {"": sorted(self.annotations.keys() - set(listed)), name: listed}

    def _listed(self, name: str, problems: Problems) -> list[str]:
        ids: dict[str, None] = {}
        for file in self._lists:
            if _list_name(file.name) != name:
                continue
            for line in _lines(file):
                found = self._entry(line, _top(file.name))
                if found:
                    ids[self._ids[found]] = None
                else:
                    problems.add_file(f"{file.name}: {line[:80]!r} has no XML file")
        return list(ids)

    def _is_list(self, file: File) -> bool:
        """Returns True if a text file lists annotations of a part: by its place, or by its name and lines."""
        if file.suffix != ".txt" or _list_name(file.name) not in {name for lists in _LISTS for name in lists}:
            return False
        if "ImageSets" in file.name.parts:
            return file.name.parts[-2] in ("ImageSets", "Main")
        lines = _lines(file)[:_EXAMINED]
        return sum(self._entry(line, _top(file.name)) is not None for line in lines) > _LISTED * len(lines)

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
    root = _ROOT.match(file.head(_HEAD_BYTES).replace(b"\0", b""))
    return root is not None and root[1].lower() == b"annotation"


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


def _without_suffix(name: str) -> str:
    """Returns a file name without the suffix of an image."""
    return Path(name).stem if Path(name).suffix.lower() in SUFFIXES else name


def _list_name(name: Path) -> str:
    stem = name.stem.lower()
    return _LIST_NAMES.get(stem, stem)


def _top(name: Path) -> tuple[str, ...]:
    """Returns the folder that contains `ImageSets`, or the list itself."""
    parts = name.parts[:-1]
    return parts[: parts.index("ImageSets")] if "ImageSets" in parts else parts


def _lines(file: File) -> list[str]:
    text = untrusted_bytes.read_text(file.path, str(file.name), _MAX_LIST, "a list of images")
    return [line.strip() for line in text.splitlines() if line.strip()]
