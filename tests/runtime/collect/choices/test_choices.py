"""Which moments the choices pick."""

from __future__ import annotations

import argparse

import numpy as np
import pytest

from runtime import Box, Detection, Frame
from runtime.collect import choices
from runtime.collect.choices import asked, disagreement, doubtful, every, flicker, missed, novel
from runtime.collect.moment import Moment

INSIDE, MOVED, AT_EDGE = Box(20, 20, 60, 60), Box(24, 22, 63, 60), Box(0, 20, 30, 60)


def cat(score=0.9, box=INSIDE, track=None, label="cat"):
    return Detection(label, 0, score, box, track)


def moment(time=0.0, found=(), candidates=(), image=None, **values):
    image = np.zeros((100, 100, 3), np.uint8) if image is None else image
    return Moment(Frame(image, int(10 * time), time), tuple(found), tuple(candidates), **values)


def picked(choice, moments):
    """Times of the picked moments, with the time at which each was picked."""
    return [(pick.moment.time, now.time) for now in moments for pick in choice.picks(now)]


def test_all_choices_are_there_by_default_and_one_that_is_named_is_alone():
    names = ["asked", "disagreement", "doubtful", "every", "flicker", "missed", "novel"]
    assert choices.names() == names
    read = choices.readers()
    assert [choice.name for choice in choices.open_choices({})] == names
    assert [choice.name for choice in choices.open_choices({"every": read["every"]("60")})] == ["every"]
    assert [choice.name for choice in choices.open_choices({"novel": read["novel"]("off")})] == names[:-1]


@pytest.mark.parametrize(
    ("name", "text"), [("doubtful", "2"), ("every", "0"), ("novel", "65"), ("novel", "x"), ("asked", "5"), ("missed", "-1")]
)
def test_wrong_settings_are_refused(name, text):
    with pytest.raises((ValueError, argparse.ArgumentTypeError)):
        choices.readers()[name](text)


def test_doubtful_is_near_the_threshold_on_either_side():
    choice = doubtful.connect(0.1)
    assert choice.below == 0.1
    worth = {}
    for score in (0.35, 0.42, 0.5, 0.58, 0.65):
        found, candidates = ((cat(score),), ()) if score >= 0.5 else ((), (cat(score),))
        worth[score] = [pick.worth for pick in choice.picks(moment(found=found, candidates=candidates))]
    assert worth[0.35] == worth[0.65] == []
    assert worth[0.5] == [1.0]
    assert [*worth[0.42], *worth[0.58]] == pytest.approx([0.6, 0.6])
    assert not list(choice.picks(moment(found=[cat(0.5)], score=0.3)))


def test_doubtful_is_near_the_threshold_of_each_class():
    values = {"score": 0.5, "scores": {"cat": 0.8}}
    choice = doubtful.connect(0.1)

    def worth(label, score):
        return [pick.worth for pick in choice.picks(moment(found=[cat(score, label=label)], **values))]

    assert worth("cat", 0.5) == worth("dog", 0.8) == []
    assert worth("cat", 0.8) == worth("dog", 0.5) == [1.0]
    assert worth("cat", 0.72) == pytest.approx([0.6])


def test_every_is_by_time_and_without_bias():
    choice = every.connect(10.0)
    assert choice.unbiased
    assert [time for time, _ in picked(choice, [moment(time) for time in range(0, 40, 3)])] == [0, 12, 24, 36]
    # A video that starts again.
    assert picked(choice, [moment(1.0)]) == [(1.0, 1.0)]


def test_asked_is_what_was_asked_for():
    assert picked(asked.connect(True), [moment(0.0), moment(1.0, asked=True), moment(2.0)]) == [(1.0, 1.0)]


@pytest.mark.parametrize(
    ("other", "worth"),
    [
        (None, []),
        ([cat(0.6, MOVED)], []),
        ([], [1.0]),
        ([cat(0.6, MOVED), cat(0.7, AT_EDGE)], [0.75]),
        ([cat(0.6, label="dog")], [1.0]),
    ],
)
def test_disagreement_is_what_only_one_model_finds(other, worth):
    found = disagreement.connect(0.2).picks(moment(found=[cat()], other=None if other is None else tuple(other)))
    assert [pick.worth for pick in found] == worth


def test_novel_is_unlike_all_that_was_picked():
    rng = np.random.default_rng(0)
    day, night = (np.kron(rng.integers(0, 255, (6, 6, 3)), np.ones((20, 20, 1))).astype(np.uint8) for _ in range(2))
    nearly = np.clip(day.astype(int) + rng.integers(-12, 12, day.shape), 0, 255).astype(np.uint8)
    shown = [day, nearly, day, night, nearly, night, day]
    choice = novel.connect(12)
    assert [time for time, _ in picked(choice, [moment(float(at), image=image) for at, image in enumerate(shown)])] == [0, 3]


@pytest.mark.parametrize("track", [None, 7])
def test_flicker_is_the_gap_of_an_object_that_comes_back(track):
    seen = [cat(track=track)], [cat(box=MOVED, track=track)]
    shown = [seen[0], seen[1], seen[0], [], [], seen[1], seen[0]]
    moments = [moment(at / 10, found) for at, found in enumerate(shown)]
    assert picked(flicker.connect(1.0), moments) == [(0.3, 0.5)]
    # One that is gone for longer has gone.
    assert picked(flicker.connect(0.1), moments) == []


def test_an_object_that_flashes_up_does_not_flicker():
    moments = [moment(at / 10, [cat()] if at in (0, 2) else []) for at in range(5)]
    assert picked(flicker.connect(1.0), moments) == []


@pytest.mark.parametrize(
    ("box", "frames", "expected"), [(INSIDE, 20, [(2.0, 4.0)]), (AT_EDGE, 20, []), (INSIDE, 5, [])]
)
def test_missed_is_what_ends_inside_of_the_image(box, frames, expected):
    moments = [moment(at / 10, [cat(box=box)] if at < frames else []) for at in range(60)]
    found = [(then, round(now, 1)) for then, now in picked(missed.connect(1.0), moments)]
    assert found == expected


def test_a_video_that_starts_again_ends_no_object():
    moments = [moment(at % 20 / 10, [cat()]) for at in range(40)] + [moment(1.9)]
    assert picked(missed.connect(1.0), moments) == []
