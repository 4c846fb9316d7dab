"""The description of a YOLO data set by Ultralytics, Roboflow or Darknet: class names and images per split.

Paths in these descriptions belong to the machine that wrote them. They are only compared with the files in
the data set's folder; nothing outside it is opened.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

from runtime.common.errors import InputError
from train.dataset.examples.foreign_paths import path_parts
from train.dataset.examples.image_files import File, ImageFiles, is_image, quoted
from train.dataset.examples.problems import Problems
from train.dataset.examples.split_names import split_of_folder
from train.files import untrusted_bytes, untrusted_yaml

# Darknet and CVAT, LabelImg and Label Studio, Roboflow's "YOLO Darknet".
_NAME_FILES = ("obj.names", "classes.txt", "_darknet.labels")
_YAML = (".yaml", ".yml")
_MAX_TEXT = 64 << 20

# The names of the splits in data.yaml and obj.data.
_PARTS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}


@dataclass
class YoloFiles:
    """The contents of a description.

    `source` is the file with the class names, `names` the classes in order. `parts` maps the splits
    "train", "val", "test" and "" (unknown) to their images. `with_key_points` is True if label lines have
    key points after the box.
    """

    source: Path
    names: tuple[str, ...]
    parts: dict[str, list[File]] = field(default_factory=dict)
    with_key_points: bool = False


def description(files: list[File]) -> Optional[File]:
    """Returns the file that describes the data set; None if there is none.

    That is the topmost YAML file with names, else the topmost `.data` file of Darknet with names, else the
    topmost file with class names alone.
    """
    yamls = [file for file in files if file.suffix in _YAML and _mentions(file, b"names")]
    data = [file for file in files if file.suffix == ".data" and _mentions(file, b"names")]
    names = [file for file in files if file.name.name in _NAME_FILES or file.suffix == ".names"]
    for found in (yamls, data, names):
        if found:
            return min(found, key=lambda file: (len(file.name.parts), file.name))
    return None


def read(folder: Path, files: list[File], problems: Problems) -> YoloFiles:
    """Reads the description in `folder`. Raises InputError if there is none or it does not match the files."""
    file = description(files)
    if file is None:
        raise InputError(
            f"{folder}: no data.yaml, obj.data or classes.txt in it; without one the classes have no names"
        )
    if file.suffix in _YAML:
        return _from_yaml(file, _PathResolver(folder, files, problems), problems)
    if file.suffix == ".data":
        return _from_darknet(file, _PathResolver(folder, files, problems), problems)
    found = YoloFiles(file.name, _class_names(file))
    lists = {
        other.name.stem: other for other in files if other.suffix == ".txt" and other.name.parent == file.name.parent
    }
    listed = {_PARTS[stem]: other for stem, other in lists.items() if stem in _PARTS and not _is_label(other, files)}
    if "train" in listed:
        candidate = _PathResolver(folder, files, problems)
        found.parts = {part: candidate.listed(other) for part, other in listed.items()}
    else:
        found.parts = _by_folder(files)
    return found


class _PathResolver:
    """Finds the files and images that a description refers to among the files of the data set."""

    def __init__(self, folder: Path, files: list[File], problems: Problems) -> None:
        self._problems = problems
        self._images = ImageFiles(files, str(folder))
        self._files = {file.name.as_posix(): file for file in files}
        self._folders: dict[str, list[File]] = {}
        for file in filter(is_image, files):
            for parent in file.name.parents:
                self._folders.setdefault(parent.as_posix(), []).append(file)

    def images(self, written: str, root: str, source: Path) -> Optional[list[File]]:
        """Returns the images of the path `written`, which may be a folder, a list of images, or an image.

        `root` is the description's own `path`. Returns None if there is no such file or folder.
        """
        for candidate in _candidate_paths(written, root, source):
            if candidate in self._folders:
                return self._folders[candidate]
            if candidate in self._files:
                file = self._files[candidate]
                return [file] if is_image(file) else self.listed(file)
        return None

    def file(self, written: str, source: Path) -> Optional[File]:
        """Returns the file that `source` refers to as `written`; None if there is none."""
        return next((self._files[candidate] for candidate in _candidate_paths(written, "", source) if candidate in self._files), None)

    def listed(self, file: File) -> list[File]:
        """Returns the images in a list with one path per line; reports missing ones as problems."""
        found = []
        for number, line in enumerate(_text(file).splitlines(), 1):
            if line.strip():
                try:
                    found.append(self._images.find(line.strip(), file.name, f"{file.name}: line {number}"))
                except InputError as error:
                    self._problems.add_file(str(error))
        return found


def _from_yaml(file: File, folder: _PathResolver, problems: Problems) -> YoloFiles:
    data = untrusted_yaml.read(file.path, str(file.name))
    if not isinstance(data, dict):
        raise InputError(f"{file.name}: no description of a data set: it has no names")
    found = YoloFiles(file.name, _names(data, file.name), with_key_points="kpt_shape" in data)
    root = data.get("path")
    given = {_PARTS[key]: value for key, value in data.items() if key in _PARTS and value}
    found.parts = _parts(given, root if isinstance(root, str) else "", file.name, folder, problems)
    return found


def _from_darknet(file: File, folder: _PathResolver, problems: Problems) -> YoloFiles:
    """Reads a file such as `obj.data`, with lines such as `train = data/train.txt`."""
    lines = (line.partition("=") for line in _text(file).splitlines())
    values = {key.strip(): value.strip() for key, _, value in lines}
    names = folder.file(values.get("names", ""), file.name)
    if names is None:
        raise InputError(f"{file.name}: its names, {quoted(values.get('names', ''))}, are not in the folder")
    found = YoloFiles(names.name, _class_names(names))
    _check_count(values.get("classes"), found.names, file.name)
    given = {_PARTS[key]: value for key, value in values.items() if key in _PARTS and value}
    found.parts = _parts(given, "", file.name, folder, problems)
    return found


def _parts(
    given: dict[str, Any], root: str, source: Path, folder: _PathResolver, problems: Problems
) -> dict[str, list[File]]:
    parts: dict[str, list[File]] = {}
    for part, value in given.items():
        entries = value if isinstance(value, list) else [value]
        for entry in entries:
            if not isinstance(entry, str):
                raise InputError(f"{source}: its {part} is no path and no list of paths")
            images = folder.images(entry, root, source)
            if images:
                parts.setdefault(part, []).extend(images)
            elif part == "train":
                raise InputError(
                    f"{source}: its train, {quoted(entry)}, is no folder or list of images in the data set;"
                    " give the folder that holds both, or correct the path"
                )
            else:
                problems.add_note(
                    f"{source}: its {part}, {quoted(entry)}, is no folder or list of images in the data set"
                )
    if "train" not in parts:
        raise InputError(f"{source}: does not say where the images to train on are (train: ...)")
    taken = set(parts["train"])
    for part, images in parts.items():
        both = [file.name for file in images if file in taken]
        if part != "train" and both:
            raise InputError(f"{source}: its train and its {part} have the same images, {both[0]} among them")
    return parts


def _candidate_paths(written: str, root: str, source: Path) -> Iterable[str]:
    """Yields the names in the data set that a path may refer to, most likely first, none outside the data set."""
    here = source.parent.as_posix()
    clean = written.replace("\\", "/").rstrip("/") or "."
    for base in (posixpath.join(here, root.replace("\\", "/")), here, "."):
        candidate = posixpath.normpath(posixpath.join(base, clean))
        if not candidate.startswith(("/", "..")):
            yield candidate
    # Roboflow writes ../train/images for train/images beside the file; other tools write absolute paths of
    # the machine that made the data. The last part of a path alone is too ambiguous, unless it is a file name.
    parts = path_parts(written)
    for start in range(len(parts)):
        if start and start == len(parts) - 1 and "." not in parts[-1]:
            break
        yield posixpath.normpath(posixpath.join(here, *parts[start:]))
        yield posixpath.join(*parts[start:])


def _by_folder(files: list[File]) -> dict[str, list[File]]:
    parts: dict[str, list[File]] = {}
    for file in filter(is_image, files):
        parts.setdefault(split_of_folder(file.name), []).append(file)
    return parts


def _names(data: dict[str, Any], source: Path) -> tuple[str, ...]:
    """Returns the classes of data.yaml, which has them as a list or as a map from numbers."""
    names = data.get("names")
    if isinstance(names, dict):
        if not all(isinstance(key, str) and key.isdecimal() for key in names):
            raise InputError(f"{source}: the keys of its names are not whole numbers")
        numbered = {int(key): value for key, value in names.items()}
        if sorted(numbered) != list(range(len(names))):
            raise InputError(f"{source}: its names are not numbered from 0 to {len(names) - 1}, each once")
        names = [numbered[number] for number in range(len(names))]
    if not isinstance(names, list) or not names or not all(isinstance(name, str) and name.split() for name in names):
        raise InputError(f"{source}: has no list of class names (names: [...])")
    cleaned = tuple(" ".join(name.split()) for name in names)
    _check_count(data.get("nc"), cleaned, source)
    return cleaned


def _check_count(declared: object, names: tuple[str, ...], source: Path) -> None:
    if isinstance(declared, str) and declared.isdecimal() and int(declared) != len(names):
        raise InputError(f"{source}: says {declared[:20]} classes, but there are {len(names)} names")


def _class_names(file: File) -> tuple[str, ...]:
    names = tuple(" ".join(line.split()) for line in _text(file).rstrip().splitlines())
    if not names or not all(names):
        raise InputError(f"{file.name}: write one class name per line, without empty lines between them")
    return names


def _text(file: File) -> str:
    return untrusted_bytes.read_text(file.path, str(file.name), _MAX_TEXT, "a list of images or names")


def _mentions(file: File, word: bytes) -> bool:
    try:
        with file.path.open("rb") as opened:
            return word in opened.read(untrusted_yaml.MAX_BYTES)
    except OSError:
        return False


def _is_label(file: File, files: list[File]) -> bool:
    """Returns True if the text file has the name of an image, so that train.txt may be the labels of train.jpg."""
    return any(is_image(other) and other.name.stem == file.name.stem for other in files)
