"""The description of a YOLO data set: `data.yaml` of Ultralytics and Roboflow, `obj.data` of Darknet, lists of names."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

from runtime.common.errors import InputError
from train.dataset.examples.foreign_paths import PathEnds
from train.dataset.examples.image_files import File, folder_proximity, is_image, quoted
from train.dataset.examples.problems import Problems
from train.dataset.yolo import name_lists
from train.dataset.yolo.class_names import ClassNames, Names, contradict, numbered, read_list
from train.files import untrusted_bytes, untrusted_yaml

# Darknet and CVAT, LabelImg and Label Studio, Roboflow's "YOLO Darknet".
NAME_FILES = ("obj.names", "classes.txt", "_darknet.labels")
# What people call such a list by hand; used only where there is no other.
_OTHER_NAME_FILES = ("labels.txt", "names.txt", "class.txt", "class_names.txt", "classnames.txt", "predefined_classes.txt")
_YAML = (".yaml", ".yml")
_USUAL_YAML = ("data", "dataset")
# Keys of the descriptions of models, which also have `nc`.
_MODEL_KEYS = frozenset(("backbone", "head", "anchors"))
_MAX_TEXT = 64 << 20
_MAX_CLASSES = 10_000

# The names of the splits in data.yaml and obj.data.
PARTS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "eval": "val", "dev": "val", "test": "test"}


@dataclass
class Description:
    """A file that describes a data set: its class names, and the paths of the images of its splits as written.

    `given` maps "train", "val" and "test" to paths, `root` is the file's own `path`. `with_key_points` is True if
    label lines have key points after the box. `notes` are for the report.
    """

    source: Path
    names: Names
    given: dict[str, list[str]] = field(default_factory=dict)
    root: str = ""
    with_key_points: bool = False
    notes: list[str] = field(default_factory=list)


def candidate(files: list[File]) -> Optional[File]:
    """Returns the topmost of `files` that may name the classes of a YOLO data set; None if there is none."""
    found = [file for file in files if file.suffix in _YAML and _mentions(file, b"names")] or _lists(files)
    return min(found, key=lambda file: (len(file.name.parts), file.name), default=None)


def read(files: list[File], problems: Problems) -> tuple[list[Description], Optional[ClassNames]]:
    """Returns the descriptions among `files`, and the class names for the label files; None if nothing names classes.

    Several descriptions are used if they lie in folders beside each other; of others the best is, and the rest are
    noted as problems. Where none has names, the lists of names hold, or else classes are called by their numbers.
    Raises InputError if the only description cannot be read, or if two that contradict each other are equally good.
    """
    found = _descriptions(files, problems)
    lists = _lists(files)
    if any(description.names.names for description in found):
        named = [description.names for description in found]
        if nearest := name_lists.contradicting(named, files, lists):
            problems.add_note(
                f"{', '.join(str(names.source) for names in nearest[:3])}{' ...' if len(nearest) > 3 else ''}: each names the"
                f" classes of the labels beside it, because they contradict each other, and {found[0].source} can't be right for all"
            )
            return found, ClassNames((*named, *nearest))
        longer = name_lists.beyond(named, files, lists)
        if longer:
            problems.add_note(
                f"{', '.join(str(names.source) for names in longer[:3])}{' ...' if len(longer) > 3 else ''}: names the classes of the labels"
                f" beside it, as these have numbers beyond the {max(map(len, named))} classes of {found[0].source}; correct or remove one"
            )
        used = {names.source for names in longer}
        name_lists.note_unused(named, [file for file in lists if file.name not in used], problems)
        return found, ClassNames((*named, *longer))
    names = [names for file in lists if (names := _read(file, problems, len(lists) == 1))]
    if found and not names:
        names = [description.names for description in found]
        problems.add_note(
            f"{found[0].source}: has no names for its classes: they are called {numbered(0)}, {numbered(1)} and so on;"
            " write names: [...] into it"
        )
    return found, ClassNames(names) if names else None


def _descriptions(files: list[File], problems: Problems) -> list[Description]:
    yamls = [file for file in files if file.suffix in _YAML and _may_describe(file)]
    darknet = [file for file in files if file.suffix == ".data" and _mentions(file, b"names")]
    read: list[Description] = []
    errors: list[InputError] = []
    by_end = PathEnds((file.name, file) for file in files if _is_named(file) or file.suffix == ".txt")
    for file in (*yamls, *darknet):
        try:
            description = _from_yaml(file, by_end) if file.suffix in _YAML else _from_darknet(file, by_end)
        except InputError as error:
            errors.append(error)
            continue
        if description:
            read.append(description)
    if errors and not read and not any(map(_is_named, files)):
        raise errors[0]
    for unread in errors:
        problems.add_note(f"not used: {unread}")
    chosen = _chosen(read, files, problems)
    for description in chosen:
        for note in description.notes:
            problems.add_note(note)
    return chosen


def _chosen(read: list[Description], files: list[File], problems: Problems) -> list[Description]:
    """Returns the best description of each folder; a repository may have those of other data sets besides."""
    if len(read) < 2:
        return read
    folders = {file.name.parent for file in files if is_image(file)}
    folders |= {above for folder in folders for above in folder.parents}
    lists = {file.name for file in files if file.suffix == ".txt"}
    places = PathEnds((path, path) for path in (*folders, *lists))
    chosen: list[Description] = []
    others: list[Description] = []
    for description in sorted(read, key=lambda item: (_merit(item, places), item.source)):
        best = next((other for other in chosen if not _disjoint(description.source, other.source)), None)
        if best is None:
            chosen.append(description)
        elif description.names.names != best.names.names:
            if _merit(description, places) == _merit(best, places) and contradict(description.names, best.names):
                raise InputError(
                    f"{best.source} and {description.source} name different classes, and nothing says which belong to the"
                    " labels; remove one of them"
                )
            others.append(description)
    if others:
        problems.add_note(f"{_listed(others)}: not used; {chosen[0].source} names the classes, and not as they do")
    if len(chosen) > 1:
        problems.add_note(f"put together, because each describes a data set: {_listed(chosen)}; give the folder of one for it alone")
    return chosen


def _listed(descriptions: list[Description]) -> str:
    shown = ", ".join(str(description.source) for description in descriptions[:3])
    return shown + (f" and {len(descriptions) - 3} more" if len(descriptions) > 3 else "")


def _merit(description: Description, places: PathEnds[Path]) -> tuple[bool, bool, bool, bool, int, int]:
    """Returns what sorts descriptions, the best first: whether their training images are there, then their names."""
    source = description.source
    agreement = max(map(places.agreement, description.given.get("train", [])), default=0)
    return (
        "train" not in description.given,
        not agreement,
        source.suffix == ".data",
        source.stem.lower() not in _USUAL_YAML,
        -agreement,
        len(source.parts),
    )


def _disjoint(one: Path, other: Path) -> bool:
    """Returns True if neither file's folder lies in the other's."""
    above, below = sorted((one.parent, other.parent), key=lambda folder: len(folder.parts))
    return above != below and above not in below.parents


def _from_yaml(file: File, by_end: PathEnds[File]) -> Optional[Description]:
    """Returns the description in a YAML file; None if it has none, as that of a model."""
    data = untrusted_yaml.read(file.path, str(file.name))
    if not isinstance(data, dict) or _MODEL_KEYS & data.keys():
        return None
    given = {PARTS[key]: _paths(value, key, file.name) for key, value in data.items() if key in PARTS and value}
    if "names" not in data and not {"train", "val"} & given.keys():
        return None
    notes: list[str] = []
    names = _names(data, file.name, by_end, notes)
    root = data.get("path")
    return Description(
        file.name, names, given, root if isinstance(root, str) else "", "kpt_shape" in data, notes
    )


def _paths(value: Any, part: str, source: Path) -> list[str]:
    entries = value if isinstance(value, list) else [value]
    for entry in entries:
        if not isinstance(entry, str):
            raise InputError(f"{source}: its {part} is no path and no list of paths")
    return [entry for entry in entries if entry.strip()]


def _from_darknet(file: File, by_end: PathEnds[File]) -> Description:
    """Reads a file such as `obj.data`, with lines such as `train = data/train.txt`."""
    lines = (line.partition("#")[0].partition("=") for line in text(file).splitlines())
    values = {key.strip().lower(): value.strip() for key, _, value in lines}
    written = values.get("names", "")
    found = _nearest(by_end.longest(written), file.name)
    if found is None:
        raise InputError(f"{file.name}: its names, {quoted(written)}, are not in the folder")
    notes: list[str] = []
    names = _counted(values.get("classes"), read_list(found), file.name, notes)
    given = {PARTS[key]: [value] for key, value in values.items() if key in PARTS and value}
    return Description(file.name, names, given, notes=notes)


def _nearest(found: list[File], source: Path) -> Optional[File]:
    return max(found, key=lambda file: folder_proximity(source, file.name), default=None)


def _names(data: dict[str, Any], source: Path, by_end: PathEnds[File], notes: list[str]) -> Names:
    """Returns the classes of data.yaml: a list, a map from or to numbers, a text with commas, or a file of names."""
    names = data.get("names")
    if isinstance(names, str):
        file = _nearest(by_end.longest(names), source) if "." in names else None
        if file:
            return _counted(data.get("nc"), read_list(file), source, notes)
        words = [word.strip().strip("'\"") for word in names.strip().strip("[]").split(",")]
        names = [] if names.strip().isdecimal() else [word for word in words if word]
    if isinstance(names, list) and names and all(isinstance(item, dict) and len(item) == 1 for item in names):
        names = {key: value for item in names for key, value in item.items()}
    if isinstance(names, dict):
        names = _numbered_names(names, source, notes)
    if (names in (None, []) and not isinstance(data.get("names"), str)) or data.get("names") == "":
        nc = data.get("nc")
        count = int(str(nc)) if _is_class_number(nc) else 0
        return Names(source, (), count or _MAX_CLASSES)
    if not isinstance(names, list) or not names or not all(isinstance(name, str) and name.split() for name in names):
        raise InputError(f"{source}: has no list of class names (names: [...])")
    cleaned = tuple(" ".join(name.split()) for name in names)
    return _counted(data.get("nc"), Names(source, cleaned), source, notes)


def _numbered_names(names: dict[str, Any], source: Path, notes: list[str]) -> list[Any]:
    if not all(_is_class_number(key) for key in names) and all(_is_class_number(value) for value in names.values()):
        names = {value: key for key, value in names.items()}
    if not all(_is_class_number(key) for key in names):
        raise InputError(f"{source}: the keys of its names are not whole numbers")
    by_number = {int(key): value for key, value in names.items()}
    missing = [number for number in range(max(by_number, default=-1) + 1) if number not in by_number]
    if missing:
        shown = ", ".join(map(str, missing[:3])) + (" ..." if len(missing) > 3 else "")
        notes.append(f"{source}: its names skip the numbers {shown}: called {numbered(missing[0])} and so on")
    return [by_number.get(number, numbered(number)) for number in range(max(by_number, default=-1) + 1)]


def _is_class_number(value: Any) -> bool:
    return isinstance(value, str) and value.isdecimal() and len(value) < 6 and int(value) < _MAX_CLASSES


def _counted(declared: object, names: Names, source: Path, notes: list[str]) -> Names:
    """Returns `names` with the declared number of classes; notes one that disagrees."""
    if isinstance(declared, str) and declared.isdecimal() and declared and len(declared) < 6:
        if int(declared) != len(names.names):
            notes.append(f"{source}: says {declared} classes, but there are {len(names.names)} names")
        return Names(names.source, names.names, min(int(declared), _MAX_CLASSES))
    return names


def _lists(files: list[File]) -> list[File]:
    named = [file for file in files if _is_named(file)]
    return named or [
        file
        for file in files
        if file.name.name.lower() in _OTHER_NAME_FILES or (file.name.name == "notes.json" and _mentions(file, b"categories"))
    ]


def _is_named(file: File) -> bool:
    return file.name.name.lower() in NAME_FILES or file.suffix == ".names"


def _read(file: File, problems: Problems, only: bool) -> Optional[Names]:
    try:
        return _label_studio_notes(file) if file.suffix == ".json" else read_list(file)
    except InputError as error:
        if only:
            raise
        problems.add_note(f"not used: {error}")
        return None


def _label_studio_notes(file: File) -> Names:
    """Reads the classes in `notes.json`, which Label Studio writes beside its YOLO exports."""
    try:
        categories = json.loads(text(file))["categories"]
        names = {int(item["id"]): str(item["name"]) for item in categories}
        return Names(file.name, tuple(names[number] for number in range(len(names))))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise InputError(f"{file.name}: has no categories numbered from 0") from error


def text(file: File) -> str:
    """Returns the text of a list of images or names. Raises InputError if it cannot be read."""
    return untrusted_bytes.read_text(file.path, str(file.name), _MAX_TEXT, "a list of images or names")


def _may_describe(file: File) -> bool:
    return _mentions(file, b"names") or _mentions(file, b"train")


def _mentions(file: File, word: bytes) -> bool:
    try:
        with file.path.open("rb") as opened:
            return word in opened.read(untrusted_yaml.MAX_BYTES)
    except OSError:
        return False
