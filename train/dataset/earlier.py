"""What an earlier run knew of images and classes, for a data set that training goes on with.

An image that the earlier run was validated on never is trained on, and one that it was trained on never validates.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Optional, Protocol

from runtime.common.errors import InputError
from runtime.common.values import Labels
from train.dataset import splitting
from train.dataset.examples.example import Example
from train.dataset.formats import Splits

TRAIN, VALIDATION = "training", "validation"
Examples = tuple[Example, ...]


class Images(Protocol):
    """Knows images by their content."""

    def __contains__(self, example: Example, /) -> bool: ...


@dataclass(frozen=True)
class Earlier:
    """The earlier run `name`, its classes in order, and the images of both sides; `notes` say what is not known of them."""

    name: str
    labels: tuple[str, ...]
    train: Images
    validation: Images
    notes: tuple[str, ...] = ()
    _sides: dict[Path, Optional[str]] = field(default_factory=dict, compare=False, repr=False)

    def side(self, example: Example) -> Optional[str]:
        """The side on which the run had the image: `TRAIN`, `VALIDATION`, or None for an image that is new."""
        if example.image not in self._sides:
            known = VALIDATION if example in self.validation else TRAIN if example in self.train else None
            self._sides[example.image] = known
        return self._sides[example.image]


def keep_sides(splits: Splits, path: Path, earlier: Earlier, *, share: Optional[float], seed: int, group_by: str) -> Splits:
    """The data set `splits`, at `path`, in which the images that `earlier` knows are on the side that they were on.

    Where the data set has no validation images of its own, `share` of the new images are drawn besides; with a `share` of
    None, because another data set validates, none. A data set of new images only is left as it is.
    """
    sides = {id(example): earlier.side(example) for example in (*splits.train, *(splits.validation or ()))}
    if not any(sides.values()):
        return splits
    own = splits.validation or ()
    moved = tuple(example for example in own if sides[id(example)] == TRAIN)
    held_out = tuple(example for example in splits.train if sides[id(example)] == VALIDATION)
    train = tuple(example for example in splits.train if sides[id(example)] != VALIDATION) + moved
    validation = tuple(example for example in own if sides[id(example)] != TRAIN) + held_out
    if splits.validation is None and share is None:
        return replace(splits, train=train)
    if splits.validation is None and share is not None:
        new = tuple(example for example in train if sides[id(example)] is None)
        try:
            drawn = splitting.divide(replace(splits, train=new), path, share=share, seed=seed, group_by=group_by)
        except InputError:
            # They are too few to divide, and all of them are trained on.
            drawn = splitting.Division(new, (), own=False)
        train = tuple(example for example in train if sides[id(example)] == TRAIN) + drawn.train
        validation += drawn.validation
    line = f"{path}: of the images that {earlier.name} knows, {_count(sides, TRAIN)} are trained on and {_count(sides, VALIDATION)} validate, as they did there"
    return replace(splits, train=_sorted(train), validation=_sorted(validation), problems=(*splits.problems, line))


def held_out(other: Splits, earlier: Earlier) -> Splits:
    """`other`, a data set to validate on, without the images that `earlier` was trained on, and with a note on them.

    Raises InputError as `apart` does.
    """
    examples = other.train if other.validation is None else other.validation
    _, kept, notes = apart((), examples, replace(earlier, notes=()))
    return replace(other, validation=kept, problems=(*other.problems, *notes))


def apart(train: Examples, validation: Examples, earlier: Earlier) -> tuple[Examples, Examples, tuple[str, ...]]:
    """Both sides without the images that `earlier` had on the other side, and notes on them.

    Raises InputError if that leaves no box to train on, or none to validate on.
    """
    kept = tuple(example for example in train if earlier.side(example) != VALIDATION)
    held_out = tuple(example for example in validation if earlier.side(example) != TRAIN)
    notes = earlier.notes
    for side, before, after, was in ((TRAIN, train, kept, "validated"), (VALIDATION, validation, held_out, "trained")):
        out = len(before) - len(after)
        if out:
            notes += (f"{out} images kept out of {side}: {earlier.name} was {was} on them",)
        if out and not any(example.boxes for example in after):
            raise InputError(
                f"no labelled image is left for {side}: {earlier.name} was {was} on all {out} that there were; add images, or"
                " give others to validate on with --val"
            )
    return kept, held_out, notes


def ordered(labels: Labels, train: Examples, earlier: Earlier) -> tuple[Labels, tuple[str, ...]]:
    """The classes of `earlier` in their order, then the others of `labels`; and notes on those that came and went."""
    new = tuple(name for name in labels if name not in earlier.labels)
    seen = {box.label for example in train for box in example.boxes}
    gone = [name for name in earlier.labels if name not in seen]
    notes = [f"new classes, after those of {earlier.name}: {', '.join(new)}"] if new else []
    if gone:
        notes.append(f"classes of {earlier.name} without a box to train on, which stay in their places: {', '.join(gone)}")
    return Labels(earlier.labels + new), tuple(notes)


def _count(sides: dict[int, Optional[str]], wanted: str) -> int:
    return sum(side == wanted for side in sides.values())


def _sorted(examples: Examples) -> Examples:
    return tuple(sorted(examples, key=lambda example: example.id))
