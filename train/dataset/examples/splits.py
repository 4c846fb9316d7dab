"""Assignment of examples to training and validation, by the parts that a data set itself has.

The parts are "train", "val", "test" and "" (unknown), as `split_names.split_of` gives them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Optional

from runtime.common.errors import InputError
from train.dataset.examples.example import Example
from train.dataset.examples.problems import Problems
from train.dataset.examples.split_names import split_of

# The parts to measure on, in order of preference, and what messages call the parts.
HELD_OUT = ("val", "test")
NAMES = {"train": "training", "val": "validation", "test": "test", "": "unnamed"}

Examples = tuple[Example, ...]


def assign_splits(
    parts: Mapping[str, Sequence[Example]], problems: Problems, sources: Optional[Mapping[str, Sequence[object]]] = None
) -> tuple[Examples, Optional[Examples]]:
    """Returns (training, validation) from the examples of each part, sorted by id; notes say what was decided.

    Validation is None if the data has no such part, or if it has the images of training; then some are to be
    drawn. Test images are for validation if there is no "val" part; otherwise they are left out. Images of
    unknown part are for training if another part is for validation. An image in several parts is kept in the
    one that is measured: "val", then "test".

    `sources` are the names of the annotation files of each part, also of those without one usable image.
    Raises InputError if the training part has such files but no image: the others would be trained on.
    """
    _check_training_part(parts, sources or {})
    named = {part: list(examples) for part, examples in parts.items() if examples}
    train = _images(named.get("train", ()))
    for part in [part for part in HELD_OUT if part in named and _images(named[part]) == train]:
        same = len(named.pop(part))
        others = any(other in named for other in HELD_OUT)
        follows = "it is not used" if others else "images to validate on are drawn from them"
        problems.add_note(f"the {NAMES[part]} part has the same images as the training part, {same}: {follows}")
    held_out = next((part for part in HELD_OUT if part in named), None)
    _remove_shared(named, problems)
    rest = [*named.get("train", ()), *named.get("", ())]
    if held_out is None or not rest:
        if held_out:
            problems.add_note(f"no part of the data is for training: all images of its {_listed(named)} part are used")
        return _sorted(example for examples in named.values() for example in examples), None
    if named.get(""):
        problems.add_note(f"in no part by their names, and so used for training: {_count(named[''])}")
    if held_out == "val" and "test" in named:
        problems.add_note(f"kept out of training and validation, because in the test split: {len(named['test'])} images")
    return _sorted(rest), _sorted(named[held_out])


def test_split(parts: Mapping[str, Sequence[Example]], train: Sequence[Example]) -> Examples:
    """Returns the examples of the part "test", sorted by id, without those that are in `train`, as `assign_splits` has it.

    Where there is no other validation part, they are for validation, too.
    """
    used = _images(train)
    return _sorted(example for example in parts.get("test", ()) if example.image not in used)


def without_unlabelled(
    parts: Mapping[str, Sequence[Example]], annotated: Iterable[str], problems: Problems
) -> dict[str, list[Example]]:
    """Returns `parts` without the validation and test parts of which no image has an annotation; a note says so.

    `annotated` are the parts in which at least one image has an annotation, be it one without boxes. For formats
    in which an image without an annotation file is background: measured as such, every right detection in
    unlabelled images would count as a false one.
    """
    kept = set(annotated)
    found = {}
    for part, examples in parts.items():
        if part in HELD_OUT and examples and part not in kept:
            problems.add_note(unlabelled_note(part, len(examples), examples[0].image.name))
        else:
            found[part] = list(examples)
    return found


def unlabelled_note(part: str, count: int, one: str) -> str:
    """Returns the note on a part that is left out, of `count` images, because `one` and the others have no labels."""
    return f"left out, because not one image of the {NAMES[part]} part has labels: {count} image{'s' * (count > 1)} ({one})"


def group_by_split(examples: Iterable[tuple[str, Optional[Example]]]) -> dict[str, list[Example]]:
    """Groups pairs of (split, example) by split; drops None, which stands for an image that cannot be used."""
    parts = defaultdict(list)
    for part, example in examples:
        if example is not None:
            parts[part].append(example)
    return dict(parts)


def by_split(names: Iterable[Path]) -> dict[str, list[Path]]:
    """Groups the names of annotation files by the part that they name, as `assign_splits` takes them."""
    parts = defaultdict(list)
    for name in names:
        parts[split_of(name)].append(name)
    return dict(parts)


def _check_training_part(parts: Mapping[str, Sequence[Example]], sources: Mapping[str, Sequence[object]]) -> None:
    files = list(map(str, sources.get("train", ())))
    others = [part for part in HELD_OUT if parts.get(part)]
    if files and others and not parts.get("train") and not parts.get(""):
        raise InputError(
            f"{', '.join(files[:3])}: not one image to train on in {'it' if len(files) == 1 else 'them'}, though the"
            f" {NAMES[others[0]]} part has {len(parts[others[0]])}; make {'it' if len(files) == 1 else 'them'} again"
        )


def _remove_shared(named: dict[str, list[Example]], problems: Problems) -> None:
    """Removes the images of several parts from all but one of them: trained on, they would inflate the figures."""
    owned: set[Path] = set()
    for part in (*HELD_OUT, "train", ""):
        examples = named.get(part, [])
        both = [example for example in examples if example.image in owned]
        if both:
            named[part] = [example for example in examples if example.image not in owned]
            problems.add_note(
                f"kept out of the {NAMES[part]} part, because in a part to measure on too: {_count(both)}"
                f" ({both[0].image.name}{' is one' if len(both) > 1 else ''})"
            )
        owned |= _images(examples)


def _count(examples: Sequence[Example]) -> str:
    return "1 image" if len(examples) == 1 else f"{len(examples)} images"


def _images(examples: Iterable[Example]) -> set[Path]:
    return {example.image for example in examples}


def _listed(named: Mapping[str, Sequence[Example]]) -> str:
    return " and ".join(NAMES[part] for part in named)


def _sorted(examples: Iterable[Example]) -> Examples:
    return tuple(sorted(examples, key=lambda example: example.id))
