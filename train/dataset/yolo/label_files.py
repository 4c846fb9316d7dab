"""The label files of a YOLO data set, and which of them belongs to which image."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Optional

from runtime.common.errors import InputError
from train.dataset.examples.foreign_paths import alike
from train.dataset.examples.image_files import UPLOAD, File, folder_proximity, is_image, quoted
from train.dataset.examples.image_info import SUFFIXES, UNREAD_SUFFIXES, inspect
from train.dataset.examples.problems import Problems
from train.dataset.examples.split_names import split_of_folder
from train.dataset.yolo import label_lines

_SHOWN_FOLDERS = 3
# Names of folders that say that there is nothing in their images.
_BACKGROUND = re.compile(r"(?<![a-z])(?:neg(?:ative)?s?|backgrounds?|bg|empty|no_?objects?|true_negatives?)(?![a-z])", re.IGNORECASE)
# Of so many label files at least one is to have a box.
_SAMPLE = 200
# Of label files and images of one name; each pair is compared with each.
_MAX_PAIRS = 1000


class LabelFiles:
    """The label files among `files`: text files with the name of an image, or with lines of numbers.

    The labels of an image lie at the usual place, which is beside it or, for an image below `images`, below `labels`;
    else in the nearest other folder that has a label file of its name.
    Records which files were requested, to report the others.
    """

    def __init__(self, files: list[File]) -> None:
        images = {file.name.as_posix(): file for file in files if is_image(file)}
        self._unread = {alike(file.name.stem): file for file in files if file.suffix in UNREAD_SUFFIXES}
        stems = {_stem(name) for name in images}
        texts = {file.name.as_posix(): file for file in files if file.suffix == ".txt"}
        self.files = {name: file for name, file in texts.items() if _stem(name) in stems or has_numbers(file)}
        self._of_image: dict[Path, File] = {}
        self._ambiguous: dict[Path, str] = {}
        self._left = dict(self.files)
        self._unused = dict(self.files)
        self._without: list[Path] = []
        self._asked = 0
        rest = {name: file for name, file in images.items() if not self._at_usual_place(name, file)}
        if self._left and rest:
            self._match_parallel(rest)
            self._match_by_name(rest)
            self._match_uploads(rest)

    def __len__(self) -> int:
        return len(self.files)

    def count_images(self) -> int:
        """Returns the number of images that have a label file."""
        return len(self._of_image) + len(self._ambiguous)

    def __contains__(self, image: File) -> bool:
        """Returns True if the image has a label file."""
        return image.name in self._of_image or image.name in self._ambiguous

    def have_lines(self) -> bool:
        """Returns True if one of some label files looks like one; text beside images may also be what they show."""
        files = list(self.files.values())
        return any(has_numbers(file) for file in files[:: len(files) // _SAMPLE + 1])

    def of_image(self, image: Path) -> Optional[File]:
        """Returns the label file of an image; None if there is none.

        Raises InputError if several are equally near.
        """
        if image in self._ambiguous:
            raise InputError(self._ambiguous[image])
        file = self._of_image.get(image)
        self._asked += 1
        if file is None:
            self._without.append(image)
        else:
            self._unused.pop(file.name.as_posix(), None)
        return file

    def report(self, problems: Problems) -> int:
        """Reports images without labels and labels without images; returns the number of missing images."""
        meant = [image for image in self._without if _BACKGROUND.search(image.parent.as_posix())]
        if meant:
            folders = sorted({image.parent.as_posix() for image in meant})
            problems.add_note(f"background, as their folder says ({', '.join(folders[:_SHOWN_FOLDERS])}): {len(meant)} images")
        unlabelled = sorted(str(image) for image in set(self._without) - set(meant))
        problems.add_unlabelled(unlabelled, self._asked - len(meant))
        missing = sorted(file.name for name, file in self._left.items() if name in self._unused)
        for name in missing:
            problems.add_file(self._why_missing(name))
        shared = [file for file, count in Counter(file.name for file in self._of_image.values()).items() if count > 1]
        if shared:
            problems.add_note(
                f"used for each image of its name, though they may differ: {len(shared)} label file{'s' * (len(shared) > 1)}"
                f" ({min(shared)})"
            )
        if unused := len(self._unused) - len(missing):
            problems.add_note(f"not used, because the description does not name their images: {unused} label files")
        return len(missing)

    def _why_missing(self, label: Path) -> str:
        """Returns what the user is told of a label file without an image: there may be one of a kind that is not read."""
        if unread := self._unread.get(_label_stem(label.as_posix())):
            try:
                inspect(unread.path, str(unread.name))
            except InputError as error:
                return f"{label}: {error}"
        return f"{label}: its image is missing: no {quoted(f'{label.stem}.*')}"

    def _at_usual_place(self, name: str, image: File) -> bool:
        for place in _usual_places(name):
            file = self.files.get(place)
            if file is not None:
                self._of_image[image.name] = file
                self._left.pop(place, None)
                return True
        return False

    def _match_parallel(self, images: dict[str, File]) -> None:
        """Assigns label files whose path differs from an image's in the name of one folder, as in frames and lbl."""
        labels = _without_one_folder({name: _label_stem(name) for name in self._left})
        for key, found in _without_one_folder({name: alike(file.name.stem) for name, file in images.items()}).items():
            if len(found) == len(labels.get(key, ())) == 1:
                image, label = images.get(found[0]), self._left.get(labels[key][0])
                if image and label and _rank(label.name, image.name):
                    self._of_image[image.name] = label
                    del images[found[0]], self._left[labels[key][0]]

    def _match_by_name(self, images: dict[str, File]) -> None:
        """Assigns the label files that are left to the images of their names, the nearest pairs first."""
        by_stem: dict[str, tuple[list[File], list[File]]] = defaultdict(lambda: ([], []))
        for name, file in self._left.items():
            by_stem[_label_stem(name)][0].append(file)
        for image in images.values():
            key = alike(image.name.stem)
            if key in by_stem:
                by_stem[key][1].append(image)
        for labels, candidates in by_stem.values():
            if len(labels) * len(candidates) > _MAX_PAIRS:
                self._ambiguous.update({image.name: _too_many(image, labels) for image in candidates})
                for label in labels:
                    del self._left[label.name.as_posix()]
                continue
            pairs = [(_rank(label.name, image.name), label, image) for label in labels for image in candidates]
            pairs = sorted((pair for pair in pairs if pair[0]), key=lambda pair: pair[0], reverse=True)
            self._assign(pairs)

    def _match_uploads(self, images: dict[str, File]) -> None:
        """Assigns the labels of Label Studio, which have a code before the names, to images as they were before the upload."""
        by_stem: dict[str, list[File]] = defaultdict(list)
        for image in images.values():
            if image.name not in self._of_image and image.name not in self._ambiguous:
                by_stem[alike(image.name.stem)].append(image)
        labels: dict[str, list[File]] = defaultdict(list)
        for name, file in self._left.items():
            if (short := UPLOAD.sub("", stem := _label_stem(name))) != stem:
                labels[short].append(file)
        for short, files in labels.items():
            if len(files) == len(by_stem[short]) == 1:
                self._of_image[by_stem[short][0].name] = files[0]
                self._left.pop(files[0].name.as_posix())

    def _assign(self, pairs: list[tuple[tuple[int, ...], File, File]]) -> None:
        taken: set[Path] = set()
        for rank, label, image in pairs:
            if label.name in taken or image.name in taken:
                continue
            rivals = [pair for pair in pairs if pair[0] == rank and (pair[1] is label) != (pair[2] is image)]
            rivals = [pair for pair in rivals if pair[1].name not in taken and pair[2].name not in taken]
            if rivals:
                labels = sorted({str(label.name), *(str(pair[1].name) for pair in rivals)})
                images = sorted({str(image.name), *(str(pair[2].name) for pair in rivals)})
                message = (
                    f"{labels[0]}: its image may be {images[0]} or {images[1]}; remove one"
                    if len(images) > 1
                    else f"{images[0]}: its labels may be {labels[0]} or {labels[1]}; remove one"
                )
                for _, other_label, other in (*rivals, (rank, label, image)):
                    self._ambiguous[other.name] = message
                    taken |= {other.name, other_label.name}
                    self._left.pop(other_label.name.as_posix(), None)
                continue
            taken |= {label.name, image.name}
            self._of_image[image.name] = label
            self._left.pop(label.name.as_posix(), None)


def has_numbers(file: File) -> bool:
    """Returns True if the first line of a text file looks like a line of labels: a class and at least four numbers."""
    try:
        with file.path.open(encoding="utf-8-sig") as opened:
            text = opened.readline(1000)
            for _ in range(2):
                text = opened.readline(1000) if label_lines.is_heading(text) else text
            line = label_lines.parse(text)
    except (OSError, ValueError):
        return False
    return len(line.values) >= 4 and all(-1 <= value < 1e6 for value in line.values)


def _usual_places(name: str) -> list[str]:
    """Returns the names of the label file of an image: below `labels` for one below `images`, and beside it."""
    stem = name.rpartition(".")[0]
    parts = stem.split("/")
    for at in range(len(parts) - 2, -1, -1):
        if parts[at] == "images":
            return ["/".join((*parts[:at], "labels", *parts[at + 1 :])) + ".txt", stem + ".txt"]
    return [stem + ".txt"]


def _without_one_folder(stems: dict[str, str]) -> dict[tuple[int, tuple[str, ...]], list[str]]:
    """Returns the paths by what is left of each if one of its folders, numbered from the end, is left out."""
    found: dict[tuple[int, tuple[str, ...]], list[str]] = defaultdict(list)
    for name, stem in stems.items():
        folders = tuple(name.split("/")[:-1])
        for at in range(len(folders)):
            found[len(folders) - at, (*folders[:at], *folders[at + 1 :], stem)].append(name)
    return found


def _too_many(image: File, labels: list[File]) -> str:
    return f"{image.name}: its labels may be any of {len(labels)} files of its name; put them beside the images"


def _stem(name: str) -> str:
    return name.rpartition("/")[2].rpartition(".")[0]


def _label_stem(name: str) -> str:
    """Returns the name of the image that a label file belongs to, without its suffix; some tools write p0.jpg.txt."""
    stem = _stem(name)
    before, dot, suffix = stem.rpartition(".")
    return alike(before if f"{dot}{suffix}".lower() in SUFFIXES else stem)


def _rank(label: Path, image: Path) -> tuple[int, ...]:
    """Returns how near a label file and an image are; empty if they belong to different splits."""
    one, other = split_of_folder(label), split_of_folder(image)
    if one and other and one != other:
        return ()
    return int(one == other), int(label.stem in (image.stem, image.name)), *folder_proximity(label, image)
