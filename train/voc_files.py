"""Which files a PASCAL VOC data set has, whatever its layout, and how they belong together."""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Iterator, Optional

from runtime.errors import InputError
from train import archive
from train.picture_info import SUFFIXES
from train.problems import Problems

_ANNOTATION_ZIPS = ("annotations.zip",)
_PICTURE_ZIPS = ("images.zip", "jpegimages.zip")

# Which lists of ImageSets/Main to use, best first: what was made for training and testing before
# what splits the training part again.
_LISTS = (("trainval", "test"), ("train", "val"), ("train", "test"))

# Names of the folders in which exports (Roboflow's among them) put the splits.
_FOLDERS = {"train": "train", "valid": "val", "val": "val", "validation": "val", "test": "test"}


@dataclass(frozen=True)
class File:
    """A file of the data set: where it is, and its name from the data set's top, for messages."""

    path: Path
    name: Path


class VocFiles:
    """The annotations and pictures below a folder, and in the zip files that may stand for them.

    `annotations` maps the id of each to its file. The id is the XML's stem where that is enough, so
    that the same pictures have the same ids in any layout; else its path from the folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        files = list(_files(folder, ""))
        xml = [file for file in files if _suffix(file) == ".xml"]
        found = [file for file in files if _suffix(file) in SUFFIXES]
        if not xml:
            xml = [file for file in _unzipped(folder, _ANNOTATION_ZIPS) if _suffix(file) == ".xml"]
        if not found:
            found = [file for file in _unzipped(folder, _PICTURE_ZIPS) if _suffix(file) in SUFFIXES]
        self._pictures = _by_stem(found)
        self._xml = _by_stem(xml)
        self._lists = [file for file in files if _suffix(file) == ".txt" and _is_list(file.name)]
        unique = len(self._xml) == len(xml)
        self.annotations = {file.name.stem if unique else file.name.with_suffix("").as_posix(): file for file in xml}
        self._ids = {file: id for id, file in self.annotations.items()}

    def picture(self, annotation: File, tag: str) -> File:
        """The picture of `annotation`: by the annotation's stem, else by `tag`, its `filename` tag.

        Of several with that stem, the one nearest in the tree. Raises InputError where there is none,
        or where several are as near.
        """
        tag = tag.replace("\\", "/").rsplit("/", 1)[-1]
        tagged = Path(tag).stem if Path(tag).suffix.lower() in SUFFIXES else tag
        found = self._pictures.get(annotation.name.stem) or self._pictures.get(tagged)
        if not found:
            names = f"{annotation.name.stem}.*" + (f" or {tag}" if tag else "")
            raise InputError(f"{annotation.name}: its picture is missing: no {names} in {self._folder}")
        ranked = sorted(found, key=lambda file: _nearness(annotation.name, file.name, tag), reverse=True)
        if len(ranked) > 1 and _nearness(annotation.name, ranked[0].name, tag) == _nearness(
            annotation.name, ranked[1].name, tag
        ):
            raise InputError(f"{annotation.name}: its picture may be {ranked[0].name} or {ranked[1].name}; remove one")
        return ranked[0]

    def splits(self, problems: Problems) -> tuple[list[str], Optional[list[str]]]:
        """The ids to train and to validate on; None for the latter where the data does not say.

        Says it by lists in `ImageSets/Main`, or by folders named `train` and `valid`, `val` or `test`.
        """
        for train, validation in _LISTS:
            if self._has_list(train) and self._has_list(validation):
                return _apart(self._listed(train, problems), self._listed(validation, problems), problems)
        return self._foldered(problems) or (sorted(self.annotations), None)

    def _foldered(self, problems: Problems) -> Optional[tuple[list[str], list[str]]]:
        ids = defaultdict(list)
        for id, file in sorted(self.annotations.items()):
            split = next((_FOLDERS[part.lower()] for part in file.name.parts[:-1] if part.lower() in _FOLDERS), "")
            ids[split].append(id)
        if "" in ids or "train" not in ids or len(ids) < 2:
            return None
        if "val" in ids and "test" in ids:
            kept = len(ids["test"])
            problems.note(f"kept out of training and validation, since in a folder named test: {kept} pictures")
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
                    problems.file(f"{file.name}: {line.strip()[:80]!r} has no XML file")
        return list(ids)

    def _entry(self, line: str, top: tuple[str, ...]) -> Optional[File]:
        """The annotation that a line of a list in `top` means: a stem, perhaps with a suffix or a 0, 1 or -1."""
        for text in (line, line.rsplit(maxsplit=1)[0]):
            for stem in (text, PurePosixPath(text).stem):
                found = [file for file in self._xml.get(stem, ()) if file.name.parts[: len(top)] == top]
                # Zipped annotations are not below the folder of the lists.
                found = found or self._xml.get(stem, [])
                if len(found) == 1:
                    return found[0]
        return None


def looks_like_voc(folder: Path) -> bool:
    """Whether there is an XML file anywhere in `folder`, or a zip file named `annotations.zip`."""
    return bool(_zips(folder, _ANNOTATION_ZIPS)) or any(_suffix(file) == ".xml" for file in _files(folder, ""))


def _apart(train: list[str], validation: list[str], problems: Problems) -> tuple[list[str], list[str]]:
    """What is in both lists stays in validation only: a picture that was trained on measures nothing."""
    both = set(train) & set(validation)
    if both:
        problems.note(
            f"{len(both)} examples are in the lists for training and for validation ({min(both)} is one);"
            " kept out of training"
        )
    return [id for id in train if id not in both], validation


def _files(folder: Path, prefix: str) -> Iterator[File]:
    """All files below `folder`, sorted by folder; nothing hidden and no macOS resource forks.

    Links to folders are followed, each folder once.
    """
    seen = set()
    for root, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(root)
        if real in seen:
            folders[:] = []
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__MACOSX")
        for name in sorted(names):
            if not name.startswith("."):
                path = Path(root, name)
                yield File(path, Path(prefix, path.relative_to(folder)))


def _zips(folder: Path, names: tuple[str, ...]) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.name.lower() in names)


def _unzipped(folder: Path, names: tuple[str, ...]) -> Iterator[File]:
    for path in _zips(folder, names):
        yield from _files(archive.extract(path), path.name)


def _by_stem(files: list[File]) -> dict[str, list[File]]:
    found = defaultdict(list)
    for file in files:
        found[file.name.stem].append(file)
    return dict(found)


def _suffix(file: File) -> str:
    return file.name.suffix.lower()


def _is_list(name: Path) -> bool:
    return name.parts[-3:-1] == ("ImageSets", "Main")


def _nearness(annotation: Path, picture: Path, tag: str) -> tuple[int, int, bool]:
    """Folders in common from the top, then from the end, then whether it has the name of the tag."""
    here, there = annotation.parent.parts, picture.parent.parts
    return _common(here, there), _common(here[::-1], there[::-1]), picture.name == tag


def _common(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    return len(os.path.commonprefix([one, other]))
