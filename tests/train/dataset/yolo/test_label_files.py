from __future__ import annotations

from pathlib import Path

import pytest

from runtime.common.errors import InputError
from tests.support.layouts import BOX, LINE, boxes, write
from train.dataset.examples.problems import allowed, collect_problems
from train.dataset.formats import yolo

PLACES = {
    "frames": ("frames/{}.jpg", "labels/{}.txt"),
    "img": ("img/{}.jpg", "lbl/{}.txt"),
    "another case": ("Images/{}.jpg", "Labels/{}.txt"),
    "voc": ("VOC/JPEGImages/{}.jpg", "VOC/labels/{}.txt"),
    "beside": ("{}.jpg", "{}.txt"),
    "one folder": ("obj_train_data/{}.jpg", "obj_train_data/{}.txt"),
    "labels below": ("pictures/{}.jpg", "pictures/labels/{}.txt"),
    "labels above": ("set/all/images/{}.jpg", "set/{}.txt"),
    "labels_yolo": ("images/{}.jpg", "labels_yolo/{}.txt"),
    "another tree": ("raw/camera/{}.jpg", "annotations/yolo/{}.txt"),
    "split last": ("images/train/{}.jpg", "labels/train/{}.txt"),
    "split first": ("train/images/{}.jpg", "train/labels/{}.txt"),
    "split first, other names": ("train/img/{}.jpg", "train/ann/{}.txt"),
    "images twice": ("images/x/images/{}.jpg", "images/x/labels/{}.txt"),
    "name with suffix": ("images/{}.jpg", "labels/{}.jpg.txt"),
    "suffix in capitals": ("images/{}.JPG", "labels/{}.txt"),
}


@pytest.mark.parametrize("place", PLACES)
def test_places_of_labels(tmp_path, place):
    image, label = PLACES[place]
    files = {"classes.txt": "cat\n"}
    for index in range(3):
        files |= {image.format(f"p{index}"): "", label.format(f"p{index}"): LINE}
    splits = yolo.read(write(tmp_path, files))
    assert boxes(splits) == {f"p{index}": [("cat", *BOX)] for index in range(3)}
    assert splits.problems == ()


def test_names_that_occur_in_each_sequence(tmp_path):
    """The folder of the sequence decides; its second box is wider by its number."""
    files = {"names.names": "cat\n"}
    for sequence in ("a", "b", "c"):
        files |= {f"frames/{sequence}/{i}.jpg": "" for i in range(2)}
        files |= {f"boxes/{sequence}/{i}.txt": LINE.replace("0 0.2", f"0 0.{'abc'.index(sequence) + 2}") for i in range(2)}
    found = boxes(yolo.read(write(tmp_path, files)))
    assert [found[f"frames/{sequence}/1"][0][1] for sequence in "abc"] == pytest.approx([4, 10.4, 16.8])


def test_labels_of_training_are_not_those_of_an_unlabelled_test(tmp_path):
    """Not even those of an image that is missing in training."""
    files = {"classes.txt": "cat\n"}
    files |= {f"train/img/{i}.jpg": "" for i in range(3)} | {f"test/img/{i}.jpg": "" for i in range(4)}
    files |= {f"train/lbl/{i}.txt": LINE for i in range(4)}
    splits = yolo.read(write(tmp_path, files))
    assert boxes(splits) == {f"train/img/{i}": [("cat", *BOX)] for i in range(3)}
    assert sorted(splits.problems) == [
        "left out, because not one image of the test part has labels: 4 images (0.jpg)",
        "train/lbl/3.txt: its image is missing: no '3.*'",
    ]


def test_labels_that_may_be_those_of_two_images(tmp_path):
    files = {"classes.txt": "cat\n", "a/0.jpg": "", "b/0.jpg": "", "labels/0.txt": LINE}
    files |= {f"a/{i}.jpg": "" for i in range(1, 5)} | {f"labels/{i}.txt": LINE for i in range(1, 5)}
    splits = yolo.read(write(tmp_path, files))
    assert sorted(boxes(splits)) == ["a/1", "a/2", "a/3", "a/4"] or sorted(boxes(splits)) == ["1", "2", "3", "4"]
    assert any("labels/0.txt: its image may be a/0.jpg or b/0.jpg" in line for line in splits.problems)


def test_many_images_of_one_name_do_not_take_long(tmp_path):
    files = {"classes.txt": "cat\n"}
    files |= {f"a{i}/b/c/0.jpg": b"x" for i in range(100)} | {f"l/{i}/0.txt": LINE for i in range(100)}
    with pytest.raises(InputError, match="its labels may be any of 100 files of its name"):
        yolo.read(write(tmp_path, files))


def test_two_images_of_one_name_have_the_labels_of_both(tmp_path):
    files = {"classes.txt": "cat\n", "images/a.jpg": "", "images/a.png": "", "labels/a.txt": LINE}
    splits = yolo.read(write(tmp_path, files))
    assert boxes(splits) == {"images/a.jpg": [("cat", *BOX)], "images/a.png": [("cat", *BOX)]}
    assert splits.problems == ("used for each image of its name, though they may differ: 1 label file (labels/a.txt)",)


def test_labels_of_an_image_of_a_kind_that_is_not_read(tmp_path):
    files = {"classes.txt": "cat\n", "images/b.heic": b"\0\0\0\x18ftypheic" + bytes(20), "labels/b.txt": LINE}
    files |= {f"images/{i}.jpg": "" for i in range(4)} | {f"labels/{i}.txt": LINE for i in range(4)}
    (told,) = yolo.read(write(tmp_path, files)).problems
    assert told.startswith("labels/b.txt: images/b.heic: is HEIC, which is not read; convert it to JPEG")


def test_backgrounds_are_told_apart_by_folder(tmp_path):
    files = {"classes.txt": "cat\n", "negatives/n.jpg": ""}
    files |= {f"p{i}.jpg": "" for i in range(3)} | {f"p{i}.txt": LINE for i in range(3)}
    splits = yolo.read(write(tmp_path, files))
    assert boxes(splits)["n"] == []
    assert splits.problems == ("background, as their folder says (negatives): 1 images",)


def half_labelled(folder: Path, labelled: int, unlabelled: int, rest: str = "") -> Path:
    files = {"classes.txt": "cat\n"} | {f"p{i}.jpg": "" for i in range(labelled)} | {f"p{i}.txt": LINE for i in range(labelled)}
    return write(folder, files | {f"{rest}q{i}.jpg": "" for i in range(unlabelled)})


@pytest.mark.parametrize(("labelled", "unlabelled"), [(9, 1), (6, 3)])
def test_a_few_images_without_a_label_file_are_background(tmp_path, labelled, unlabelled):
    splits = yolo.read(half_labelled(tmp_path, labelled, unlabelled))
    of = f"{unlabelled} of {labelled + unlabelled} images, such as q0.jpg"
    assert splits.problems == (f"taken for background, because they have no label file: {of}",)


def test_many_images_without_a_label_file_are_refused(tmp_path):
    folder = half_labelled(tmp_path / "many", 2, 5)
    with pytest.raises(InputError, match=r"5 of 7 images in .* have no label file \(q0\.jpg is one\).*empty label file.*--allow-bad 0\.72"):
        yolo.read(folder)
    with allowed(0.72):
        assert len(yolo.read(folder).train) == 7
    # Nothing may be bad, and a true negative is not.
    with allowed(0):
        yolo.read(half_labelled(tmp_path / "few", 9, 1))
    with collect_problems() as found:
        yolo.read(folder)
    assert "unlabelled" in found.refused and (len(found.unlabelled), found.labelled_or_not) == (5, 7)


def test_images_in_a_folder_named_background_are_no_question(tmp_path):
    splits = yolo.read(half_labelled(tmp_path, 2, 5, "Background/"))
    assert splits.problems == ("background, as their folder says (Background): 5 images",)
