"""The images of each split of a YOLO data set, by its descriptions, its lists of images, or its folders."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from pathlib import Path, PurePosixPath
from typing import Optional

from runtime.common.errors import InputError
from train.dataset.examples.foreign_paths import PathEnds, spellings
from train.dataset.examples.image_files import File, ImageFiles, folder_proximity, is_image, quoted
from train.dataset.examples.problems import Problems
from train.dataset.examples.split_names import split_of_folder
from train.dataset.yolo.description import PARTS, Description, text
from train.dataset.yolo.label_files import LabelFiles, has_numbers

Parts = dict[str, list[File]]


def read(
    folder: Path, files: list[File], descriptions: list[Description], labels: LabelFiles, problems: Problems
) -> Parts:
    """Returns the images of the splits "train", "val", "test" and "" (unknown).

    What the descriptions do not say, or say of paths that are not there, follows from the names of the folders. A split
    whose list is empty has no images.
    """
    resolver = _PathResolver(folder, files, problems)
    parts: Parts = {}
    for description in descriptions:
        for part, images in _described(description, resolver, problems).items():
            parts.setdefault(part, []).extend(images)
    if not descriptions:
        parts = _by_lists(files, resolver)
    parts = _by_folders(parts, files) if "train" not in parts else _with_unnamed_splits(parts, files, labels)
    return {part: list(dict.fromkeys(images)) for part, images in parts.items()}


def _described(description: Description, resolver: _PathResolver, problems: Problems) -> Parts:
    parts: Parts = {}
    source = description.source
    for part, entries in description.given.items():
        for entry in entries:
            try:
                images = resolver.images(entry, description.root, source, part)
            except InputError as error:
                problems.add_note(str(error))
                continue
            if images is None:
                problems.add_note(f"{source}: its {part}, {quoted(entry)}, is no folder or list of images in the data set")
            else:
                parts.setdefault(part, []).extend(images)
    return parts


def _by_lists(files: list[File], resolver: _PathResolver) -> Parts:
    """Returns the splits of `train.txt`, `valid.txt` and so on, which list images; empty if there are none."""
    found: dict[str, list[File]] = defaultdict(list)
    stems = {file.name.stem for file in files if is_image(file)}
    for file in files:
        stem = file.name.stem.lower()
        if file.suffix == ".txt" and stem in PARTS and file.name.stem not in stems and not has_numbers(file):
            found[PARTS[stem]].append(file)
    if not found:
        return {}
    top = min(len(file.name.parts) for lists in found.values() for file in lists)
    return {
        part: [image for file in lists if len(file.name.parts) == top for image in resolver.listed(file)]
        for part, lists in found.items()
    }


def _by_folders(parts: Parts, files: list[File]) -> Parts:
    """Adds the images that no part has, by the names of their folders."""
    taken = {file for images in parts.values() for file in images}
    rest = [file for file in files if is_image(file) and file not in taken]
    added: Parts = defaultdict(list)
    for file in rest:
        added[split_of_folder(file.name)].append(file)
    if parts:
        # What the description says of validation holds, so the rest is what it trains on.
        return {**parts, "train": [file for part, images in added.items() if part not in parts for file in images]}
    return dict(added)


def _with_unnamed_splits(parts: Parts, files: list[File], labels: LabelFiles) -> Parts:
    """Adds a split that the description does not have, or has a wrong path for, if a folder has its name and labels."""
    taken = {file for images in parts.values() for file in images}
    added: Parts = defaultdict(list)
    for file in files:
        if is_image(file) and file not in taken:
            part = split_of_folder(file.name)
            if part and part not in parts:
                added[part].append(file)
    return {**parts, **{part: images for part, images in added.items() if any(image in labels for image in images)}}


class _PathResolver:
    """Finds the files and images that a description refers to among the files of the data set."""

    def __init__(self, folder: Path, files: list[File], problems: Problems) -> None:
        self._problems = problems
        self._images = ImageFiles(files, str(folder))
        self._files = {file.name.as_posix(): file for file in files}
        self._folders: dict[str, list[File]] = {}
        by_parent: dict[Path, list[File]] = defaultdict(list)
        for file in filter(is_image, files):
            by_parent[file.name.parent].append(file)
        for parent, images in by_parent.items():
            for above in (parent, *parent.parents):
                self._folders.setdefault(above.as_posix(), []).extend(images)
        self._ends = PathEnds(
            (PurePosixPath(name), name)
            for name in (*self._folders, *(file.name.as_posix() for file in files if file.suffix == ".txt"))
        )

    def images(self, written: str, root: str, source: Path, part: str) -> Optional[list[File]]:
        """Returns the images of the path `written`, which may be a folder, a list of images, an image or a pattern.

        `root` is the description's own `path`. Returns None if there is no such file or folder. Raises InputError,
        which names them, if several folders are equally near.
        """
        name = self._resolve(written, root, source, part)
        if name is None:
            return None
        if name in self._folders:
            return self._folders[name]
        file = self._files[name]
        return [file] if is_image(file) else self.listed(file)

    def _resolve(self, written: str, root: str, source: Path, part: str) -> Optional[str]:
        here = source.parent.as_posix()
        for spelling in spellings(written):
            # A pattern such as images/train/*.jpg stands for its folder.
            clean = spelling.replace("\\", "/").partition("*")[0].rstrip("/") or "."
            for base in (posixpath.join(here, root.replace("\\", "/")), here, "."):
                candidate = posixpath.normpath(posixpath.join(base, clean))
                if not candidate.startswith(("/", "..")) and (candidate in self._folders or candidate in self._files):
                    return candidate
        # Roboflow writes ../train/images for train/images beside the file; other tools write absolute paths of the
        # machine that made the data.
        found = self._ends.longest(written.partition("*")[0])
        ranked = sorted(found, key=lambda name: _rank(name, source, part), reverse=True)
        if len(ranked) > 1 and _rank(ranked[0], source, part) == _rank(ranked[1], source, part):
            raise InputError(
                f"{source}: its {part}, {quoted(written)}, may be {ranked[0]} or {ranked[1]}; write which one into it"
            )
        return ranked[0] if ranked else None

    def listed(self, file: File) -> list[File]:
        """Returns the images in a list with one path per line; reports missing ones as problems."""
        found = []
        for number, line in enumerate(text(file).splitlines(), 1):
            if line.strip():
                try:
                    found.append(self._images.find(line.strip(), file.name, f"{file.name}: line {number}"))
                except InputError as error:
                    self._problems.add_file(str(error))
        return found


def _rank(name: str, source: Path, part: str) -> tuple[bool, int, int]:
    path = Path(name, "x")
    return split_of_folder(path) == part, *folder_proximity(source, path)
