from __future__ import annotations

import gzip
import struct
from pathlib import Path

import pytest

from runtime.common.errors import InputError, KitError
from runtime.common.values import Labels
from tests.support import format_samples as make
from tests.support.format_samples import Sample, features
from train import open_dataset
from train.dataset.examples import label_map
from train.dataset.formats import tfrecord as format
from train.files import cache, tf_example, tfrecord

PETS = "item {\n  id: 2\n  name: 'dog'\n}\nitem {\n  id: 1\n  name: 'cat'\n}\n"


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def write(path: Path, records: list[dict]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file, tfrecord.Writer(file) as writer:
        for record in records:
            writer.write((tf_example.encode(record),))
    return path


def records(count: int, start: int = 0, labels: tuple[str, ...] = ("cat", "dog"), **changes) -> list[dict]:
    """Those of `count` images with a cat; a feature that is changed to None is left out."""
    made = []
    for index in range(start, start + count):
        found = features(Sample(f"p{index}.jpg", data=make.image(index)), list(labels))
        found.update({key.replace("__", "/"): value for key, value in changes.items()})
        made.append({key: value for key, value in found.items() if value is not None})
    return made


def test_layout_of_the_object_detection_api(tmp_path):
    for shard in range(2):
        write(
            tmp_path / f"pet_train.record-0000{shard}-of-00002", records(2, 2 * shard, image__source_id=(bytes, [b"x"]))
        )
    write(tmp_path / "pet_val.record", records(2, 4))
    (tmp_path / "pet_label_map.pbtxt").write_text(PETS)
    dataset = open_dataset(tmp_path)
    assert [e.id for e in dataset.train] == ["p0", "p1", "p2", "p3"]
    assert [e.id for e in dataset.validation] == ["p4", "p5"]


def test_classes_in_the_order_of_the_label_map(tmp_path):
    dogs = features(Sample("d.jpg", boxes=(("dog", 1, 1, 9, 9),), data=make.image()), ["cat", "dog"])
    write(tmp_path / "all.tfrecord", [*records(2), dogs])
    (tmp_path / "x_label_map.pbtxt").write_text(
        PETS.replace("2", "7").replace("1", "9").replace("7", "1").replace("9", "2")
    )
    with pytest.raises(InputError, match=r"calls class 1 'cat', but x_label_map.pbtxt calls it 'dog'"):
        open_dataset(tmp_path)
    (tmp_path / "x_label_map.pbtxt").write_text(PETS)
    assert open_dataset(tmp_path, validation=tmp_path).labels == Labels(("cat", "dog"))


def test_display_names_replace_codes(tmp_path):
    """As in the maps of COCO and Open Images."""
    write(tmp_path / "all.tfrecord", records(3, image__object__class__text=(bytes, [b"/m/01"])))
    (tmp_path / "map_label.pbtxt").write_text('item { name: "/m/01" id: 1 display_name: "Wild cat" }')
    assert open_dataset(tmp_path).labels == Labels(("Wild cat",))


@pytest.mark.parametrize(
    "changes",
    [
        {"image__object__class__text": None},
        {"image__object__class__label": None},
        {"image__filename": None, "image__source_id": (bytes, [b"p0"])},
        {"image__width": None, "image__height": None},
        {"image__format": None},
        {"image__object__difficult": (int, [1]), "image__object__truncated": (int, [1])},
    ],
)
def test_what_may_be_missing(tmp_path, changes):
    write(tmp_path / "train.record", records(1, **changes))
    (tmp_path / "label_map.pbtxt").write_text(PETS)
    (example,) = format.read(tmp_path).train
    assert (example.id, example.boxes[0].label, example.width) == ("p0", "cat", 64)
    assert example.boxes[0].difficult == ("image__object__difficult" in changes)


def test_without_a_label_map_the_texts_give_names_and_numbers_their_order(tmp_path):
    dogs = features(Sample("d.jpg", boxes=(("dog", 1, 1, 9, 9),), data=make.image()), ["dog", "cat"])
    write(tmp_path / "a.tfrecord", [dogs, *records(2, labels=("dog", "cat"))])
    assert format.read(tmp_path).labels == ("dog", "cat")
    for record in (dogs, *(found := records(2))):
        record["image/object/class/text"] = (bytes, [])
    write(tmp_path / "a.tfrecord", [dogs, *found])
    with pytest.raises(InputError, match=r"class numbers without names; put the .*label_map.pbtxt"):
        open_dataset(tmp_path)


@pytest.mark.parametrize("written", ["item { id: 1 name: 'big   cat' }", None])
def test_spaces_in_names(tmp_path, written):
    write(tmp_path / "a.tfrecord", records(3, image__object__class__text=(bytes, [b" big \n cat"])))
    if written:
        (tmp_path / "label_map.pbtxt").write_text(written)
    assert open_dataset(tmp_path).labels == Labels(("big cat",))


def test_crowds_are_left_out(tmp_path):
    boxes = (make.BOX, ("dog", 1, 1, 9, 9))
    found = features(Sample("a.jpg", boxes=boxes, data=make.image()), ["cat", "dog"])
    write(tmp_path / "a.tfrecord", [{**found, "image/object/is_crowd": (int, [0, 1])}])
    assert [item.label for item in format.read(tmp_path).train[0].boxes] == ["cat"]


def test_images_are_kept_once_under_their_names(tmp_path):
    write(tmp_path / "data/a.tfrecord", records(3))
    first = format.read(tmp_path / "data").train
    assert [e.image.name for e in first] == ["p0.jpg", "p1.jpg", "p2.jpg"]
    assert all(e.image.is_relative_to(tmp_path / "cache/edge-detection-kit/pictures") for e in first)
    times = [e.image.stat().st_mtime_ns for e in first]
    # A copy elsewhere has them already; one that was damaged is written again.
    (tmp_path / "data").rename(tmp_path / "moved")
    first[1].image.write_bytes(b"")
    again = format.read(tmp_path / "moved").train
    assert again == first
    assert [a == b.image.stat().st_mtime_ns for a, b in zip(times, again)] == [True, False, True]
    assert again[1].image.read_bytes() == make.image(1)


def test_images_of_the_same_name(tmp_path):
    write(tmp_path / "train/a.tfrecord", records(2, image__filename=(bytes, [b"same.jpg"])))
    write(tmp_path / "valid/a.tfrecord", records(1, 2, image__filename=(bytes, [b"same.jpg"])))
    splits = format.read(tmp_path)
    found = [*splits.train, *splits.validation]
    assert len({e.id for e in found}) == 3
    assert [e.image.read_bytes() for e in found] == [make.image(i) for i in range(3)]
    assert {e.image.name for e in found} == {"same.jpg"}


@pytest.mark.parametrize(
    "name",
    [
        "../../../evil.jpg",
        "/tmp/evil.jpg",
        "..",
        "C:\\evil.jpg",
        "a\0b/ev\nil.jpg",
        "",
        "x" * 5000,
        "...",
        "con|:*.jpg",
    ],
)
def test_no_file_name_leads_out_of_the_cache(tmp_path, name):
    write(tmp_path / "data/a.tfrecord", records(1, image__filename=(bytes, [name.encode()])))
    before = set(tmp_path.parent.rglob("*"))
    (example,) = format.read(tmp_path / "data").train
    new = {path for path in tmp_path.parent.rglob("*") if path.is_file()} - before
    assert new == {example.image} and example.image.resolve().is_relative_to(
        tmp_path / "cache/edge-detection-kit/pictures"
    )
    assert example.image.suffix == ".jpg"


def test_a_missing_shard_is_named(tmp_path):
    write(tmp_path / "train.record-00001-of-00003", records(1))
    write(tmp_path / "train.record-00000-of-00003", records(1, 1))
    with pytest.raises(InputError, match=r"train.record-\*-of-00003: 2 of 3 shards are here; number 2 is missing"):
        open_dataset(tmp_path)


def damaged(data: bytes) -> dict[str, bytes]:
    return {
        "is cut off in record 2": data[:-10],
        "is cut off in record 0": data[:300],
        "is damaged in record 0: its checksum": data[:40] + bytes([data[40] ^ 1]) + data[41:],
        "is no TFRecord file": b"\x01" + data[1:],
        "is compressed; unpack it": gzip.compress(data),
        "is empty; make it again": b"",
    }


@pytest.mark.parametrize("message", damaged(b"x" * 400))
def test_damaged_files_are_named(tmp_path, message):
    path = write(tmp_path / "a.tfrecord", records(3))
    path.write_bytes(damaged(path.read_bytes())[message])
    with pytest.raises(InputError, match="a.tfrecord.*" + message):
        open_dataset(tmp_path, allow_bad=0)


def test_a_false_length_reserves_no_memory(tmp_path):
    head = struct.pack("<Q", 1 << 60)
    crc = tfrecord._masked(tfrecord.google_crc32c.value(head))
    (tmp_path / "a.tfrecord").write_bytes(head + crc + b"x" * 100)
    with pytest.raises(InputError, match="cut off in record 0"):
        open_dataset(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image__encoded": (bytes, [])}, "record 0 has no image"),
        ({"image__encoded": (int, [7])}, "record 0 has no image"),
        ({"image__object__bbox__ymin": (float, [])}, "record 0 has boxes of which some have no side"),
        ({"image__object__class__text": (bytes, [b"cat", b"cat"])}, "record 0 has 1 boxes, but 2 class names"),
        ({"image__object__class__text": None, "image__object__class__label": None}, "record 0 has 1 boxes, but 0"),
        ({"image__object__class__label": (int, [9])}, "class number 9, which label_map.pbtxt does not have"),
        (
            {"image__object__class__text": (bytes, [b"bird"])},
            "calls class 1 'bird', but label_map.pbtxt calls it 'cat'",
        ),
        ({"image__object__class__text": (bytes, [b"\xff"])}, "record 0 .*utf-8"),
        ({"image__width": (bytes, [b"64"])}, "something else than numbers in image/width"),
        ({"image__object__bbox__xmax": (float, [float("nan")])}, "record 0: box 1 has xmax=nan"),
        ({"image__width": (int, [99])}, "record 0: says 99 x 48, but a.tfrecord/p0.jpg is 64 x 48"),
    ],
)
def test_what_is_wrong_in_a_record_is_named(tmp_path, changes, message):
    write(tmp_path / "a.tfrecord", records(2, **changes))
    (tmp_path / "label_map.pbtxt").write_text(PETS)
    with pytest.raises(InputError, match=message):
        open_dataset(tmp_path, allow_bad=0)


def test_label_maps_that_disagree_are_named(tmp_path):
    for part in ("train", "valid"):
        write(tmp_path / part / "a.tfrecord", records(2))
        (tmp_path / part / "a_label_map.pbtxt").write_text(PETS if part == "train" else PETS.replace("dog", "cow"))
    with pytest.raises(
        InputError, match=r"valid/a_label_map.pbtxt: calls class 2 'cow', but train/a_label_map.pbtxt calls it 'dog'"
    ):
        open_dataset(tmp_path)


def test_a_cache_that_cannot_be_written_is_one_line(tmp_path, monkeypatch):
    write(tmp_path / "a.tfrecord", records(2))
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(KitError, match="cannot keep the image"):
        open_dataset(tmp_path)
    assert cache.cache_folder() == tmp_path / "file/edge-detection-kit"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("item { id: 1 name: 'cat' }", {1: "cat"}),
        ('item {\n  name: "Caf\\303\\251 \\"x\\""\n  id: 1\n}', {1: 'Café "x"'}),
        (
            "# pets\nitem: < id: 2, name: 'dog'; >\nitem{id:1 name:'cat' keypoints { id: 9 label: 'nose' } }",
            {1: "cat", 2: "dog"},
        ),
        ("item { name: 'cat' }\nitem { name: 'dog' }", {1: "cat", 2: "dog"}),
        ("item { id: 0 name: 'cat' } item { id: '1' name: dog }", {0: "cat", 1: "dog"}),
        ("item {\n  id: 1\n  name: 'cat'\n  frequency: FREQUENT\n  ancestor_ids: [1, 2]\n}", {1: "cat"}),
    ],
)
def test_label_maps(tmp_path, text, names):
    (tmp_path / "a.pbtxt").write_text(text, encoding="utf-8")
    assert {id: item.label for id, item in label_map.read(tmp_path / "a.pbtxt", "a.pbtxt").items()} == names


@pytest.mark.parametrize(
    "text", ["", "item {", "item { id: 1 }", "item { name: 'x' } item { id: 1 name: 'y' }", "node { name: 'x' }", "item { id: 1 name: 'x", "item", "item { id: 1 name: '\\777\\377' }", "item { id: 1 name: 'a' } item { id: 1 name: 'b' }", "item { id: 1.5 name: 'a' }", "\\", "item { id: 1 name: 'a' x"]
)  # fmt: skip
def test_what_is_no_label_map_is_named(tmp_path, text):
    (tmp_path / "a.pbtxt").write_text(text)
    with pytest.raises(InputError, match=r"a.pbtxt: "):
        label_map.read(tmp_path / "a.pbtxt", "a.pbtxt")


def test_label_map_of_any_names_is_read_back(tmp_path):
    names = Labels(("O'Neill's \\ cap", "Straße", 'a "b"', "x\\n"))
    (tmp_path / "a.pbtxt").write_text(label_map.text(names), encoding="utf-8")
    assert [item.name for item in label_map.read(tmp_path / "a.pbtxt", "a").values()] == list(names)


def test_a_file_that_is_cut_off_is_read_up_to_there(tmp_path):
    path = write(tmp_path / "a.tfrecord", records(5))
    good = path.read_bytes()
    path.write_bytes(good[:-10])
    dataset = open_dataset(tmp_path)
    assert len(dataset.train + dataset.validation) == 4 and dataset.bad_images == 1
    assert dataset.problems[0].startswith("a.tfrecord: is cut off in record 4; copy")
    # The second record of five: four are lost.
    size = len(good) // 5
    path.write_bytes(good[: size + 40] + bytes([good[size + 40] ^ 1]) + good[size + 41 :])
    with pytest.raises(InputError, match=r"is damaged in record 1: .*4 of 5 examples in .*--allow-bad 0\.8"):
        open_dataset(tmp_path)


@pytest.mark.parametrize("names", [("train.record", "test.record"), ("train/a.tfrec", "valid/a.tfrec"), ("tr.tfrecords", "te.tfrecords")])
def test_an_empty_training_part_is_named(tmp_path, names):
    train, test = names
    write(tmp_path / test, records(3))
    write(tmp_path / train, [])
    with pytest.raises(InputError, match=f"{train}: is empty; make it again"):
        open_dataset(tmp_path)
    # The other way round nothing false is learned.
    write(tmp_path / train, records(3))
    write(tmp_path / test, [])
    dataset = open_dataset(tmp_path)
    assert len(dataset.train) == 2 and dataset.problems == (f"{test}: is empty",)
    write(tmp_path / train, [])
    with pytest.raises(InputError, match=r"is empty; make it again"):
        open_dataset(tmp_path)


def test_only_label_maps_that_belong_to_the_records_count(tmp_path):
    """Repositories bring those of COCO and others along."""
    write(tmp_path / "data/a.record", records(4))
    (tmp_path / "data/object-detection.pbtxt").write_text("item { id: 1 name: 'cat' }")
    (tmp_path / "data/graph.pbtxt").write_text("node { name: 'x' }")
    other = tmp_path / "models/mscoco_label_map.pbtxt"
    other.parent.mkdir()
    other.write_text("item { id: 1 name: 'person' } item { id: 2 name: 'bicycle' }")
    assert open_dataset(tmp_path).labels == Labels(("cat",))
    other.write_text("not a label map")
    assert open_dataset(tmp_path).labels == Labels(("cat",))


def test_a_file_that_is_none_is_left_out_unless_it_is_that_of_training(tmp_path):
    for name in ("train.record", "val.record"):
        write(tmp_path / name, records(3))
    junk = b"a recording of something else"
    (tmp_path / "sound.record").write_bytes(junk)
    dataset = open_dataset(tmp_path)
    assert dataset.bad_images == 1 and "sound.record: is no TFRecord file" in dataset.problems[0]
    (tmp_path / "sound.record").unlink()
    (tmp_path / "train.record").write_bytes(junk)
    with pytest.raises(InputError, match=r"train.record: is no TFRecord file; copy or download it again"):
        open_dataset(tmp_path)
