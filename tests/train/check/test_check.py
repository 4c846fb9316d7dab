"""The check of a data set: every fault is found in data that has it, and only there."""

from __future__ import annotations

import shutil
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.support.pets import CAT, DOG, data, jpg, pets, save_again, xml
from tests.support.voc_samples import annotation, data_set, image
from train import open_dataset
from train.check import checks
from train.check.statistics.dataset_statistics import gather
from train.dataset import near_duplicates
from train.geometry.size import InputSize


def save_image(pixels: np.ndarray, path: Path) -> None:
    Image.fromarray(pixels).save(path, quality=90)


def findings(folder: Path, **options) -> list[checks.Finding]:
    return list(checks.run(gather(folder, progress=False, **options)))


def bad(folder: Path, **options) -> list[checks.Finding]:
    return [found for found in findings(folder, **options) if found.severity != checks.OK]


def the_one(folder: Path, **options) -> checks.Finding:
    found = bad(folder, **options)
    assert len(found) == 1, found
    return found[0]


def test_good_data_has_nothing_bad(data):
    found = findings(data)
    assert {item.severity for item in found} == {checks.OK}
    assert {item.check for item in found} >= {"anchors", "balance", "boxes", "duplicates", "labels", "images", "split"}
    assert any("by the data's own split" in item.what for item in found)


def test_a_file_in_both_splits(data):
    shutil.copy(jpg(data, 3), jpg(data, 60))
    found = the_one(data)
    assert (found.check, found.severity, found.count) == ("split", "warning", 1)
    assert found.what == "1 image of training is in validation too (1 the same file): kept out of training"
    assert found.where == ("JPEGImages/p3.jpg and JPEGImages/p60.jpg",)


def test_the_same_split_is_checked_that_training_uses(data):
    for i in range(3):
        shutil.copy(jpg(data, i), jpg(data, 52 + i))
    statistics, dataset = gather(data, progress=False), open_dataset(data)
    for split, examples in (("train", dataset.train), ("validation", dataset.validation)):
        assert tuple(entry.example for entry in statistics.in_split(split)) == examples
    assert len(dataset.train) == 49


def test_training_images_to_validate_on_are_a_failure(data):
    shutil.rmtree(data / "ImageSets")
    found = next(found for found in bad(data, validation=data) if found.check == "split")
    assert found.severity == "failure" and "72 of its 72 images are among the 72 to train on" in found.what


def test_many_near_duplicates_in_both_splits_are_a_failure(data):
    for i in range(3):
        save_again(data, i, 52 + i)
    found = the_one(data)
    assert found.severity == "failure" and "--group-by similar" in found.do


def test_an_image_that_is_saved_again_is_a_near_duplicate(data):
    save_again(data, 3, 60)
    shutil.copy(jpg(data, 4), jpg(data, 5))
    across, within = bad(data)
    assert "nearly the same image in both splits" in across.what
    assert within.what == "1 pair of images within one split: the same file"


def test_three_of_the_same_file_are_each_paired_with_the_first_of_a_split(data):
    for i in (4, 5):
        shutil.copy(jpg(data, 3), jpg(data, i))
    found = the_one(data)
    assert (found.check, found.count) == ("duplicates", 2)
    assert found.where == tuple(f"JPEGImages/p3.jpg and JPEGImages/p{i}.jpg" for i in (4, 5))


def test_images_without_contrast_are_not_alike():
    assert near_duplicates.difference_hash(np.full((48, 64), 90, np.uint8)) is None
    for images in (0, 2):
        for found in near_duplicates.pairs([None] * images, range(images), ["train"] * images):
            assert (found.count, found.listed, found.images) == (0, (), frozenset())


def test_pairs_are_found_across_blocks(monkeypatch):
    monkeypatch.setattr(near_duplicates, "_BLOCK", 3)
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2, (10, 256)).astype(np.uint8)
    bits[8] = bits[1]
    bits[8, :32] ^= 1
    bits[9] = bits[2]
    bits[9, :33] ^= 1
    hashes = [np.packbits(row).tobytes() for row in bits]
    across, within = near_duplicates.pairs(hashes, range(10), ["train"] * 9 + ["validation"])
    assert (within.count, within.listed, within.images) == (1, ((1, 8),), {1, 8})
    assert across.count == 0
    across, within = near_duplicates.pairs(hashes, range(10), ["train"] * 8 + ["validation"] * 2)
    assert (across.count, across.listed, across.images) == (1, ((1, 8),), {1, 8})
    assert within.count == 0


def test_images_that_are_all_alike_are_counted_and_the_first_pairs_listed(monkeypatch):
    monkeypatch.setattr(near_duplicates, "_BLOCK", 7)
    monkeypatch.setattr(near_duplicates, "MAX_LISTED", 4)
    rng = np.random.default_rng(0)
    view = rng.integers(0, 2, 256).astype(np.uint8)
    hashes = [np.packbits(view ^ (rng.random(256) < 0.04)).tobytes() for _ in range(20)]
    # The first three are copies of one file, and so no near-duplicates of each other.
    hashes[:3] = [hashes[0]] * 3
    files = [0, 0, *range(18)]
    splits = ["train", "validation"] * 10
    across, within = near_duplicates.pairs(hashes, files, splits)
    expected: dict[bool, list] = {True: [], False: []}
    for i in range(20):
        for j in range(i + 1, 20):
            distance = bin(int.from_bytes(hashes[i], "big") ^ int.from_bytes(hashes[j], "big")).count("1")
            if distance <= 32 and files[i] != files[j]:
                expected[splits[i] != splits[j]].append((i, j))
    for found, all_pairs in ((across, expected[True]), (within, expected[False])):
        assert found.count == len(all_pairs) > 80
        assert len(found.listed) == 4 and set(found.listed) <= set(all_pairs)
        assert found.images == {index for pair in all_pairs for index in pair}


def test_the_frames_of_a_fixed_camera_are_counted_and_the_first_listed(data):
    """A quarter of a million pairs, which take minutes or more if each is compared with others."""
    statistics = gather(data, progress=False)
    frame = statistics.images[0]
    frames = tuple(
        replace(frame, split="validation" if i % 5 == 0 else "train", file=replace(frame.file, sha256=b"%d" % i))
        for i in range(700)
    )
    found = [item for item in checks.run(replace(statistics, images=frames)) if item.check == "duplicates"]
    across, within = found
    assert across.what.startswith("140 of 140 validation images are in training too: nearly the same image")
    assert (across.count, within.count) == (140 * 560, 140 * 139 // 2 + 560 * 559 // 2)
    assert (len(within.where), within.places) == (100, within.count)


def test_cut_off_images_are_counted_and_refused_when_many(data):
    jpg(data, 3).write_bytes(jpg(data, 3).read_bytes()[:-200])
    found = the_one(data)
    assert (found.severity, found.what, found.command) == ("warning", "1 of 72 annotations cannot be used", "")
    assert "p3.jpg: the JPEG is cut off" in found.where[0]
    found = the_one(data, allow_bad=0)
    assert (found.severity, found.what) == ("failure", "1 of 72 annotations cannot be used, more than training leaves out")
    assert found.command == f"python -m train {data} --out runs/new --allow-bad 0.02"


def png(side: int, pixels: bytes) -> bytes:
    """A PNG whose header promises `side` x `side` pixels in RGB, and which holds `pixels`."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(pixels)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


@pytest.mark.parametrize(("side", "what"), [(64, "cannot be decoded"), (60_000, "too large to decode")])
def test_images_that_cannot_be_decoded(data, side, what):
    jpg(data, 3).unlink()
    jpg(data, 3).with_suffix(".png").write_bytes(png(side, b"\0" * 1000))
    annotation(xml(data, 3), (CAT, ("dog", 20, 4, 60, 60)), (side, side))
    (found,) = (item for item in bad(data) if item.check == "images")
    # The one is found by its header, the other only by decoding it, on which training would stop.
    assert found.severity == ("warning" if side > 64 else "failure") and "p3.png" in found.where[0] and what in found.where[0]


@pytest.mark.parametrize(
    ("box", "what"), [(("cat", 9, 9, 9, 20), "1 box of 144 without area"), (("cat", 4, 5, 812, 28), "1 box of 144 outside the image")]
)
def test_boxes_that_cannot_be_used(data, box, what):
    annotation(xml(data, 3), (box, DOG))
    found = the_one(data)
    assert (found.severity, found.what, found.do) == ("warning", what, "training leaves them out")
    assert found.where[0].startswith("Annotations/p3.xml: box 1 ")


def test_so_many_bad_boxes_that_training_refuses(data):
    for i in range(50):
        annotation(xml(data, i), (("cat", 9, 9, 9, 20), DOG))
    (found,) = (found for found in bad(data) if "without area" in found.what)
    assert found.severity == "failure" and found.command.endswith(" --allow-bad 0.35")


def test_duplicate_boxes(data):
    annotation(xml(data, 3), (CAT, ("cat", 4, 5, 34, 37), DOG, ("cat", 20, 4, 60, 43)))
    same, other = bad(data)
    assert same.where == ("JPEGImages/p3.jpg: boxes 1 and 2, both cat",)
    assert other.where == ("JPEGImages/p3.jpg: boxes 3 and 4, one dog, one cat",)


def test_boxes_with_nothing_in_them(data):
    image = np.array(Image.open(jpg(data, 3)))
    image[:] = 90
    # An object of one colour is no such box.
    image[10:31, 5:36] = 200
    save_image(image, jpg(data, 3))
    annotation(xml(data, 3), (("cat", 5, 10, 36, 31), ("dog", 45, 10, 60, 40)))
    found = the_one(data)
    assert (found.check, found.severity, found.count) == ("boxes", "warning", 1)
    assert found.what == "1 box in 1 image with nothing but one colour in them"
    assert found.where == ("JPEGImages/p3.jpg: box 2",)


def test_boxes_that_no_anchor_fits(data):
    for i in range(12):
        annotation(xml(data, i), (CAT, DOG, ("ant", 10, 10, 11, 11), ("ant", 10.4, 10.5, 10.9, 11)))
    assert any(item.what.startswith("24 of 168 boxes (14.3%) reach IoU 0.5 with no anchor") for item in bad(data))
    text = " ".join(item.what + " ".join(item.where) + item.do for item in bad(data))
    assert "ant: 24 of 24 (100%)" in text and "too small: below about 23 x 23" in text and "--size 640" in text
    assert "have one anchor between them" in text
    assert "ant" in next(item for item in bad(data) if "nothing will be measured" in item.what).where


@pytest.mark.parametrize(("one", "two"), [("cat", "Cat"), ("traffic-light", "traffic light"), ("scissors", "sissors"), ("rock", "rocks")])
def test_names_that_may_mean_the_same(one, two):
    from train.check.checks.labels import _alike

    assert list(_alike((one, two))) == [(one, two)]


def test_names_that_differ_intentionally():
    from train.check.checks.labels import _alike

    names = "bear boat book bus car cat couch cow cup helmet horse mouse person sheep step1 step2 train truck with_mask without_mask"
    assert list(_alike(tuple(names.split()))) == []


def test_a_class_in_two_spellings(data):
    annotation(xml(data, 3), (CAT, ("Dog", 20, 4, 60, 44)))
    found = next(item for item in bad(data) if "may mean the same" in item.what)
    assert found.where == ("'Dog' (1 boxes) and 'dog' (71)",)


def test_a_class_that_training_would_never_see(data):
    annotation(xml(data, 60), (CAT, ("yak", 20, 4, 60, 44)))
    found = the_one(data)
    assert (found.severity, found.where) == ("warning", ("yak",))
    assert found.command == f"python -m train {data} --out runs/new --redraw"


def test_a_rare_class(data):
    for i in (3, 60):
        annotation(xml(data, i), (CAT, ("yak", 20, 4, 60, 44)))
    texts = [found.what for found in bad(data)]
    assert texts == ["1 class with fewer than 20 boxes to train on", "cat has 52.0 times as many boxes as yak (52 and 1)"]


def test_boxes_drawn_on_pixels_as_stored(data):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.open(jpg(data, 3)).save(jpg(data, 3), exif=exif)
    found = the_one(data)
    assert (found.check, found.where) == ("orientation", ("JPEGImages/p3.jpg: EXIF orientation 6",))


def test_exif_rotation_that_the_size_does_not_show(data):
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.open(jpg(data, 3)).save(jpg(data, 3), exif=exif)
    (found,) = (item for item in bad(data) if item.check == "orientation")
    assert "whose size does not show" in found.what


def test_images_without_boxes_and_without_annotations(data):
    annotation(xml(data, 3), ())
    image(data / "JPEGImages" / "spare.jpg", seed=99)
    found = findings(data)
    assert any(item.what.startswith("1 image without any box") and item.severity == "ok" for item in found)
    spare = next(item for item in found if "belongs to no annotation" in item.what)
    assert spare.severity == "warning" and spare.where == ("JPEGImages/spare.jpg",)


def test_long_images(data):
    for i in range(20):
        image(jpg(data, i), 160, 48, seed=i)
        annotation(xml(data, i), (CAT, DOG), (160, 48))
    found = next(item for item in bad(data) if "as long as wide" in item.what)
    assert found.what == "20 images more than 2 times as long as wide; the network's input is square"
    assert found.do.startswith("if objects become too thin"), "the others are 64 x 48"


def test_long_images_fit_an_input_of_their_shape(data):
    for index in range(len(list((data / "JPEGImages").glob("*.jpg")))):
        image(jpg(data, index), 160, 48, seed=index)
        annotation(xml(data, index), (CAT, DOG), (160, 48))
    found = next(item for item in bad(data) if "as long as wide" in item.what)
    assert found.count == 72 and found.do.startswith("with --size 160x576 it would be 0; if")
    assert not [item for item in bad(data, size=InputSize(160, 576)) if item.check == "images"]
    upright = next(item for item in bad(data, size=InputSize(320, 192)) if item.check == "images")
    assert upright.what == "72 images stretched more than 2 times, to the network's input of 320 x 192 (height x width)"


def test_few_images_and_a_split_at_random(tmp_path):
    folder = data_set(tmp_path / "few", 6)
    texts = [found.what for found in findings(folder)]
    assert "only 5 images to train on" in texts and "5 images to train and 1 to validate on, drawn at random" in texts


def test_an_image_that_cannot_be_split(tmp_path):
    (found,) = [item for item in findings(data_set(tmp_path / "one", 1)) if item.check == "split" and item.severity == "failure"]
    assert "cannot be split into training and validation" in found.what


def test_known_faults_of_shared_data_are_found(shared):
    texts = {found.what: found for found in findings(shared / "data" / "bccd")}
    assert "2 boxes of 4,888 without area" in texts
    anchors = next(found for found in texts.values() if found.check == "anchors")
    assert anchors.severity == "warning" and anchors.where[0] == "Platelets: 180 of 361 (50%)"
    assert texts["1 pair of images within one split: nearly the same image"].where[0].endswith("00038.jpg")


@pytest.mark.parametrize(("unlabelled", "severity"), [(1, checks.OK), (3, checks.WARNING), (9, checks.FAILURE)])
def test_images_without_a_label_file(tmp_path, unlabelled, severity):
    (tmp_path / "classes.txt").write_text("cat\n")
    for number in range(12):
        image(tmp_path / f"p{number}.jpg", seed=number)
        if number >= unlabelled:
            (tmp_path / f"p{number}.txt").write_text("0 0.5 0.5 0.25 0.25\n")
    (found,) = [item for item in findings(tmp_path) if "no label file" in item.what]
    assert (found.severity, found.count, found.where[0]) == (severity, unlabelled, "p0.jpg")
    assert ("--allow-bad 0.75" in found.command) == (severity == checks.FAILURE)
