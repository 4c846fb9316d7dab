"""Boxes that are cut by tiles and merged again are the boxes."""

from __future__ import annotations

import random
import tracemalloc
from dataclasses import replace

import pytest

from runtime import Box, Detection
from runtime.boxes import seams
from runtime.boxes.seams import best_classes, merge, merge_all, without_same
from runtime.boxes.tiles import Tiles

WIDTH, HEIGHT = 1000, 600
# What a detector finds of an object of which a tile shows less.
LEAST_VISIBLE = 0.2


def detection(box, score=0.9, class_id=0):
    return Detection(f"class {class_id}", class_id, score, Box(*box))


def seen(objects, windows, least=LEAST_VISIBLE, noise=lambda: 0.0):
    """What a perfect detector finds in each window: all of which it shows at least the share `least`."""
    found = []
    for window in windows:
        items = []
        for item in objects:
            box = item.box
            part = Box(
                max(box.xmin, window.left) - window.left,
                max(box.ymin, window.top) - window.top,
                min(box.xmax, window.right) - window.left,
                min(box.ymax, window.bottom) - window.top,
            )
            if part.xmax > part.xmin and part.ymax > part.ymin and part.area >= least * box.area:
                sides = [
                    min(max(side + noise(), 0.0), limit)
                    for side, limit in zip(part.as_tuple(), (window.width, window.height) * 2)
                ]
                items.append(replace(item, box=Box(*sides)))
        found.append(tuple(items))
    return found


def merged(objects, tiles, **how):
    windows = tiles.windows(WIDTH, HEIGHT)
    return merge(seen(objects, windows, **how), windows, WIDTH, HEIGHT)


def apart(objects, box):
    """Whether no object of the same kind overlaps `box` by so much that suppression would leave one of them out."""
    return all(_iou(item.box, box) < 0.3 for item in objects)


def _iou(one, other):
    across = min(one.xmax, other.xmax) - max(one.xmin, other.xmin)
    down = min(one.ymax, other.ymax) - max(one.ymin, other.ymin)
    shared = max(across, 0) * max(down, 0)
    return shared / (one.area + other.area - shared)


def scene(draw, count, classes=2, largest=220):
    """Objects at random, some of them across seams, none that hides another."""
    objects = []
    while len(objects) < count:
        width, height = draw.uniform(15, largest), draw.uniform(15, largest)
        left, top = draw.uniform(0, WIDTH - width), draw.uniform(0, HEIGHT - height)
        box = Box(left, top, left + width, top + height)
        class_id = draw.randrange(classes)
        if apart([item for item in objects if item.class_id == class_id], box):
            objects.append(Detection(f"class {class_id}", class_id, 0.5 + len(objects) / 100, box))
    return objects


def as_rows(items, digits=3):
    return sorted((item.class_id, item.score, *(round(side, digits) for side in item.box.as_tuple())) for item in items)


@pytest.mark.parametrize("grid", ["2x1", "1x2", "2x2", "3x2", "2x2,overlap=0.4", "2x2,whole=no", "4x3,whole=no"])
def test_boxes_at_random_come_back_as_they_were(grid):
    tiles, draw = Tiles.of(grid), random.Random(grid)
    # Without the whole image, larger objects lie across three tiles, of which each shows little.
    least = LEAST_VISIBLE if tiles.whole else 0.0
    for _ in range(40):
        objects = scene(draw, draw.randrange(1, 9))
        assert as_rows(merged(objects, tiles, least=least)) == as_rows(objects)


def test_with_boxes_a_few_pixels_off_each_object_is_still_one():
    draw = random.Random(3)
    for _ in range(60):
        objects = [item for item in scene(draw, 6) if min(item.box.width, item.box.height) > 60]
        found = merged(objects, Tiles(2, 2), noise=lambda: draw.gauss(0, 1.0))
        assert len(found) == len(objects)
        for item in objects:
            assert max(_iou(item.box, other.box) for other in found if other.class_id == item.class_id) > 0.85


def test_an_object_that_two_tiles_see_whole_counts_once_with_the_better_box():
    windows = Tiles(2, 1, whole=False).windows(180, 90)
    left, right = detection((82, 10, 98, 40), 0.6), detection((3, 11, 18, 41), 0.8)
    assert merge([(left,), (right,)], windows, 180, 90) == (detection((83, 11, 98, 41), 0.8),)


def test_two_parts_that_continue_each_other_become_one():
    windows = Tiles(2, 1, whole=False).windows(180, 90)
    left, right = detection((40, 10, 100, 40), 0.6), detection((0, 12, 50, 42), 0.8)
    assert merge([(left,), (right,)], windows, 180, 90) == (detection((40, 12, 130, 42), 0.8),)


def test_the_whole_box_counts_and_not_the_part_at_the_border():
    windows = Tiles(2, 1, whole=False).windows(180, 90)
    # The right tile shows a third of it, and is surer.
    whole, part = detection((70, 10, 99.0 - 3, 40), 0.5), detection((0, 10, 16, 40), 0.9)
    assert merge([(whole,), (part,)], windows, 180, 90) == (detection((70, 10, 96, 40), 0.5),)


def test_two_objects_side_by_side_at_a_seam_stay_two():
    windows = Tiles(2, 1, whole=False).windows(180, 90)
    for at in (82, 85, 90, 95, 98):
        objects = [detection((at - 60, 10, at, 60), 0.8), detection((at, 10, at + 60, 60), 0.7)]
        found = merge(seen(objects, windows, least=0.05), windows, 180, 90)
        assert as_rows(found) == as_rows(objects), at


def test_two_parts_of_other_height_are_two_objects():
    windows = Tiles(2, 1, whole=False).windows(180, 90)
    left, right = detection((40, 0, 100, 30)), detection((0, 40, 50, 80))
    assert len(merge([(left,), (right,)], windows, 180, 90)) == 2


def test_an_object_across_four_tiles_or_three_is_one():
    large = [detection((150, 150, 800, 500))]
    assert as_rows(merged(large, Tiles(2, 2, whole=False), least=0.05)) == as_rows(large)
    long = [detection((20, 200, 980, 260))]
    assert as_rows(merged(long, Tiles(3, 1, whole=False), least=0.05)) == as_rows(long)


def test_two_large_objects_that_overlap_at_a_seam_stay_two():
    objects = [detection((200, 100, 600, 400), 0.8), detection((420, 180, 850, 480), 0.7)]
    for grid in ("2x1", "2x2", "2x2,whole=no"):
        assert as_rows(merged(objects, Tiles.of(grid))) == as_rows(objects), grid


def test_classes_are_merged_for_themselves():
    windows = Tiles(2, 1, whole=False).windows(180, 90)
    left, right = detection((40, 10, 100, 40), 0.6), detection((0, 10, 50, 40), 0.8, class_id=1)
    assert len(merge([(left,), (right,)], windows, 180, 90)) == 2


def test_a_second_box_of_one_tile_is_left_to_its_own_suppression():
    windows = Tiles(2, 1, whole=False).windows(180, 90)
    near = [detection((10, 10, 50, 50), 0.9), detection((22, 10, 62, 50), 0.8)]
    assert as_rows(merge([tuple(near), ()], windows, 180, 90)) == as_rows(near)


def test_what_is_of_an_object_that_is_known_is_left_out():
    known = detection((40, 10, 100, 40), 0.6)
    others = [detection((42, 10, 100, 40), 0.3), detection((42, 10, 100, 40), 0.3, 1), detection((60, 10, 150, 40), 0.2)]
    assert without_same(others, [known]) == tuple(others[1:])
    assert without_same(others, []) == tuple(others)


def test_a_part_that_is_cut_off_gives_its_score_only_where_all_are():
    windows = Tiles(2, 1).windows(1800, 900)
    whole, part = detection((900, 100, 970, 250), 0.5), detection((100, 100, 170, 250), 0.6)
    assert [item.score for item in merge([(whole,), (part,), ()], windows, 1800, 900)] == [0.6]
    cut = detection((0, 100, 170, 250), 0.9)
    seen = detection((700, 100, 970, 250), 0.5)
    assert [item.score for item in merge([(seen,), (cut,), ()], windows, 1800, 900)] == [0.5]


def test_of_a_large_object_the_whole_image_tells_the_score():
    windows = Tiles(2, 1).windows(180, 90)
    tile, image = detection((10, 10, 80, 70), 0.8), detection((10, 10, 80, 70), 0.6)
    assert [item.score for item in merge([(tile,), (), (image,)], windows, 180, 90)] == [0.6]
    assert [item.score for item in merge([(tile,), (), ()], windows, 180, 90)] == [pytest.approx(0.56)]
    faint = replace(image, score=0.1)
    assert [item.score for item in merge([(tile,), (), (faint,)], windows, 180, 90)] == [pytest.approx(0.56)]
    # Without the whole image, or for what is small, the tile tells it.
    assert [item.score for item in merge([(tile,), ()], windows[:2], 180, 90)] == [0.8]
    small = [detection((10, 10, 20, 20), 0.8)], [], [detection((10, 10, 20, 20), 0.6)]
    assert [item.score for item in merge(small, windows, 180, 90)] == [0.8]


def test_what_is_left_out_by_its_score_changes_nothing_else():
    draw = random.Random(8)
    windows = Tiles(2, 2).windows(WIDTH, HEIGHT)
    for _ in range(20):
        found = seen(scene(draw, 8), windows)
        found = [[replace(item, score=draw.random()) for item in items] for items in found]
        everything = merge(found, windows, WIDTH, HEIGHT)
        some = merge(found, windows, WIDTH, HEIGHT, 0.6)
        assert set(some) <= set(everything) and {item for item in everything if item.score >= 0.6} <= set(some)


def test_what_is_unlikely_changes_nothing_that_is_not():
    """Else a lower threshold would show other objects, and training, which has none, would measure other ones."""
    windows = Tiles(2, 1).windows(180, 90)
    left, right = detection((60, 10, 100, 40), 0.9), detection((0, 10, 40, 40), 0.85)
    faint = detection((60, 10, 120, 40), 0.02)
    without = merge_all([(left,), (right,), ()], windows, 180, 90)
    found = merge_all([(left,), (right,), (faint,)], windows, 180, 90)
    assert [item for item in found if item.score >= 0.1] == list(without) and without[0].score >= 0.5
    draw = random.Random(9)
    windows = Tiles(2, 2).windows(WIDTH, HEIGHT)
    for _ in range(20):
        parts = seen(scene(draw, 8), windows)
        parts = [[replace(item, score=draw.random() ** 3) for item in items] for items in parts]
        everything = merge_all(parts, windows, WIDTH, HEIGHT)
        assert list(everything) == sorted(everything, key=lambda item: -item.score)
        for score in (0.1, 0.5):
            some = merge_all([[item for item in items if item.score >= 0.1] for items in parts], windows, WIDTH, HEIGHT, score)
            assert {item for item in some if item.score >= score} == {item for item in everything if item.score >= score}


def test_nothing_found_is_nothing():
    assert merge([(), ()], Tiles(2, 1, whole=False).windows(10, 10), 10, 10) == ()


def test_of_two_classes_in_one_place_the_better_is_kept():
    car, truck = detection((100, 100, 200, 200), 0.62, 0), detection((101, 100, 200, 201), 0.58, 1)
    beside, again = detection((150, 100, 250, 200), 0.5, 1), detection((101, 100, 200, 201), 0.4, 0)
    # Two of one class are for the suppression within each class, which was before.
    assert best_classes([car, truck, beside, again]) == (car, beside, again)
    assert best_classes([truck, car]) == (truck,)


def test_a_class_that_is_left_out_leaves_out_none():
    # Each is in the place of the next, but the first is not in that of the last.
    row = [detection((left, 0, left + 100, 100), 0.9 - left / 100, left % 2) for left in (0, 7, 14)]
    row[1], row[2] = detection((7, 0, 107, 100), 0.8, 1), detection((14, 0, 114, 100), 0.7, 2)
    assert best_classes(row) == (row[0], row[2])


def test_few_objects_have_a_place_each():
    assert best_classes([]) == ()
    flat = [detection((5, 5, 5, 9), 0.9, 0), detection((5, 5, 5, 9), 0.8, 1)]
    assert best_classes(flat) == tuple(flat)


def crowd(tiles, each, draw, largest=0.3):
    """The windows of tiles, and in each of them so many boxes at random, with sides of up to `largest` of the window's."""
    windows, found = tiles.windows(WIDTH, HEIGHT), []
    for window in windows:
        items = []
        for _ in range(each):
            across, down = (draw.uniform(0.02, largest) * side for side in (window.width, window.height))
            left, top = draw.uniform(0, window.width - across), draw.uniform(0, window.height - down)
            items.append(detection((left, top, left + across, top + down), draw.uniform(0.1, 1.0)))
        found.append(items)
    return found, windows


def megabytes(work):
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("grid", ["2x2", "4x3,overlap=0.5", "3x3,whole=no"])
def test_many_are_merged_like_few(grid, monkeypatch):
    """Few are compared all with all, many only with what may touch them."""
    found, windows = crowd(Tiles.of(grid), 12, random.Random(grid), 0.9)
    few = merge_all(found, windows, WIDTH, HEIGHT)
    best, new = best_classes(few), without_same(few, few[:9])
    for most in (1, 50, 700):
        monkeypatch.setattr(seams, "_AT_ONCE", most)
        assert merge_all(found, windows, WIDTH, HEIGHT) == few
        assert best_classes(few) == best and without_same(few, few[:9]) == new


def test_the_memory_for_many_objects_is_limited():
    found, windows = crowd(Tiles(8, 8), 40, random.Random(1))
    assert megabytes(lambda: merge(found, windows, WIDTH, HEIGHT)) < 15
    objects = [detection((left, 0, left + 1, 1), class_id=left % 3) for left in range(1500)]
    assert megabytes(lambda: best_classes(objects)) < 20
    assert megabytes(lambda: without_same(objects, objects)) < 20


def test_of_too_many_that_overlap_the_best_are_merged(monkeypatch):
    found, windows = crowd(Tiles(4, 4), 20, random.Random(2), 1.0)
    best = max((item for items in found for item in items), key=lambda item: item.score)
    monkeypatch.setattr(seams, "_MOST_PAIRS", 300)
    merged = merge(found, windows, WIDTH, HEIGHT)
    assert merged[0].score == best.score and len(merged) > 5
    # The others are left out: what there is does not depend on them.
    least = min(item.score for item in merged)
    assert as_rows(merge([[item for item in items if item.score >= least] for items in found], windows, WIDTH, HEIGHT)) == as_rows(merged)
