"""Lists of class names among the label files of a YOLO data set that also has a description, which they may contradict."""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter
from collections.abc import Sequence

from runtime.common.errors import InputError
from train.dataset.examples.image_files import File
from train.dataset.examples.problems import Problems
from train.dataset.yolo.class_names import Names, contradict, read_list
from train.files import untrusted_bytes

# What LabelImg calls the list that it writes into a folder of labels.
_LABELIMG = "classes.txt"
# Of so many lists of names each is compared with each.
_MAX_COMPARED = 100
_MAX_BYTES = 64 << 20


def contradicting(named: list[Names], files: list[File], lists: list[File]) -> list[Names]:
    """Returns the lists of names that lie among label files if they have the described classes, each in another order.

    LabelImg writes them, in the order in which the classes were first used in a folder; a description that was written
    afterwards for all folders is wrong for some.
    """
    labelled = Counter(file.name.parent for file in files if file.suffix == ".txt")
    found = []
    for file in lists:
        if file.name.name == _LABELIMG and labelled[file.name.parent] > 1:
            with contextlib.suppress(InputError):
                found.append(read_list(file))
    described = {name for names in named for name in names.names}
    contradicted = any(contradict(one, other) for one, other in itertools.combinations(found[:_MAX_COMPARED], 2))
    return found if contradicted and all(set(names.names) <= described for names in found) else []


def beyond(named: Sequence[Names], files: list[File], lists: list[File]) -> list[Names]:
    """Returns the lists of names among label files that have all of their class numbers, where no description has these."""
    described = max(map(len, named))
    found = []
    for file in lists:
        if file.name.name == _LABELIMG:
            with contextlib.suppress(InputError):
                names = read_list(file)
                if len(names) > described and described <= _highest_number(file, files) < len(names):
                    found.append(names)
    return found


def _highest_number(list_of_names: File, files: list[File]) -> int:
    """Returns the highest class number of the label files beside a list of names; -1 if there are none."""
    highest = -1
    for file in files:
        if file.suffix == ".txt" and file.name.parent == list_of_names.name.parent and file != list_of_names:
            lines = untrusted_bytes.read_text(file.path, str(file.name), _MAX_BYTES, "a label file").splitlines()
            firsts = (line.split(maxsplit=1)[0] for line in lines if line.strip())
            highest = max((highest, *(int(first) for first in firsts if first.isdecimal() and len(first) < 6)))
    return highest


def note_unused(named: Sequence[Names], lists: list[File], problems: Problems) -> None:
    """Notes lists that name other classes than the descriptions, which are what a training went by."""
    for file in lists:
        try:
            names = read_list(file).names if file.suffix != ".json" else None
        except InputError:
            continue
        if names and all(names != described.names for described in named):
            sources = " and ".join(str(described.source) for described in named)
            problems.add_note(
                f"{file.name}: not used, though it names other classes than {sources}, which names those of the labels;"
                " correct or remove one of them"
            )
