"""The class names of a YOLO data set, which may differ from folder to folder."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from runtime.common.errors import InputError
from train.dataset.examples.image_files import File, folder_proximity
from train.dataset.examples.split_names import split_of_folder
from train.files import untrusted_bytes

_MAX_BYTES = 64 << 20


@dataclass(frozen=True)
class Names:
    """The classes that one file names, by number.

    `source` is the file. `count` is the number of classes that it declares, which may be greater.
    """

    source: Path
    names: tuple[str, ...]
    count: int = 0

    def __len__(self) -> int:
        return max(len(self.names), self.count)

    def name(self, number: int) -> Optional[str]:
        """Returns the name of the class `number`; one made of the number if it is only counted, None beyond that."""
        if number < len(self.names):
            return self.names[number]
        return numbered(number) if number < self.count else None


class ClassNames:
    """The class names for each label file: those of the nearest file that names classes.

    LabelImg writes a `classes.txt` into each folder, in the order in which the classes were first used there, so the
    numbers of one folder may mean other classes than those of the next.
    """

    def __init__(self, found: Iterable[Names]) -> None:
        self.all = tuple(sorted(found, key=lambda names: (len(names.source.parts), names.source)))
        self._of_folder: dict[Path, Names] = {}

    def borrowed(self) -> list[tuple[Path, Path]]:
        """Returns (folder, file of names) for each folder whose labels were read by the names of another split."""
        found = ((folder, names.source) for folder, names in self._of_folder.items())
        return [
            (folder, source)
            for folder, source in found
            if split_of_folder(source) and split_of_folder(source) != split_of_folder(folder / "x")
        ]

    @property
    def labels(self) -> tuple[str, ...]:
        """All classes, in the order of their numbers in the topmost file, then those that other files add."""
        return tuple(dict.fromkeys(name for names in self.all for name in names.names))

    def of(self, label_file: Path) -> Names:
        """Returns the names for a label file.

        Raises InputError, which names both files, if two that differ are equally near.
        """
        folder = label_file.parent
        if folder not in self._of_folder:
            self._of_folder[folder] = self._nearest(label_file)
        return self._of_folder[folder]

    def _nearest(self, label_file: Path) -> Names:
        if len(self.all) == 1:
            return self.all[0]
        ranked = sorted(self.all, key=lambda names: _rank(label_file, names.source), reverse=True)
        best, *others = ranked
        highest = _rank(label_file, best.source)
        for other in others:
            if _rank(label_file, other.source) == highest and other.names != best.names:
                raise InputError(
                    f"{label_file.parent.as_posix()}: its class numbers may be those of {best.source} or of"
                    f" {other.source}, which name different classes; write the right one to"
                    f" {(label_file.parent / 'classes.txt').as_posix()}"
                )
        return best


def read_list(file: File) -> Names:
    """Returns the names of a text file with one per line. Raises InputError if it has none or empty lines."""
    text = untrusted_bytes.read_text(file.path, str(file.name), _MAX_BYTES, "a list of names")
    names = tuple(" ".join(line.split()) for line in text.rstrip().splitlines())
    if not names or not all(names):
        raise InputError(f"{file.name}: write one class name per line, without empty lines between them")
    return Names(file.name, names)


def contradict(one: Names, other: Names) -> bool:
    """Returns True if a number means different classes."""
    return any(mine != theirs for mine, theirs in zip(one.names, other.names))


def numbered(number: int) -> str:
    """Returns the name of a class that has none but its number."""
    return f"class_{number}"


def _rank(label_file: Path, source: Path) -> tuple[int, int, int]:
    """Returns how near a file of names is: first those in the label file's own folder or above it, the lowest first."""
    above = source.parent == label_file.parent or source.parent in label_file.parent.parents
    return len(source.parent.parts) + 1 if above else 0, *folder_proximity(label_file, source)
