"""The check of a data set: every fault is found in data that has it, and only there."""

from __future__ import annotations

import json
import shutil
import struct
import zlib
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from PIL import Image

from runtime.common.command import exit_code
from tests.support.pages import ESCAPED, SHOWN, assert_harmless, classes_without_style
from tests.support.voc_samples import annotation, data_set, image
from train.check import __main__ as check
from train.check import checks
from train.check.statistics import near_duplicates
from train.check.statistics.dataset_statistics import gather

CAT, DOG = ("cat", 4, 5, 34, 38), ("dog", 20, 4, 60, 44)


@pytest.fixture(scope="module")
def pets(tmp_path_factory) -> Path:
    """Seventy-two images without a fault, each with a cat and a dog; the last twenty to validate on."""
    folder = tmp_path_factory.mktemp("data") / "pets"
    for i in range(72):
        # Smooth, so that JPEG keeps them, but with enough in them to tell them apart.
        grid = np.random.default_rng(i).integers(0, 255, (9, 12, 3)).astype(np.uint8)
        jpg(folder, i).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(jpg(folder, i)), cv2.resize(grid, (64, 48), interpolation=cv2.INTER_LINEAR))
        annotation(xml(folder, i), (CAT, DOG))
    lists = folder / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("".join(f"p{i}\n" for i in range(52)))
    (lists / "val.txt").write_text("".join(f"p{i}\n" for i in range(52, 72)))
    return folder


@pytest.fixture
def data(pets, tmp_path) -> Path:
    """A copy of it to damage."""
    return shutil.copytree(pets, tmp_path / "pets")


def xml(folder: Path, number: int) -> Path:
    return folder / "Annotations" / f"p{number}.xml"


def jpg(folder: Path, number: int) -> Path:
    return folder / "JPEGImages" / f"p{number}.jpg"


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
    assert (found.check, found.severity, found.count) == ("duplicates", "warning", 1)
    assert found.what.startswith("1 of 20 validation images is in training too: the same file")
    assert found.where == ("JPEGImages/p3.jpg and JPEGImages/p60.jpg",)


def test_many_files_in_both_splits_are_a_failure(data):
    for i in range(3):
        shutil.copy(jpg(data, i), jpg(data, 52 + i))
    assert the_one(data).severity == "failure"


def test_an_image_that_is_saved_again_is_a_near_duplicate(data):
    image = cv2.imread(str(jpg(data, 3)))
    cv2.imwrite(str(jpg(data, 60)), cv2.convertScaleAbs(image, alpha=1.1, beta=6), [cv2.IMWRITE_JPEG_QUALITY, 60])
    shutil.copy(jpg(data, 4), jpg(data, 5))
    across, within = bad(data)
    assert "nearly the same image in both splits" in across.what
    assert within.what == "1 pair of images within one split: the same file"


def test_three_of_the_same_file_are_each_paired_with_the_first_of_a_split(data):
    for i in (4, 60):
        shutil.copy(jpg(data, 3), jpg(data, i))
    across, within = bad(data)
    assert (across.count, within.count) == (1, 1)


def test_images_without_contrast_are_not_alike():
    assert near_duplicates.difference_hash(np.full((48, 64), 90, np.uint8)) is None
    assert list(near_duplicates.pairs([None, None])) == []


def test_pairs_are_found_across_blocks(monkeypatch):
    monkeypatch.setattr(near_duplicates, "_BLOCK", 3)
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2, (10, 256)).astype(np.uint8)
    bits[8] = bits[1]
    bits[8, :32] ^= 1
    bits[9] = bits[2]
    bits[9, :33] ^= 1
    hashes = [np.packbits(row).tobytes() for row in bits]
    assert list(near_duplicates.pairs(hashes)) == [(1, 8)]


def test_cut_off_images_are_counted_and_refused_when_many(data):
    jpg(data, 3).write_bytes(jpg(data, 3).read_bytes()[:-200])
    found = the_one(data)
    assert (found.severity, found.what[:30]) == ("failure", "1 of 72 annotations cannot be ")
    assert "p3.jpg: the JPEG is cut off" in found.where[0]


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
    assert found.severity == "failure" and "p3.png" in found.where[0] and what in found.where[0]


@pytest.mark.parametrize(
    ("box", "what"), [(("cat", 9, 9, 9, 20), "1 box of 144 without area"), (("cat", 4, 5, 812, 28), "1 box of 144 outside the image")]
)
def test_boxes_that_cannot_be_used(data, box, what):
    annotation(xml(data, 3), (box, DOG))
    found = the_one(data)
    assert (found.severity, found.what, found.do) == ("warning", what, "training leaves them out")
    assert found.where[0].startswith("Annotations/p3.xml: box 1 ")


def test_so_many_bad_boxes_that_training_refuses(data):
    for i in range(10):
        annotation(xml(data, i), (("cat", 9, 9, 9, 20), DOG))
    assert "failure" in {found.severity for found in bad(data) if "without area" in found.what}


def test_duplicate_boxes(data):
    annotation(xml(data, 3), (CAT, ("cat", 4, 5, 34, 37), DOG, ("cat", 20, 4, 60, 43)))
    same, other = bad(data)
    assert same.where == ("JPEGImages/p3.jpg: boxes 1 and 2, both cat",)
    assert other.where == ("JPEGImages/p3.jpg: boxes 3 and 4, one dog, one cat",)


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
    assert (found.severity, found.where) == ("failure", ("yak",))


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
    assert "whose size does not show" in the_one(data).what


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
    assert "20 images more than 2 times as long as wide" in [found.what for found in bad(data)][-1]


def test_few_images_and_a_split_at_random(tmp_path):
    folder = data_set(tmp_path / "few", 6)
    texts = [found.what for found in findings(folder)]
    assert "only 5 images to train on" in texts and "5 images to train and 1 to validate on, drawn at random" in texts


def test_an_image_that_cannot_be_split(tmp_path):
    (found,) = [item for item in findings(data_set(tmp_path / "one", 1)) if item.check == "split" and item.severity == "failure"]
    assert "cannot be split into training and validation" in found.what


def test_exit_codes(data, tmp_path, capsys):
    assert exit_code(check.main, [str(data)]) == 0
    assert capsys.readouterr().out.endswith("\npets can be trained\n")
    annotation(xml(data, 60), (CAT, *(("yak", 10 * i, 4, 10 * i + 9, 44) for i in range(5))))
    for i in range(5):
        annotation(xml(data, i), (CAT, DOG, (f"word {'abcde'[i] * 9}", 1, 4, 60, 44)))
    assert exit_code(check.main, [str(data)]) == 1
    printed = capsys.readouterr().out
    assert "pets should not be trained as it is: 1 failure, 3 warnings" in printed
    assert "- word bbbbbbbbb: 1 box\n" in printed and "- and 2 more\n" in printed
    for arguments in ([str(tmp_path / "nothing")], [str(data), "--out", str(tmp_path)], [str(data), "--format", "xyz"]):
        assert exit_code(check.main, arguments) == 2
        assert capsys.readouterr().err.startswith("error: ")


def test_a_page_that_cannot_be_written_is_one_line(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert exit_code(check.main, [str(data_set(tmp_path / "few", 6)), "--out", str(tmp_path / "file" / "x.html")]) == 1
    assert capsys.readouterr().err.startswith(f"error: {tmp_path}/file/x.html: the page cannot be written: ")


def test_the_tables_lines_fit_the_terminal(data):
    shutil.copy(jpg(data, 3), jpg(data, 60))
    statistics = gather(data, progress=False)
    text = check.as_text(statistics, checks.run(statistics), 60)
    assert max(map(len, text.splitlines())) <= 60
    assert text.splitlines()[:4] == [
        "pets    train  validation",
        "images     52          20",
        "boxes     104          40",
        "  cat      52          20",
    ]


def test_json_for_programs(data, capsys):
    for i in range(3):
        shutil.copy(jpg(data, i), jpg(data, 52 + i))
    assert check.main([str(data), "--json", "--size", "640"]) == 1
    result = json.loads(capsys.readouterr().out)
    assert (result["data"], result["size"], result["trainable"]) == ("pets", 640, False)
    assert result["pictures"] == {"train": 52, "validation": 20}
    assert result["boxes"]["cat"] == {"train": 52, "validation": 20}
    assert set(result["findings"][0]) == {"severity", "check", "what", "count", "places", "where", "do"}
    assert result["findings"][0]["severity"] == "failure" and result["findings"][0]["count"] == 3


def test_the_page_holds_everything_and_escapes_what_it_shows(data):
    annotation(xml(data, 3), (CAT, (ESCAPED, 20, 4, 60, 44)))
    evil = jpg(data, 4).with_name("<b onclick=x>&\".jpg")
    jpg(data, 4).rename(evil)
    annotation(xml(data, 4), (CAT, DOG), filename="x").rename(xml(data, 4).with_name('<b onclick=x>&".xml'))
    lists = data / "ImageSets" / "Main" / "train.txt"
    lists.write_text(lists.read_text().replace("p4\n", '<b onclick=x>&"\n'))
    shutil.copy(evil, jpg(data, 60))
    out = data.parent / "report.html"
    assert check.main([str(data), "--out", str(out)]) == 0
    text = out.read_text()
    assert_harmless(text)
    assert not classes_without_style(text)
    assert SHOWN in text and "&lt;b onclick=x&gt;&amp;&quot;.jpg" in text
    assert text.count("data:image/webp;base64,") >= 36 and "is in training too" in text


def test_a_page_of_data_without_boxes(tmp_path):
    folder = data_set(tmp_path / "empty", 3, boxes=())
    out = tmp_path / "report.html"
    assert exit_code(check.main, [str(folder), "--out", str(out)]) == 1
    assert_harmless(out.read_text())


def test_images_are_shown_of_every_class():
    from train.check.page import sample

    def entry(*labels):
        return SimpleNamespace(example=SimpleNamespace(boxes=[SimpleNamespace(label=label) for label in labels]))

    images = [entry("cat") for _ in range(90)] + [entry("dog"), entry("dog", "yak"), entry()]
    chosen = sample(SimpleNamespace(images=images, labels=("cat", "dog", "yak")), 12)
    assert len(chosen) == len(set(chosen)) == 12 and {90, 91, 92} <= set(chosen)


def test_known_faults_of_shared_data_are_found(shared):
    texts = {found.what: found for found in findings(shared / "data" / "bccd")}
    assert "2 boxes of 4,888 without area" in texts
    anchors = next(found for found in texts.values() if found.check == "anchors")
    assert anchors.severity == "warning" and anchors.where[0] == "Platelets: 180 of 361 (50%)"
    assert texts["1 pair of images within one split: nearly the same image"].where[0].endswith("00038.jpg")
