"""The pixel frames in which the boxes of an image may have been drawn.

An annotation gives a size, the file has another one, and its EXIF orientation a third: each is a frame, and the
boxes belong to one of them. Where the sizes do not decide, the boxes of the whole data set do (`evidence`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Optional

from train.dataset.examples.image_info import ImageInfo, oriented_size

Sides = tuple[float, float, float, float]

# labelImg and others write sizes that are off by a pixel or two.
_OFF = 2.0

# A size that is off by less than this share, with another shape, is padding or a slip; scaling keeps the shape.
_CLOSE = 0.1

# By how much the shape of a scaled image may differ: both of its sides were rounded to whole pixels.
_SHAPE = 0.01

# A box that exceeds a frame by less than this may just be drawn carelessly, and says nothing about the frame.
_CARELESS_SHARE = 0.03
_CARELESS_PIXELS = 4.0

EXCHANGED, UNLIKE = "exchanged", "unlike"

_STORED = "boxes taken as drawn on the stored pixels, without the EXIF rotation"
_SHOWN = "boxes taken as drawn on the image as shown, after the EXIF rotation"
_LOOK = "look at them with train.check --out report.html"


@dataclass(frozen=True)
class Frame:
    """One way to read the boxes of an image.

    The boxes are in a frame of `across` x `down` pixels, and the image that they belong to has `width` x `height`
    pixels after the rotation by `orientation`. `usable` is False where the boxes cannot be brought onto the image.
    Without a side `across` it holds no box. `note` tells the user that this frame was chosen; empty where that goes without saying.
    """

    name: str
    width: int
    height: int
    orientation: int
    across: float
    down: float
    note: str = ""
    usable: bool = True

    def fits(self, boxes: Iterable[Sides]) -> bool:
        """Returns True if all boxes, in pixels of the frame, lie inside it, give or take a careless hand."""
        if not self.across:
            return False
        right = self.across + max(_CARELESS_PIXELS, _CARELESS_SHARE * self.across)
        bottom = self.down + max(_CARELESS_PIXELS, _CARELESS_SHARE * self.down)
        return all(max(xmin, xmax) <= right and max(ymin, ymax) <= bottom for xmin, ymin, xmax, ymax in boxes)


@dataclass(frozen=True)
class Frames:
    """The frames that are possible for an image, the likeliest first; `kind` names the question between them.

    Empty where there is no question. `unsaid` is the note to give where the boxes do not answer it.
    """

    kind: str
    frames: tuple[Frame, ...]
    unsaid: str = ""


def possible(info: ImageInfo, declared: Optional[tuple[float, float]], as_shown: bool = False) -> Frames:
    """Returns the frames of an image whose annotation declares the size `declared`, (width, height) in pixels.

    A size of which a side is absent, zero, negative or no number counts as none. `as_shown` says that the boxes are
    known to be those of the image as shown.
    """
    shown = _whole(info, info.orientation, "shown")
    if declared is None or not all(0 < side < 1e9 for side in declared):
        return _without_size(info, shown, as_shown)
    if info.orientation == 1:
        return _upright(shown, declared)
    stored = _whole(info, 1, "stored")
    if as_shown:
        return Frames("", (shown,))
    if _near(declared, shown):
        # Of a square or half-turned image the two sizes are one, and it says nothing.
        if _alike_sizes(shown, stored):
            return _alike(shown)
        note = f"{_STORED}, as only that fits, though the sizes are those of the images as shown"
        return Frames("exif, size as shown", (shown, _noted(stored, note)))
    if _near(declared, stored):
        note = f"{_SHOWN}, as only that fits, though the sizes are those of the stored pixels"
        unsaid = f"{_STORED}, to which the sizes belong; no box shows if that is right, so {_LOOK}"
        return Frames("exif, size as stored", (stored, _noted(shown, note)), unsaid)
    return next((_scaled(frame, declared) for frame in (shown, stored) if _same_shape(declared, frame)), _unlike(shown, declared))


def _without_size(info: ImageInfo, shown: Frame, as_shown: bool) -> Frames:
    if info.orientation == 1 or as_shown:
        return Frames("", (shown,))
    stored = _whole(info, 1, "stored")
    if _alike_sizes(shown, stored):
        return _alike(shown)
    unsaid = f"{_SHOWN}; no size or box shows if that is right, so {_LOOK}"
    return Frames("exif, no size", (shown, _noted(stored, f"{_STORED}, as only that fits")), unsaid)


def _alike(shown: Frame) -> Frames:
    return Frames("exif, sizes alike", (shown,), f"{_SHOWN}, which does not change their size; {_LOOK}")


def _upright(frame: Frame, declared: tuple[float, float]) -> Frames:
    if all(said == side for said, side in zip(declared, (frame.width, frame.height))):
        return Frames("", (frame,))
    if _near(declared, frame):
        note = "boxes used as they are, though the annotations give a size that is off by a pixel or two"
        return Frames("", (_noted(frame, note),))
    if _same_shape(declared, frame):
        return _scaled(frame, declared)
    across, down = declared
    if _near((down, across), frame):
        turned = Frame("turned", frame.width, frame.height, 1, across, down, usable=False)
        note = "boxes used as they are, though the annotations exchange width and height"
        return Frames(EXCHANGED, (_noted(frame, note), turned))
    return _unlike(frame, declared)


def _scaled(frame: Frame, declared: tuple[float, float]) -> Frames:
    across, down = declared
    change = "smaller" if across > frame.width else "larger"
    note = f"boxes scaled with their images, which are {change} than when they were labelled"
    scaled = Frame("scaled", frame.width, frame.height, frame.orientation, across, down, note)
    note = "boxes used as they are, because they fit the images and not the sizes in the annotations"
    as_is = _noted(frame, note, "as is")
    return Frames(f"scaled, {change}", (scaled, as_is))


def _unlike(frame: Frame, declared: tuple[float, float]) -> Frames:
    """The declared size has another shape: the image was stretched, or the size is simply wrong.

    Only boxes that one of the two cannot hold show which; without such boxes the image cannot be used.
    """
    if all(abs(said - side) <= _CLOSE * side for said, side in zip(declared, (frame.width, frame.height))):
        note = f"boxes used as they are, though the annotations give a size that is off by some pixels; {_LOOK}"
        return Frames("", (_noted(frame, note),))
    as_is = _noted(frame, "boxes used as they are, because they fit the images and not the sizes in the annotations", "as is")
    if _same_shape((declared[1], declared[0]), frame):
        # Rotated since, and nothing says which way.
        return Frames(UNLIKE, (Frame("unknown", frame.width, frame.height, frame.orientation, *declared, usable=False), as_is))
    unknown = Frame("unknown", frame.width, frame.height, frame.orientation, 0, 0, usable=False)
    note = "boxes stretched with their images, which have another shape than when they were labelled, as only that fits"
    stretched = Frame("stretched", frame.width, frame.height, frame.orientation, *declared, note)
    return Frames(UNLIKE, (unknown, stretched, as_is))


def _whole(info: ImageInfo, orientation: int, name: str) -> Frame:
    width, height = oriented_size(info.width, info.height, orientation)
    return Frame(name, width, height, orientation, width, height)


def _noted(frame: Frame, note: str, name: str = "") -> Frame:
    return Frame(name or frame.name, frame.width, frame.height, frame.orientation, frame.across, frame.down, note)


def _near(declared: tuple[float, float], frame: Frame) -> bool:
    return all(abs(said - side) <= _OFF for said, side in zip(declared, (frame.width, frame.height)))


def _alike_sizes(one: Frame, other: Frame) -> bool:
    return (one.width, one.height) == (other.width, other.height)


def _same_shape(declared: tuple[float, float], frame: Frame) -> bool:
    """Returns True if the image was scaled from the declared size, or to it, with its sides rounded."""

    def rounded(large: tuple[float, float], small: tuple[float, float]) -> Iterator[bool]:
        for scale in (small[0] / large[0], small[1] / large[1]):
            yield all(abs(a * scale - b) <= max(1.0, _SHAPE * b) for a, b in zip(large, small))

    size = (float(frame.width), float(frame.height))
    large, small = (declared, size) if declared[0] > size[0] else (size, declared)
    return any(rounded(large, small))
