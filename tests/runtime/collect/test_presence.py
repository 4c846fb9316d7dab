from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

from runtime import Box, Detection, Frame
from runtime.collect import presence
from runtime.collect.choices import flicker, missed
from runtime.collect.moment import Moment
from runtime.collect.presence import Follower

SIDE = 64


class Image(np.ndarray):
    """An image whose end can be seen: plain arrays take no weak references in all versions."""


def moments(shown):
    """One moment after the other, 30 a second, with the boxes that are shown in each; and which images are still held."""
    alive = weakref.WeakSet()

    class Counted:
        pass

    for index, boxes in enumerate(shown):
        image = np.zeros((SIDE, SIDE, 3), np.uint8).view(Image)
        mark = Counted()
        image.mark = mark
        alive.add(mark)
        found = tuple(Detection("person", 0, 0.6, Box(x, y, x + 6, y + 6), track) for track, x, y in boxes)
        yield Moment(Frame(image, index, index / 30), found), alive
        del image, mark


def most_held(choice, shown):
    most = 0
    for moment, alive in moments(shown):
        list(choice.picks(moment))
        del moment
        gc.collect(0)
        # Those of the loop itself aside.
        most = max(most, len(alive) - 1)
    return most


@pytest.mark.parametrize("choice", [flicker.connect(1.5), missed.connect(1.0)])
def test_images_without_objects_that_only_flash_up_are_not_held(choice):
    # Each frame has one false object, elsewhere.
    assert most_held(choice, [[(index, index * 7 % 40 + 8, index * 11 % 40 + 8)] for index in range(100)]) <= 1


def test_images_that_wait_have_a_limit(monkeypatch):
    """Of forty objects that are well known, one goes in each frame."""
    monkeypatch.setattr(presence, "_MOST_BYTES", 5 * SIDE * SIDE * 3)
    boxes = [(track, 10 + track, 10 + track) for track in range(40)]
    shown = [boxes] * 40 + [boxes[gone:] for gone in range(40)] + [[]] * 10
    for choice in (flicker.connect(1.5), missed.connect(1.0)):
        assert 4 <= most_held(choice, shown) <= 6


def test_what_goes_at_once_waits_in_one_image(monkeypatch):
    monkeypatch.setattr(presence, "_MOST_BYTES", 0)
    follow = Follower(1.0, lambda *_: True)
    boxes = [(track, 10 * track, 10) for track in range(3)]
    events = [event for moment, _ in moments([boxes, [], boxes]) for event in follow(moment)]
    assert [event.missing.frame.index for event in events] == [1, 1, 1]
