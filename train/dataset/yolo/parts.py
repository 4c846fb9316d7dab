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
    """Returns the images of the splits "train", "val", "test" and "" (unknown), each once.

    What the descriptions do not say, or say of paths that are not there, follows from the names of the folders. A
    split without a single label file is left out, since it is not labelled.
    """
    resolver = _PathResolver(folder, files, problems)
    parts: Parts = {}
    for description in descriptions:
        for part, images in _described(description, resolver, problems).items():
            parts.setdefault(part, []).extend(images)
    if not descriptions:
        parts = _by_lists(files, resolver)
    parts = _by_folders(parts, files) if "train" not in parts else _with_unnamed_splits(parts, files, labels)
    parts = {part: list(dict.fromkeys(images)) for part, images in parts.items()}
    return _labelled(_without_overlap(parts, problems), labels, problems)


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
            elif images:
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
    if "train" not in found:
        return {}
    top = min(len(file.name.parts) for file in found["train"])
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
        added = {"train": [file for part, images in added.items() if part not in parts for file in images]}
    return {**parts, **{part: images for part, images in added.items() if images}}


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


def _without_overlap(parts: Parts, problems: Problems) -> Parts:
    """Returns the parts with each image in one of them.

    An image that is also for validation or testing is taken out of training. Where nothing would be left to train on,
    the parts are the same, and the images are of no part.
    """
    train = parts.get("train", [])
    for part in ("val", "test"):
        both = set(train) & set(parts.get(part, ()))
        if not both:
            continue
        left = [file for file in train if file not in both]
        others = [file for file in parts[part] if file not in both]
        if left:
            problems.add_note(f"in train and in {part}, so kept for {part} alone: {len(both)} images")
            parts, train = {**parts, "train": left}, left
        elif others:
            problems.add_note(f"in {part} and in train, so kept for train alone: {len(both)} images")
            parts = {**parts, part: others}
        else:
            problems.add_note(f"its {part} is the same as its train ({len(both)} images), so it is not used")
            parts = {key: images for key, images in parts.items() if key != part}
    if set(parts.get("val", ())) & set(parts.get("test", ())):
        kept = set(parts["val"])
        parts = {**parts, "test": [file for file in parts["test"] if file not in kept]}
    return {part: images for part, images in parts.items() if images}


def _labelled(parts: Parts, labels: LabelFiles, problems: Problems) -> Parts:
    """Returns the parts without those that are not labelled: where not one image has a label file."""
    found = {part: images for part, images in parts.items() if any(image in labels for image in images)}
    if not found:
        return parts
    for part, images in parts.items():
        if part not in found:
            problems.add_note(f"left out, because not one of them has a label file: the {len(images)} images in {part}")
    return found


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
