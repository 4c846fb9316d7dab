"""Sizes, EXIF rotations, shares and edges: what all boxes of a data set show decides how each is read."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from runtime.common.errors import InputError
from runtime.common.values import Box
from tests.support import format_samples as make
from train.dataset.examples import problems
from train.dataset.formats import coco, csv, pascal_voc, tfrecord, yolo

SIZED = {"coco": coco, "csv": csv, "pascal_voc": pascal_voc}


def samples(count: int, boxes, size=make.SIZE, stored=make.SIZE) -> list[make.Sample]:
    """Images of `stored` pixels whose annotations give `size`; `boxes` are those of each, or a function of the number."""
    given = boxes if callable(boxes) else lambda index: boxes
    return [make.Sample(f"p{i}.jpg", "train", tuple(given(i)), size, make.image(i, stored)) for i in range(count)]


def rotated(count: int, boxes, size, orientation: int = 6, stored=(80, 60)) -> list[make.Sample]:
    """Images stored as `stored`, with an EXIF orientation."""
    found = []
    for sample in samples(count, boxes, size, stored):
        file = io.BytesIO()
        exif = Image.Exif()
        exif[0x0112] = orientation
        Image.open(io.BytesIO(sample.data or b"")).save(file, "JPEG", exif=exif)
        found.append(replace(sample, data=file.getvalue()))
    return found


def read(tmp_path: Path, format: str, images: list[make.Sample]):
    folder = make.write(format, tmp_path / "data", images)
    if format == "yolo":
        (folder / "data.yaml").write_text("train: ../train/images\nnames: {0: cat}\n")
    return {**SIZED, "tfrecord": tfrecord, "yolo": yolo}[format].read(folder)


def first(splits) -> Box:
    return splits.train[0].boxes[0].box


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.parametrize("format", SIZED)
@pytest.mark.parametrize("size", [(63, 47), (65, 50), (64, 49), (66, 46)])
def test_a_size_that_is_off_by_a_pixel_or_two(tmp_path, format, size):
    splits = read(tmp_path, format, samples(4, [make.BOX], size))
    assert first(splits) == Box(4, 5, 30, 28)
    (note,) = splits.problems
    assert note.startswith("boxes used as they are, though the annotations give a size that is off by a pixel or two: 4 images (")


@pytest.mark.parametrize("format", SIZED)
@pytest.mark.parametrize("factor", [4, 0.5, 6.25])
def test_images_scaled_after_labelling(tmp_path, format, factor):
    box = ("cat", 4 * factor, 5 * factor, 30 * factor, 28 * factor)
    splits = read(tmp_path, format, samples(4, [box], (round(64 * factor), round(48 * factor))))
    assert first(splits) == Box(4, 5, 30, 28)
    assert "scaled with their images" in splits.problems[0] and ": 4 images (" in splits.problems[0]


def test_a_scaled_size_with_rounded_sides(tmp_path):
    """1000 x 667 became 64 x 43: no side is exact."""
    splits = read(tmp_path, "pascal_voc", samples(3, [("cat", 100, 67, 500, 600)], (1000, 667), (64, 43)))
    assert [round(side, 2) for side in first(splits).as_tuple()] == [6.4, 4.32, 32, 38.68]


@pytest.mark.parametrize("format", SIZED)
def test_a_large_size_in_whose_corner_all_boxes_lie_is_wrong(tmp_path, format):
    """Boxes of the images as they are, with another size in every annotation: some would reach beyond the corner."""
    boxes = [("cat", x, y, x + 20, y + 15) for x in (0, 20, 40) for y in (0, 15, 30)]
    splits = read(tmp_path, format, samples(4, boxes, (640, 480)))
    assert [item.box for item in splits.train[0].boxes][-1] == Box(40, 30, 60, 45)
    assert "because they fit the images and not the sizes" in splits.problems[0]


@pytest.mark.parametrize("format", SIZED)
def test_a_small_size_that_cannot_hold_the_boxes_is_wrong(tmp_path, format):
    splits = read(tmp_path, format, samples(4, [("cat", 4, 5, 60, 40)], (32, 24)))
    assert first(splits) == Box(4, 5, 60, 40)


@pytest.mark.parametrize("format", SIZED)
def test_exchanged_width_and_height(tmp_path, format):
    splits = read(tmp_path, format, samples(4, [("cat", 4, 5, 60, 40)], (48, 64)))
    assert first(splits) == Box(4, 5, 60, 40)
    assert "exchange width and height: 4 images" in splits.problems[0]


def test_images_that_were_rotated_after_labelling_are_left_out(tmp_path):
    """The boxes only fit the other shape, and which way the images were rotated is unknown."""
    with pytest.raises(InputError, match=r"says 48 x 64, but \S+ is 64 x 48"):
        read(tmp_path, "pascal_voc", samples(4, [("cat", 4, 5, 40, 60)], (48, 64)))


@pytest.mark.parametrize("size", [(48, 64), (96, 128)])
def test_rotated_and_scaled_images_are_left_out(tmp_path, size):
    with pytest.raises(InputError, match=rf"says {size[0]} x {size[1]}, but \S+ is 64 x 48"):
        read(tmp_path, "pascal_voc", samples(4, [("cat", 4, 5, size[0] - 4, size[1] - 4)], size))


@pytest.mark.parametrize("format", SIZED)
def test_images_that_were_stretched_to_another_shape(tmp_path, format):
    splits = read(tmp_path, format, samples(4, [("cat", 16, 10, 120, 400)], (128, 480)))
    assert first(splits) == Box(8, 1, 60, 40)
    assert "boxes stretched with their images" in splits.problems[0] and "as only that fits: 4 images" in splits.problems[0]


@pytest.mark.parametrize("size", [(64, 52), (61, 48), (67, 45)])
def test_a_size_that_is_off_by_some_pixels(tmp_path, size):
    """A codec's padding to whole blocks, for one."""
    splits = read(tmp_path, "pascal_voc", samples(4, [make.BOX], size))
    assert first(splits) == Box(4, 5, 30, 28)
    assert "off by some pixels" in splits.problems[0] and "4 images" in splits.problems[0]


@pytest.mark.parametrize("format", SIZED)
@pytest.mark.parametrize("size", [(0, 0), (0, 48), (-1, -1), (64, 0)])
def test_sizes_that_are_none(tmp_path, format, size):
    splits = read(tmp_path, format, samples(4, [make.BOX], size))
    assert first(splits) == Box(4, 5, 30, 28) and splits.problems == ()


def test_a_size_of_another_shape_is_believed_only_against_the_boxes(tmp_path):
    with pytest.raises(InputError, match="says 100 x 100"):
        read(tmp_path / "a", "pascal_voc", samples(4, [make.BOX], (100, 100)))
    splits = read(tmp_path / "b", "pascal_voc", samples(4, [("cat", 4, 5, 60, 40)], (30, 30)))
    assert first(splits) == Box(4, 5, 60, 40)


@pytest.mark.parametrize("format", SIZED)
def test_shares_taken_for_pixels(tmp_path, format):
    splits = read(tmp_path, format, samples(4, [("cat", 0.25, 0.125, 0.5, 1.0), ("cat", 0.0, 0.0, 0.75, 0.5)]))
    assert [item.box for item in splits.train[0].boxes] == [Box(16, 6, 32, 48), Box(0, 0, 48, 24)]
    assert "not one box reaches beyond 1: the coordinates are taken as shares of the sides" in splits.problems[0]


@pytest.mark.parametrize("format", SIZED)
def test_one_small_box_among_others_is_in_pixels(tmp_path, format):
    tiny, large = ("cat", 0, 0, 1, 1), ("cat", 4, 5, 30, 28)
    splits = read(tmp_path, format, samples(4, lambda index: [tiny, large] if index else [tiny]))
    assert first(splits) == Box(0, 0, 1, 1) and splits.problems == ()


def test_one_wrong_number_among_shares(tmp_path):
    share, wrong = ("cat", 0.25, 0.125, 0.5, 1.0), ("cat", 0.25, 0.125, 50, 1.0)
    splits = read(tmp_path, "csv", samples(30, lambda index: [wrong, share] if index == 7 else [share]))
    assert first(splits) == Box(16, 6, 32, 48)
    assert "ends at x=3200" in splits.problems[-1]


def test_each_table_has_its_unit(tmp_path):
    images = samples(6, lambda index: [("cat", 0.25, 0.125, 0.5, 1.0) if index < 3 else make.BOX])
    folder = make.write("csv", tmp_path / "data", [replace(s, part="valid") if i > 2 else s for i, s in enumerate(images)])
    splits = csv.read(folder)
    assert (first(splits), splits.validation[0].boxes[0].box) == (Box(16, 6, 32, 48), Box(4, 5, 30, 28))
    assert splits.problems[0].startswith("train/_annotations.csv: not one box reaches beyond 1")


@pytest.mark.parametrize("format", ["tfrecord", "yolo"])
def test_pixels_where_the_format_has_shares(tmp_path, format):
    """The samples divide by the sides, so the boxes are multiplied by them first."""
    box = ("cat", 4 * 64, 6 * 48, 30 * 64, 28 * 48)
    splits = read(tmp_path, format, samples(4, [box]))
    assert first(splits) == Box(4, 6, 30, 28)
    assert "the coordinates are taken as pixels" in splits.problems[0]


@pytest.mark.parametrize("format", ["tfrecord", "yolo"])
def test_one_box_in_pixels_among_shares_is_bad(tmp_path, format):
    box = ("cat", 4 * 64, 6 * 48, 30 * 64, 28 * 48)
    splits = read(tmp_path, format, samples(8, lambda index: [box, make.BOX] if index == 1 else [make.BOX]))
    assert all(len(example.boxes) == 1 for example in splits.train) and len(splits.problems) == 1


@pytest.mark.parametrize(
    ("box", "cut"),
    [
        ((40, 5, 67, 28), Box(40, 5, 64, 28)),
        ((-9, -9, 30, 28), Box(0, 0, 30, 28)),
        ((50, 5, 76, 28), Box(50, 5, 64, 28)),
        ((-5, -5, 69, 53), Box(0, 0, 64, 48)),
    ],
)
@pytest.mark.parametrize("format", [*SIZED, "yolo", "tfrecord"])
def test_a_box_over_the_edge_is_cut(tmp_path, format, box, cut):
    splits = read(tmp_path, format, samples(4, lambda index: [("cat", *box) if index == 2 else make.BOX]))
    assert [round(side, 1) for side in splits.train[2].boxes[0].box.as_tuple()] == list(cut.as_tuple())
    (note,) = splits.problems
    assert note.startswith("cut at the edge of their image: 1 box (")


def test_up_to_a_pixel_over_the_edge_is_not_worth_a_word(tmp_path):
    assert read(tmp_path, "csv", samples(4, [("cat", 5, 5, 65, 49)])).problems == ()


def test_a_box_of_which_most_is_outside_is_left_out(tmp_path):
    splits = read(tmp_path, "csv", samples(4, lambda index: [make.BOX, ("cat", 50, 5, 79, 28)] if index == 2 else [make.BOX]))
    assert len(splits.train[2].boxes) == 1
    assert "ends at x=79" in splits.problems[0]


def test_many_cut_boxes_are_suspicious(tmp_path):
    splits = read(tmp_path, "csv", samples(10, [("cat", 40, 5, 70, 28)]))
    assert "so many that the images may not be those that were labelled" in splits.problems[0]


@pytest.mark.parametrize("format", SIZED)
def test_reversed_sides_are_exchanged(tmp_path, format):
    splits = read(tmp_path, format, samples(4, lambda index: [("cat", 30, 28, 4, 5) if index == 1 else make.BOX]))
    assert splits.train[1].boxes[0].box == Box(4, 5, 30, 28)
    assert "sides exchanged, because a minimum was above its maximum: 1 box" in splits.problems[0]


# Stored 80 x 60, shown 60 x 80. The low box fits only what is shown, the wide one only what is stored.
LOW, WIDE, BOTH = ("cat", 5, 60, 40, 78), ("cat", 5, 5, 78, 30), ("cat", 5, 5, 40, 40)


@pytest.mark.parametrize("format", SIZED)
@pytest.mark.parametrize("size", [(80, 60), (60, 80), (0, 0)])
@pytest.mark.parametrize("telling", [LOW, WIDE])
def test_a_box_that_fits_only_one_reading_decides_for_all(tmp_path, format, size, telling):
    splits = read(tmp_path, format, rotated(6, lambda index: [telling if index == 4 else BOTH], size))
    shown = telling is LOW
    assert {(e.width, e.height, e.orientation) for e in splits.train} == {(60, 80, 6) if shown else (80, 60, 1)}
    assert first(splits) == Box(5, 5, 40, 40)
    # It goes without saying where the size agrees, or where there is none and the boxes are those of what is shown.
    silent = size == ((60, 80) if shown else (80, 60)) or (shown and size == (0, 0))
    assert len(splits.problems) == (0 if silent else 1)


@pytest.mark.parametrize("format", SIZED)
def test_where_nothing_decides_the_size_does_and_it_is_said(tmp_path, format):
    splits = read(tmp_path, format, rotated(4, [BOTH], (80, 60)))
    assert {(e.width, e.height, e.orientation) for e in splits.train} == {(80, 60, 1)}
    (note,) = splits.problems
    assert "no box shows if that is right, so look at them with train.check" in note and ": 4 images (" in note


def test_images_that_show_both_readings_are_read_as_each_shows(tmp_path):
    splits = read(tmp_path, "pascal_voc", rotated(6, lambda index: [LOW if index % 2 else WIDE], (80, 60)))
    assert [example.orientation for example in splits.train] == [1, 6, 1, 6, 1, 6]
    assert "the boxes of some images fit only the stored pixels, those of others" in splits.problems[0]


def test_one_careless_box_does_not_decide(tmp_path):
    """Of 99 images whose boxes fit only the stored pixels, one has a box that fits only the image as shown."""
    splits = read(tmp_path, "csv", rotated(60, lambda index: [LOW if index == 7 else WIDE], (80, 60)))
    assert {example.orientation for example in splits.train} == {1}


@pytest.mark.parametrize("orientation", [2, 3])
def test_rotations_that_keep_the_size_are_said(tmp_path, orientation):
    splits = read(tmp_path, "csv", rotated(4, [BOTH], (80, 60), orientation))
    assert {example.orientation for example in splits.train} == {orientation}
    assert "after the EXIF rotation, which does not change their size" in splits.problems[0]


@pytest.mark.parametrize("change", [{"info": {"contributor": "Label Studio"}}, {}])
def test_label_studio_gives_the_size_of_the_stored_pixels_and_the_boxes_of_what_is_shown(tmp_path, change):
    folder = make.write("coco", tmp_path / "data", rotated(4, [BOTH], (80, 60)))
    data = json.loads((folder / "train/_annotations.coco.json").read_text())
    data["annotations"] = [{**row, "ignore": 0} for row in data["annotations"]]
    (folder / "train/_annotations.coco.json").unlink()
    (folder / f"train/{'export' if change else 'result'}.json").write_text(json.dumps({**data, **change}))
    splits = coco.read(folder)
    assert {(e.width, e.height, e.orientation) for e in splits.train} == {(60, 80, 6)}
    assert first(splits) == Box(5, 5, 40, 40) and splits.problems == ()


def test_the_check_hears_of_what_was_decided_once(tmp_path):
    folder = make.write("csv", tmp_path / "data", samples(4, [("cat", 0.25, 0.125, 0.5, 1.0)]))
    with problems.collect_problems() as found:
        csv.read(folder)
    assert [len(found.notes), found.examples_seen, found.boxes_seen] == [1, 4, 4]


